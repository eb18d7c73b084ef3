//! The OHTTP gateway (SPEC 4): decapsulates into the same router that plain HTTPS reaches, in-process.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use precis_protocol::problem::Charged;
use precis_protocol::receipt::Channel;
use precis_protocol::{headers, limits};
use tower::ServiceExt as _;

use crate::error::{Class, Failure};
use crate::readiness::Readiness;
use crate::request::Whole;
use crate::service::Service;

/// The gateway's state: where requests go once they are open.
#[derive(Clone)]
pub struct Gateway {
    readiness: Arc<Readiness>,
    inner: Router,
}

impl Gateway {
    /// A gateway in front of `inner`, which must not contain the gateway itself.
    pub fn new(readiness: Arc<Readiness>, inner: Router) -> Self {
        Self { readiness, inner }
    }

    fn service(&self) -> Result<Arc<Service>, Failure> {
        self.readiness.service().map_err(|why| Failure::new(Class::NotReady, why))
    }
}

/// `GET`: the key configuration (RFC 9458 section 3; RFC 9540).
pub async fn keys(State(gateway): State<Gateway>) -> Result<Response, Failure> {
    let list = gateway.service()?.identity.current().channel.key().config_list();
    Ok(([(header::CONTENT_TYPE, headers::OHTTP_KEYS), (header::CACHE_CONTROL, "no-store")], list).into_response())
}

/// `POST`: one encapsulated exchange.
pub async fn post(State(gateway): State<Gateway>, outer: Whole) -> Response {
    match exchange(&gateway, outer).await {
        Ok(response) => response,
        Err(Refused::Outer(failure)) => failure.into_response(),
        Err(Refused::Uniform(reason)) => uniform(reason),
    }
}

enum Refused {
    /// Known without opening anything: not ready, at capacity, or too large.
    Outer(Failure),
    /// One answer for everything that could tell an attacker something about the key.
    Uniform(&'static str),
}

async fn exchange(gateway: &Gateway, outer: Whole) -> Result<Response, Refused> {
    // Of what may be inside nobody knows whether it was charged before.
    let outer_refusal = |failure: Failure| Refused::Outer(failure.charged(Charged::Unknown));
    let service = gateway.service().map_err(outer_refusal)?;
    let Some(visitor) = outer.visitor.clone() else { return Err(Refused::Uniform("no_visitor")) };
    let generation = service.identity.sealed_to(&outer.body);
    if !generation.has_room() {
        return Err(outer_refusal(Failure::new(Class::Busy, "")));
    }
    let bytes = outer.body.len();
    let room = visitor.room_to_open(bytes).map_err(outer_refusal)?;
    let key = Arc::clone(&generation);
    let opening = move || key.channel.open(&outer.media_type, &outer.body);
    let opened = visitor.parse(bytes, opening).await.map_err(|failure| match failure.class() {
        Class::Overloaded => outer_refusal(failure),
        _ => Refused::Uniform("panicked"),
    })?;
    let (inner, responder) = opened.map_err(|error| Refused::Uniform(error.reason().label()))?;
    let mut inner: Request = inner.map(|body| Body::from(room.hold(body)));
    inner.extensions_mut().insert(Channel::Ohttp);
    inner.extensions_mut().insert(generation);
    inner.extensions_mut().insert(visitor);
    let response = gateway.inner.clone().oneshot(inner).await.unwrap_or_else(|never| match never {});
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, limits::MAX_RESPONSE_BYTES).await.unwrap_or_else(|_| Bytes::new());
    let sealed =
        tokio::task::spawn_blocking(move || responder.seal(axum::http::Response::from_parts(parts, body))).await;
    let Ok(Ok((media_type, sealed))) = sealed else { return Err(Refused::Uniform("seal")) };
    Ok(([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-store")], sealed).into_response())
}

/// SPEC 4.3: the same bytes for every failure.
fn uniform(reason: &'static str) -> Response {
    tracing::info!(event = "channel.refused", reason);
    const BODY: &str = r#"{"type":"https://iana.org/assignments/http-problem-types#ohttp-key","title":"The encapsulated request cannot be opened","status":400}"#;
    let mut response = (StatusCode::BAD_REQUEST, BODY).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(headers::PROBLEM_JSON));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
