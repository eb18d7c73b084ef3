//! HTTP for chains and facilitators: one client with limits, and bodies that are bounded while they are read.

use std::time::Duration;

use reqwest::{
    Client, ClientBuilder, RequestBuilder, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};

/// Longest wait for a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer that is read, bytes.
pub(crate) const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The other side did not answer usably.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// No connection: nothing was sent.
    #[error("no connection")]
    NotSent,
    /// The request may have arrived; the answer did not, or not whole.
    #[error("no complete answer")]
    Lost,
}

/// Redirects that are followed one after another, at most.
const MAX_REDIRECTS: usize = 3;

/// The client itself could not be built: a fault of this program or its platform.
#[derive(Debug, thiserror::Error)]
#[error("cannot build the HTTP client: {0}")]
pub struct ClientError(String);

/// A client that follows no redirect, asks no proxy and gives up after `timeout`. Its trust roots are compiled in.
///
/// # Errors
/// [`ClientError`].
pub fn client(timeout: Duration) -> Result<Client, ClientError> {
    built(builder(timeout)?.redirect(Policy::none()))
}

/// As [`client`], for a facilitator: sends its credential with every request and follows redirects within one origin that
/// keep method and body (307 and 308). Any other redirect is the answer, so that neither payments nor the credential go where
/// the operator did not send them.
///
/// # Errors
/// [`ClientError`].
pub fn facilitator_client(timeout: Duration, credential: Option<&Credential>) -> Result<Client, ClientError> {
    let policy = Policy::custom(|attempt| {
        let keeps = matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        let same = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
        if keeps && same && attempt.previous().len() <= MAX_REDIRECTS { attempt.follow() } else { attempt.stop() }
    });
    let headers = credential.map(|Credential { name, value }| HeaderMap::from_iter([(name.clone(), value.clone())]));
    built(builder(timeout)?.redirect(policy).default_headers(headers.unwrap_or_default()))
}

/// What a facilitator wants to see: one header.
#[derive(Clone)]
pub struct Credential {
    name: HeaderName,
    value: HeaderValue,
}

/// The text is not `Name: value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a credential is one header, written `Name: value`, such as `Authorization: Bearer …`")]
pub struct NotACredential;

impl std::str::FromStr for Credential {
    type Err = NotACredential;

    fn from_str(text: &str) -> Result<Self, NotACredential> {
        let (name, value) = text.split_once(':').ok_or(NotACredential)?;
        let mut value = HeaderValue::from_str(value.trim()).map_err(|_| NotACredential)?;
        if value.is_empty() {
            return Err(NotACredential);
        }
        value.set_sensitive(true);
        Ok(Self { name: name.trim().parse().map_err(|_| NotACredential)?, value })
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Credential({}: …)", self.name)
    }
}

fn builder(timeout: Duration) -> Result<ClientBuilder, ClientError> {
    let tls = precis_tls::http_config().map_err(|error| ClientError(error.to_string()))?;
    let builder = Client::builder().tls_backend_preconfigured(tls).no_proxy();
    Ok(builder.connect_timeout(CONNECT_TIMEOUT).timeout(timeout))
}

fn built(builder: ClientBuilder) -> Result<Client, ClientError> {
    builder.build().map_err(|error| ClientError(error.to_string()))
}

/// Sends `request` and reads the answer, at most [`MAX_ANSWER_BYTES`].
pub(crate) async fn exchange(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), NoAnswer> {
    let mut response = request
        .send()
        .await
        .map_err(|error| if error.is_connect() || error.is_builder() { NoAnswer::NotSent } else { NoAnswer::Lost })?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| NoAnswer::Lost)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(NoAnswer::Lost);
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), body))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_credential_is_one_header_and_is_never_shown() {
        let good: Credential = "X-Api-Key:  s3cr3t ".parse().unwrap();
        assert_eq!((good.name.as_str(), good.value.as_bytes()), ("x-api-key", &b"s3cr3t"[..]));
        assert!(!format!("{good:?}").contains("s3cr3t"));
        for bad in ["", "s3cr3t", ": s3cr3t", "X Y: s3cr3t", "X-Api-Key:", "X-Api-Key: a\nb: c"] {
            assert_eq!(bad.parse::<Credential>().err(), Some(NotACredential), "{bad}");
        }
    }
}
