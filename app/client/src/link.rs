//! Documents behind links. They are fetched here, by whoever has them summarized; the service fetches nothing.
//!
//! Only over https, from one end of the redirects to the other; http reaches this machine alone. What comes is bounded as every
//! document is, and is taken as it comes. There are no cookies, and nobody logs in.

use std::time::Duration;

use reqwest::Url;

use crate::document::Document;
use crate::error::ClientError;
use crate::text::printable;
use crate::transport::{Answer, Authorities, Transport, is_loopback};

/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// A document as it was fetched.
pub struct Fetched {
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// Its type as the header says, without parameters; none if the header says none.
    pub media_type: Option<String>,
    /// The last part of the path that it was found at, as a file name.
    pub name: String,
}

/// True for what is written as a link.
#[must_use]
pub fn is_link(text: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// Fetches the document behind `link`, waiting for each answer at most `timeout`.
///
/// # Errors
/// [`ClientError::Input`] when there is no such document, when it is too large, or when it is not to be had over https;
/// [`ClientError::Unavailable`] when nobody answers. No message repeats what was answered.
pub async fn fetch(link: &str, timeout: Duration, authorities: &Authorities) -> Result<Fetched, ClientError> {
    let shown = printable(link);
    let refuse = |why: &str| ClientError::Input(format!("{shown} {why}"));
    let mut url = Url::parse(link).map_err(|_| refuse("is no link that can be followed; check it"))?;
    check(&url, None).map_err(refuse)?;
    for hop in 0..=MAX_REDIRECTS {
        let transport = Transport::endpoint(url.as_str(), timeout, authorities)?;
        let answer = transport.fetch(Document::MAX_BYTES).await.map_err(|error| match error {
            ClientError::Unavailable(_) if hop > 0 => {
                ClientError::Unavailable(format!("{shown} redirects to an address that cannot be reached; try again"))
            }
            ClientError::CannotVerify(_) if hop > 0 => ClientError::CannotVerify(format!(
                "{shown} redirects to an address that does not prove its name; download the document and give the file"
            )),
            error => error,
        })?;
        let Some(answer) = answer else {
            return Err(refuse(&format!("is larger than {} bytes; give a smaller document", Document::MAX_BYTES)));
        };
        if !answer.status.is_redirection() {
            return taken(answer, &url, &shown);
        }
        url = next(&answer, &url).map_err(refuse)?;
    }
    Err(refuse(&format!("redirects more than {MAX_REDIRECTS} times; give the address of the document itself")))
}

/// Refuses a `url` that may not be asked, at all or after a redirect from `before`.
fn check(url: &Url, before: Option<&Url>) -> Result<(), &'static str> {
    let here = |url: &Url| url.scheme() == "http" && is_loopback(url);
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password; download the document and give the file");
    }
    if url.scheme() == "https" && url.has_host() {
        return Ok(());
    }
    match before {
        None if here(url) => Ok(()),
        Some(before) if here(url) && here(before) => Ok(()),
        None => Err("is not https; documents are fetched over https only, or over http from this machine"),
        Some(_) => Err("redirects to an address that is not https; documents are fetched over https only"),
    }
}

/// The address that a redirect names.
fn next(answer: &Answer, url: &Url) -> Result<Url, &'static str> {
    let location = answer.headers.get(http::header::LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|location| url.join(location).ok());
    let next = next.ok_or("redirects without saying where to; check the link")?;
    check(&next, Some(url))?;
    Ok(next)
}

fn taken(answer: Answer, url: &Url, shown: &str) -> Result<Fetched, ClientError> {
    let status = answer.status.as_u16();
    match status {
        200 => Ok(Fetched { bytes: answer.body.into(), media_type: essence(&answer.media_type), name: name_of(url) }),
        401 | 403 => Err(ClientError::Input(format!(
            "{shown} is not open to everybody ({status}); download the document and give the file"
        ))),
        404 | 410 => Err(ClientError::Input(format!("{shown} leads to no document ({status}); check the link"))),
        429 | 500.. => {
            Err(ClientError::Unavailable(format!("{shown} is not to be had now ({status}); try again later")))
        }
        _ => Err(ClientError::Input(format!("{shown} answers {status} in place of a document; check the link"))),
    }
}

/// A media type without parameters. The service is told no charset either, so that both sides read the same.
fn essence(media_type: &str) -> Option<String> {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    (!essence.is_empty()).then(|| essence.to_ascii_lowercase())
}

fn name_of(url: &Url) -> String {
    url.path().rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn allowed(url: &str, before: Option<&str>) -> bool {
        let before = before.map(|before| Url::parse(before).unwrap());
        check(&Url::parse(url).unwrap(), before.as_ref()).is_ok()
    }

    #[test]
    fn only_https_is_fetched_and_http_from_this_machine() {
        for (url, expected) in [
            ("https://precis.example/a.pdf", true),
            ("HTTPS://precis.example", true),
            ("http://127.0.0.1:1/a.pdf", true),
            ("http://localhost/a.pdf", true),
            ("http://precis.example/a.pdf", false),
            ("http://10.0.0.1/a.pdf", false),
            ("https://u:p@precis.example/a.pdf", false),
            ("ftp://precis.example/a.pdf", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(allowed(url, None), expected, "{url}");
        }
    }

    #[test]
    fn a_redirect_never_leaves_https_nor_comes_back_to_this_machine() {
        let far = Some("https://precis.example/");
        assert!(allowed("https://other.example/", far));
        assert!(!allowed("http://other.example/", far));
        assert!(!allowed("http://127.0.0.1:1/", far));
        assert!(allowed("http://127.0.0.1:1/", Some("http://127.0.0.1:2/")));
        assert!(!allowed("http://other.example/", Some("http://127.0.0.1:2/")));
    }

    #[test]
    fn a_link_is_told_from_a_file() {
        assert!(is_link("https://precis.example") && is_link("HTTP://precis.example"));
        for file in ["https", "https.txt", "report.pdf", "-", "", "é"] {
            assert!(!is_link(file), "{file}");
        }
    }

    #[test]
    fn type_and_name_come_from_header_and_path() {
        assert_eq!(essence("Text/HTML; charset=x"), Some("text/html".into()));
        assert_eq!(essence(" ;"), None);
        let name = |url: &str| name_of(&Url::parse(url).unwrap());
        assert_eq!(name("https://precis.example/a/report.pdf?x=y.txt#z"), "report.pdf");
        assert_eq!(name("https://precis.example"), "");
    }
}
