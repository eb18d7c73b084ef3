//! Bytes over HTTP to one origin: bounded answers, timeouts, no redirects, no silent retries.
//!
//! `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are honoured, but never for this machine itself.
//!
//! Nothing here is trusted: what comes back is judged by `precis_verify` or opened by the channel.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;
use serde_json::Value;

use crate::error::ClientError;
use crate::files;
use crate::pinned;

/// Longest time to establish a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Certificate authorities that a caller trusts besides those of the system.
#[derive(Debug, Clone, Default)]
pub struct Authorities(Vec<reqwest::Certificate>);

impl Authorities {
    /// Reads certificates in PEM, one after the other.
    ///
    /// # Errors
    /// [`ClientError::Input`] when there is none, or one that is no certificate.
    pub fn from_pem(pem: &[u8]) -> Result<Self, ClientError> {
        match reqwest::Certificate::from_pem_bundle(pem) {
            Ok(certificates) if !certificates.is_empty() => Ok(Self(certificates)),
            _ => Err(ClientError::Input("there is no certificate in it; give certificates in PEM".into())),
        }
    }
}

/// How one origin is reached.
#[derive(Debug, Clone)]
pub struct Transport {
    client: reqwest::Client,
    base: Url,
    timeout: Duration,
}

/// An answer of the origin, body complete and within its limit.
pub(crate) struct Answer {
    pub status: http::StatusCode,
    pub media_type: String,
    pub headers: http::HeaderMap,
    pub body: Bytes,
    /// The key that the TLS connection was to, DER of its SubjectPublicKeyInfo.
    pub tls_key: Option<Vec<u8>>,
}

impl Transport {
    /// A transport to the origin of `url`: scheme `https`, or `http` where the caller accepts that names and sizes
    /// travel in clear (documents never do: they are encrypted inside). `timeout` bounds one whole exchange.
    ///
    /// # Errors
    /// [`ClientError::Input`] when `url` is not the bare origin of a service.
    pub fn new(url: &str, timeout: Duration, authorities: &Authorities) -> Result<Self, ClientError> {
        Self::at(origin(url)?, timeout, authorities)
    }

    /// A transport to one endpoint, whose path may hold a key. [`Transport::post_json`] and [`Transport::fetch`] are all it is for.
    pub(crate) fn endpoint(url: &str, timeout: Duration, authorities: &Authorities) -> Result<Self, ClientError> {
        let base = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let base = base.ok_or_else(|| ClientError::Input("an endpoint is an http or https URL".into()))?;
        Self::at(base, timeout, authorities)
    }

