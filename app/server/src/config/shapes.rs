//! Types that only settings have.

use std::time::Duration;

use reqwest::Url;

use crate::config::value::{duration, value};

/// An `http://` or `https://` URL, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL, by value.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Checks whether it has a part that is for secrets: a user, a password or a query.
    pub fn carries_secrets(&self) -> bool {
        Url::parse(&self.0)
            .is_ok_and(|url| !url.username().is_empty() || url.password().is_some() || url.query().is_some())
    }
}

value!(HttpUrl, Text, "a URL", "`https://…` or `http://…`", |text| {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "https" | "http") && url.has_host()).then(|| Self(text.to_owned()))
});

/// A PostgreSQL database.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The URL.
    pub fn into_string(self) -> String {
        self.0
    }
}

value!(DatabaseUrl, Text, "a URL", "`postgres://…`", |text| {
    let sound = text.starts_with("postgres://") || text.starts_with("postgresql://");
    sound.then(|| Self(text.to_owned()))
});

/// Set if payers must name their payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentIdentifier {
    /// They may.
    Optional,
    /// They must.
    Required,
}

value!(PaymentIdentifier, Text, "a word", "`optional` or `required`", |text| match text {
    "optional" => Some(Self::Optional),
    "required" => Some(Self::Required),
    _ => None,
});

/// Work that is paid for first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upfront {
    /// Never.
    Never,
    /// Work that is predicted to take longer.
    Above(Duration),
}

value!(
    Upfront,
    Text,
    "a duration or `never`",
    "a whole number and `s`, `m`, `h` or `d`, or the word `never`",
    |text| { if text == "never" { Some(Self::Never) } else { duration(text).map(Self::Above) } }
);

/// Greatest age of a chain's newest block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadAge {
    /// Any.
    Any,
    /// At most this.
    Within(Duration),
}

value!(
    HeadAge,
    Text,
    "a duration or `any`",
    "a whole number and `s`, `m` or `h`, `1s` to `24h`, or the word `any`",
    |text| {
        let within = |age: Duration| (1..=24 * 3600).contains(&age.as_secs()).then_some(Self::Within(age));
        if text == "any" { Some(Self::Any) } else { duration(text).and_then(within) }
    }
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::value::Value as _;

    #[test]
    fn a_url_is_kept_as_it_was_written_and_its_secret_parts_are_seen() {
        assert_eq!(HttpUrl::read("http://127.0.0.1:1").unwrap().as_str(), "http://127.0.0.1:1");
        for url in ["", "precis.example", "ftp://precis.example", "https://", "file:///etc/passwd"] {
            assert!(HttpUrl::read(url).is_none(), "{url}");
        }
        for (url, secret) in
            [("https://a.example/v2", false), ("https://u@a.example", true), ("https://a.example?key=1", true)]
        {
            assert_eq!(HttpUrl::read(url).unwrap().carries_secrets(), secret, "{url}");
        }
    }

    #[test]
    fn words_stand_beside_durations() {
        assert_eq!(Upfront::read("never"), Some(Upfront::Never));
        assert_eq!(Upfront::read("0s"), Some(Upfront::Above(Duration::ZERO)));
        assert_eq!(HeadAge::read("any"), Some(HeadAge::Any));
        assert!(
            Upfront::read("sometimes").is_none() && HeadAge::read("0s").is_none() && HeadAge::read("25h").is_none()
        );
    }
}
