//! URL that names the paid resource, and how far the service vouches for it.

use std::net::SocketAddr;

use reqwest::Url;

/// Start of the URL of the paid resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Without the slash at its end.
    pub url: String,
    /// The attested keys may sign it: it stands literally in the measured settings, or the process bound it itself. What the
    /// platform filled in is named in quotes and signed nowhere (SPEC 6.6).
    pub vouched: bool,
}

impl Origin {
    /// A URL from the measured settings.
    pub(super) fn measured(url: &str) -> Result<Self, &'static str> {
        Ok(Self { url: checked(url)?, vouched: true })
    }

    /// A URL that the platform filled in.
    pub(super) fn of_platform(url: &str) -> Result<Self, &'static str> {
        Ok(Self { url: checked(url)?, vouched: false })
    }

    /// The address that was bound, where no setting names a URL.
    pub fn bound(address: SocketAddr) -> Self {
        Self { url: format!("http://{address}"), vouched: true }
    }
}

fn checked(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).map_err(|_| "is no URL")?;
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err("is https://HOST, or http://HOST");
    }
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if !bare {
        return Err("carries no user, query or fragment");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_url_loses_its_last_slash_and_keeps_its_path() {
        assert_eq!(Origin::measured("https://precis.example/").unwrap().url, "https://precis.example");
        assert_eq!(Origin::measured("https://precis.example/base").unwrap().url, "https://precis.example/base");
    }

    #[test]
    fn only_a_measured_or_bound_url_is_vouched_for() {
        assert!(Origin::measured("https://precis.example").unwrap().vouched);
        assert!(Origin::bound("127.0.0.1:8080".parse().unwrap()).vouched);
        assert!(!Origin::of_platform("https://p8080.m1.example").unwrap().vouched);
    }

    #[test]
    fn a_url_that_names_no_resource_is_refused() {
        let wrong = ["", "precis.example", "ftp://precis.example", "https://", "https://user@precis.example"];
        for url in wrong.into_iter().chain(["https://precis.example?x=1", "https://precis.example#part"]) {
            assert!(Origin::measured(url).is_err() && Origin::of_platform(url).is_err(), "{url}");
        }
    }
}
