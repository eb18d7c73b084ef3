//! The whole route table and the layers around it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use precis_protocol::{headers, limits};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::timeout::TimeoutLayer;

use crate::cors;
use crate::edge::{Edge, admission};
use crate::error::{Class, Failure};
use crate::http::{attestation, description, gateway, health, ledger, orders, quotes};
use crate::readiness::Readiness;
use crate::task::OFFERINGS;

/// Longest time any exchange may take; a paid one answers long before (`answer_seconds`).
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(660);

/// What callers reach, in clear over HTTPS or inside the encrypted channel: one table for both.
fn api() -> Router<Arc<Readiness>> {
    let sold = OFFERINGS.iter().fold(Router::new(), |router, offering| {
        let (path, quotes) = (offering.path(), offering.quotes_path());
        router
            .route(path, post(move |ready, request| orders::post(*offering, ready, request)))
            .route(&format!("{path}/{{id}}"), get(orders::get).delete(orders::delete))
            .route(quotes, post(move |ready, request| quotes::post(*offering, ready, request)))
    });
    sold.route(&format!("{}/{{id}}", headers::RECEIPTS_PATH), get(orders::receipt))
        .route(headers::SERVICE_PATH, get(description::get))
        .route(headers::ATTESTATION_PATH, get(attestation::get))
        .fallback(|| async { Failure::new(Class::NotFound, "").into_response() })
        .method_not_allowed_fallback(|| async { Failure::new(Class::MethodNotAllowed, "").into_response() })
}

/// The public service: the API, and the gateway that decapsulates into the same API.
pub fn public(readiness: Arc<Readiness>, edge: &Arc<Edge>) -> Router {
    // Outermost, around unknown routes too: a body is read, and a place is taken, before a route sees the request.
    let admission = from_fn_with_state(Arc::clone(edge), admission::admit);
    let inner = api()
        .layer(DefaultBodyLimit::max(limits::MAX_REQUEST_BODY_BYTES))
        .layer(admission.clone())
        .with_state(Arc::clone(&readiness));
    let gateway = gateway::Gateway::new(readiness, inner.clone());
    let gateway = Router::new()
        .route(headers::OHTTP_GATEWAY_PATH, get(gateway::keys).post(gateway::post))
        .layer(DefaultBodyLimit::max(limits::MAX_ENCAPSULATED_BYTES))
        .layer(admission)
        .with_state(gateway);
    inner.merge(gateway).layer(
        ServiceBuilder::new()
            // Browsers of any origin; inner answers need none of it.
            .layer(cors::layer())
            // Every exchange has an id, which is all that the logs and the caller share.
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id())
            // Payments and tokens are never shown by anything that prints headers.
            .layer(SetSensitiveRequestHeadersLayer::new([
                HeaderName::from_static(headers::PAYMENT_SIGNATURE),
                HeaderName::from_static(headers::NONCE_SALT),
                axum::http::header::AUTHORIZATION,
            ]))
            // A defect answers one request with a problem document and leaves the others alone.
            .layer(CatchPanicLayer::custom(|_| Failure::internal("handler", "panicked").into_response()))
            // Nothing holds a connection for ever.
            .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, EXCHANGE_TIMEOUT)),
    )
}

/// Health and the operator's view of the ledger, on the internal address only.
pub fn internal(readiness: Arc<Readiness>) -> Router {
    Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/ledger", get(ledger::list))
        .route("/ledger/{id}", get(ledger::show))
        .route("/ledger/reconcile", post(ledger::reconcile))
        .with_state(readiness)
}
