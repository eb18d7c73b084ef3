//! Handlers: extract, call, respond.

pub mod attestation;
pub mod description;
pub mod gateway;
pub mod health;
pub mod ledger;
pub mod quotes;
pub mod summaries;

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Uri, header};
use bytes::Bytes;
use precis_protocol::headers;
use precis_protocol::problem::Charged;
use precis_protocol::receipt::Channel;

use crate::boot::Readiness;
use crate::edge::Visitor;
use crate::error::{Class, Failure};
use crate::service::{Generation, Service};

/// The service, or 503 with the reason while it is not ready.
pub struct Ready(pub Arc<Service>);

impl FromRequestParts<Arc<Readiness>> for Ready {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, readiness: &Arc<Readiness>) -> Result<Self, Failure> {
        // An earlier life may have taken what a payment, or a job's token, is about.
        let of_earlier = [headers::PAYMENT_SIGNATURE, header::AUTHORIZATION.as_str()];
        let charged = match of_earlier.iter().any(|name| parts.headers.contains_key(*name)) {
            true => Charged::Unknown,
            false => Charged::No,
        };
        readiness.service().map(Ready).map_err(|why| Failure::new(Class::NotReady, why).charged(charged))
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
    /// Whoever sent it; none for a request that came from no socket.
    pub visitor: Option<Visitor>,
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
        let visitor = request.extensions().get::<Visitor>().cloned();
        // It has arrived: the edge has read it.
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            let class = if rejection.status() == 413 { Class::BodyTooLarge } else { Class::BadRequest };
            Failure::new(class, "")
        })?;
        Ok(Self { method, uri, media_type, headers, body, channel, sealed_to, visitor })
    }
}