    /// A transport to the same origin that talks to the holder of one TLS key and to nobody else. Without TLS there is none to pin.
    pub(crate) fn to_key(&self, key: &[u8]) -> Result<Self, ClientError> {
        let config =
            pinned::to_key(key).map_err(|e| ClientError::Unavailable(format!("TLS cannot be set up ({e})")))?;
        let client = reqwest::Client::builder()
            .user_agent(concat!("precis/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(self.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .tls_backend_preconfigured(config)
            .build()
            .map_err(|e| ClientError::Unavailable(format!("TLS cannot be set up ({})", innermost(&e))))?;
        Ok(Self { client, base: self.base.clone(), timeout: self.timeout })
    }

    fn at(base: Url, timeout: Duration, authorities: &Authorities) -> Result<Self, ClientError> {
        let builder = || {
            let builder = reqwest::Client::builder()
                .user_agent(concat!("precis/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(timeout)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .tls_info(true);
            // What may go to this machine in clear may not go to a proxy in clear.
            if is_loopback(&base) { builder.no_proxy() } else { builder }
        };
        let certificates = || authorities.0.iter().cloned();
        let client = if base.scheme() == "http" {
            // Without TLS no trust anchors are needed, and a machine without any must still be able to talk to loopback.
            builder().tls_certs_only([]).build()
        } else {
            // Without the system's, the caller's own are enough.
            let both = builder().tls_certs_merge(certificates()).build();
            both.or_else(|e| {
                if authorities.0.is_empty() { Err(e) } else { builder().tls_certs_only(certificates()).build() }
            })
        };
        let client = client.map_err(|e| {
            ClientError::Input(format!(
                "TLS cannot be set up ({}); install the system's CA certificates, or name some with --cacert FILE",
                innermost(&e)
            ))
        })?;
        Ok(Self { client, base, timeout })
    }

    /// The origin, as `https://host[:port]/`.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.base.as_str()
    }

    /// The longest one exchange may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether what is sent as it stands stays private on the way: TLS, or the same machine.
    pub(crate) fn is_private(&self) -> bool {
        self.base.scheme() == "https" || is_loopback(&self.base)
    }

    pub(crate) async fn get(&self, path: &str, limit: usize) -> Result<Answer, ClientError> {
        let url = self.url(path)?;
        self.exchange(self.client.get(url), limit).await
    }

    pub(crate) async fn send(&self, request: http::Request<Bytes>, limit: usize) -> Result<Answer, ClientError> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let url = self.url(path)?;
        self.exchange(self.client.request(parts.method, url).headers(parts.headers).body(body), limit).await
    }

    /// Posts JSON to the endpoint itself and reads the JSON answer, whatever its status.
    pub(crate) async fn post_json(&self, body: &Value, limit: usize) -> Result<Value, ClientError> {
        let request = self.client.post(self.base.clone()).json(body);
        let answer = self.exchange(request, limit).await?;
        serde_json::from_slice(&answer.body).map_err(|_| ClientError::malformed("the answer is not JSON"))
    }

    /// Gets what stands at the endpoint itself; none if it is longer than `limit` bytes.
    pub(crate) async fn fetch(&self, limit: usize) -> Result<Option<Answer>, ClientError> {
        self.within(self.client.get(self.base.clone()), limit).await
    }

    fn url(&self, path: &str) -> Result<Url, ClientError> {
        self.base.join(path).map_err(|_| ClientError::Input("the request path is not valid".into()))
    }

    async fn exchange(&self, request: reqwest::RequestBuilder, limit: usize) -> Result<Answer, ClientError> {
        let too_long = || ClientError::malformed(&format!("the answer is longer than {limit} bytes"));
        self.within(request, limit).await?.ok_or_else(too_long)
    }

    /// The answer; none if its body is longer than `limit` bytes.
    async fn within(&self, request: reqwest::RequestBuilder, limit: usize) -> Result<Option<Answer>, ClientError> {
        let mut response = request.send().await.map_err(|e| self.unreachable(&e))?;
        let status = response.status();
        let certificate = response.extensions().get::<reqwest::tls::TlsInfo>().and_then(|info| info.peer_certificate());
        let tls_key = certificate.and_then(|der| pinned::key_of(&der.into()));
        let headers = std::mem::take(response.headers_mut());
        let media_type =
            headers.get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.unreachable(&e))? {
            if body.len().saturating_add(chunk.len()) > limit {
                return Ok(None);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Some(Answer { status, media_type, headers, body: body.into(), tls_key }))
    }

    fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        // The origin alone: a path may hold a key.
        let origin = self.base.origin().ascii_serialization();
        let tls = tls_error(error);
        if let Some(rustls::Error::InvalidCertificate(problem)) = tls {
            return ClientError::CannotVerify(format!(
                "{origin} does not prove its name: {}; check the address, and give --cacert FILE if you know the authority that issued the certificate",
                certificate_problem(problem)
            ));
        }
        let why = match tls {
            Some(rustls::Error::InvalidMessage(_)) => "it does not speak TLS there, perhaps only http".into(),
            Some(_) => "it refuses the TLS connection".into(),
            None if error.is_timeout() => "it did not answer in time".into(),
            None => innermost(error),
        };
        ClientError::Unavailable(format!("{origin} cannot be reached ({why}); check the address, and try again"))
    }
}

/// The innermost cause, which is the sentence that helps.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    match cause.downcast_ref::<io::Error>() {
        Some(error) => files::reason(error),
        None => crate::text::printable(&cause.to_string()),
    }
}

/// What went wrong in TLS, if it did.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(at) = cause {
        if let Some(tls) = at.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        // An I/O error hides what it wraps from its own chain.
        let wrapped = at.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match wrapped {
            Some(inner) => Some(inner),
            None => at.source(),
        };
    }
    None
}

fn certificate_problem(problem: &rustls::CertificateError) -> &'static str {
    use rustls::CertificateError::{
        BadEncoding, BadSignature, Expired, ExpiredContext, InvalidPurpose, InvalidPurposeContext, NotValidForName,
        NotValidForNameContext, NotValidYet, NotValidYetContext, Revoked, UnknownIssuer,
    };
    match problem {
        UnknownIssuer => "its certificate is signed by nobody that this machine trusts, perhaps by itself",
        Expired | ExpiredContext { .. } => "its certificate has expired",
        NotValidYet | NotValidYetContext { .. } => "its certificate is not valid yet",
        NotValidForName | NotValidForNameContext { .. } => "its certificate is for another name",
        Revoked => "its certificate is revoked",
        InvalidPurpose | InvalidPurposeContext { .. } => "its certificate is not for a server",
        BadEncoding | BadSignature => "its certificate is damaged",
        _ => "its certificate is not acceptable",
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn origin(text: &str) -> Result<Url, ClientError> {
    let refuse = |why: &str| {
        ClientError::Input(format!("the service URL {why}; give its origin, such as https://precis.example"))
    };
    let url = Url::parse(text).map_err(|_| refuse("is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refuse("is not an http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("holds a user name or password"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("has a path, query or fragment"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{is_loopback, origin};

    #[test]
    fn only_bare_http_origins_are_accepted() {
        for good in ["https://precis.example", "https://precis.example/", "http://127.0.0.1:8080"] {
            assert!(origin(good).is_ok(), "{good}");
        }
        for bad in [
            "precis.example",
            "ftp://precis.example",
            "https://u:p@precis.example",
            "https://precis.example/v1",
            "https://precis.example/?a=b",
            "file:///etc/passwd",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn loopback_is_recognised_by_address_and_not_by_prefix() {
        for (url, expected) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("http://127.0.0.1.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&origin(url).unwrap()), expected, "{url}");
        }
    }
}
