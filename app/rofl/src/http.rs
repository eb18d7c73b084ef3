//! The HTTP client for public endpoints: compiled-in WebPKI roots, ring, no proxy, no redirects,
//! every request and every body bounded.

use std::{sync::Arc, time::Duration};

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
    #[error("{url} unreachable: {reason}")]
    Unreachable {
        /// The URL asked.
        url: String,
        /// The transport's words.
        reason: String,
    },
    /// The endpoint answered with another status than 200.
    #[error("{url} answered {status}")]
    Refused {
        /// The URL asked.
        url: String,
        /// HTTP status code.
        status: u16,
    },
    /// The answer is longer than the limit for its kind.
    #[error("{url} answered more than {limit} bytes")]
    TooLong {
        /// The URL asked.
        url: String,
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
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
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
        |error: reqwest::Error| HttpError::Unreachable { url: url.to_owned(), reason: error.without_url().to_string() };
    let mut response = client.get(url).send().await.map_err(unreachable)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(HttpError::Refused { url: url.to_owned(), status: response.status().as_u16() });
    }
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > limit {
            return Err(HttpError::TooLong { url: url.to_owned(), limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { headers, body })
}
