//! The HTTP client for public endpoints: compiled-in WebPKI roots, ring, no proxy, no redirects,
//! every request and every body bounded.

use std::time::Duration;

use reqwest::header::HeaderMap;

/// A whole request, connecting included, may take this long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Connecting may take this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why an HTTP exchange gave nothing usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The client itself could not be built (a fault of this program or its platform).
    #[error("cannot build the HTTP client: {0}")]
    Client(String),
    /// The endpoint was not reached or broke off: retry later or check the URL and the network.
    #[error("{origin} unreachable: {reason}")]
    Unreachable {
        /// Scheme, host and port of the URL asked: user, path and query of an endpoint can hold keys.
        origin: String,
        /// The transport's words.
        reason: String,
    },
    /// The endpoint answered with another status than 200.
    #[error("{origin} answered {status}")]
    Refused {
        /// As in [`HttpError::Unreachable`].
        origin: String,
        /// HTTP status code.
        status: u16,
    },
    /// The answer is longer than the limit for its kind.
    #[error("{origin} answered more than {limit} bytes")]
    TooLong {
        /// As in [`HttpError::Unreachable`].
        origin: String,
        /// The limit in bytes.
        limit: usize,
    },
}

/// A client whose trust roots are compiled in, so that the image needs no certificate files and
/// the set of roots is part of what is measured.
///
/// # Errors
/// [`HttpError::Client`] if TLS cannot be configured.
pub fn http_client() -> Result<reqwest::Client, HttpError> {
    let fault = |error: &dyn std::fmt::Display| HttpError::Client(error.to_string());
    let tls = precis_tls::http_config().map_err(|error| fault(&error))?;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(REQUEST_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .build()
        .map_err(|error| fault(&error))
}

/// A 200 answer: its headers and at most `limit` bytes of body.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// GETs `url`; anything but a 200 with at most `limit` bytes is an error.
pub(crate) async fn get(client: &reqwest::Client, url: &str, limit: usize) -> Result<Answer, HttpError> {
    let unreachable =
        |error: reqwest::Error| HttpError::Unreachable { origin: origin(url), reason: error.without_url().to_string() };
    let mut response = client.get(url).send().await.map_err(unreachable)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(HttpError::Refused { origin: origin(url), status: response.status().as_u16() });
    }
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > limit {
            return Err(HttpError::TooLong { origin: origin(url), limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { headers, body })
}

fn origin(url: &str) -> String {
    let parsed = reqwest::Url::parse(url);
    parsed.map_or_else(|_| "an endpoint without a usable URL".to_owned(), |url| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn an_endpoint_that_fails_is_named_without_its_keys() {
        let url = "http://user:password@127.0.0.1:1/key-in-the-path?key=in-the-query";
        let error = get(&http_client().unwrap(), url, 10).await.err().unwrap().to_string();
        assert!(error.starts_with("http://127.0.0.1:1 unreachable"), "{error}");
        for secret in ["user", "password", "key-in-the-path", "in-the-query"] {
            assert!(!error.contains(secret), "{error}");
        }
    }
}
