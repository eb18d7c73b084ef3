//! Handlers: extract, call, respond.

pub mod attestation;
pub mod description;
pub mod gateway;
pub mod health;
pub mod ledger;
pub mod quotes;
pub mod summaries;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Uri, header};
use bytes::Bytes;
use precis_protocol::receipt::Channel;

use crate::boot::Readiness;
use crate::error::{Class, Failure};
use crate::service::{Generation, Service};

/// Longest that a body may take to arrive, from the first byte of the request on: it holds one of the places of all routes.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// The service, or 503 with the reason while it is not ready.
pub struct Ready(pub Arc<Service>);

impl FromRequestParts<Arc<Readiness>> for Ready {
    type Rejection = Failure;

    async fn from_request_parts(_: &mut Parts, readiness: &Arc<Readiness>) -> Result<Self, Failure> {
        readiness.service().map(Ready).map_err(|why| Failure::new(Class::NotReady, why))
    }
}

/// A whole request as it reached the router: bounded, and with the channel it came through.
pub struct Whole {
    /// HTTP method.
    pub method: axum::http::Method,
    /// Path with query.
    pub uri: Uri,
    /// `Content-Type` as sent; empty if absent.
    pub media_type: String,
    /// All headers.
    pub headers: axum::http::HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Channel.
    pub channel: Channel,
    /// The keyset whose channel key it was sealed to, if it was.
    pub sealed_to: Option<Arc<Generation>>,
}

impl Whole {
    /// Path with query, as commitments name it.
    pub fn path(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }
}

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        // Set by the gateway on what it decapsulated; an extension cannot come from the wire.
        let channel = request.extensions().get::<Channel>().copied().unwrap_or(Channel::Https);
        let sealed_to = request.extensions().get::<Arc<Generation>>().cloned();
        let (method, uri, headers) = (request.method().clone(), request.uri().clone(), request.headers().clone());
        let media_type = match headers.get(header::CONTENT_TYPE).map(|value| value.to_str()) {
            None => String::new(),
            Some(Ok(text)) => text.to_owned(),
            Some(Err(_)) => return Err(Failure::new(Class::UnsupportedMediaType, "")),
        };
        let body = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, state)).await;
        let body = body.map_err(|_| Failure::new(Class::BadRequest, "the body did not arrive in time"))?;
        let body = body.map_err(|rejection| {
            let class = if rejection.status() == 413 { Class::BodyTooLarge } else { Class::BadRequest };
            Failure::new(class, "")
        })?;
        Ok(Self { method, uri, media_type, headers, body, channel, sealed_to })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_arriving_is_given_up() {
        let stalled = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let request = Request::post("/v1/quotes").body(axum::body::Body::from_stream(stalled)).unwrap();
        let started = tokio::time::Instant::now();
        let failure = Whole::from_request(request, &()).await.err().unwrap();
        assert_eq!((failure.code(), started.elapsed()), ("bad_request", BODY_TIMEOUT));
    }
}
