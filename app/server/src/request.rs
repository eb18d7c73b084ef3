//! A request as the routes get it: arrived, bounded, and with what the layers around the routes know of it.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::{Uri, header};
use bytes::Bytes;
use precis_protocol::receipt::Channel;

use crate::edge::Visitor;
use crate::error::{Class, Failure};
use crate::service::Generation;
use crate::task::Sent;

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

impl Whole {
    /// The part that says what is wanted.
    pub fn sent(&self) -> Sent<'_> {
        Sent { media_type: &self.media_type, query: self.uri.query(), body: &self.body }
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
