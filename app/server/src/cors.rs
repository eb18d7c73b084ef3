//! Cross-origin requests (Fetch standard): pages of any origin may use the public routes. Nothing here rests on a browser's
//! cookies or origin: a request pays or proves itself by what it carries.

use std::time::Duration;

use axum::http::{HeaderName, Method, header};
use precis_protocol::headers;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

/// How long a browser may remember what a preflight said; browsers cut it to what they like.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// What pages may read of an answer beside what they always may.
const EXPOSED: [HeaderName; 8] = [
    HeaderName::from_static(headers::PAYMENT_REQUIRED),
    HeaderName::from_static(headers::PAYMENT_RESPONSE),
    header::ALLOW,
    header::LOCATION,
    HeaderName::from_static("preference-applied"),
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("x-request-id"),
];

/// Answers preflights before anything else is asked, and opens every answer to pages, refusals included. Request headers are
/// allowed as they are asked for: x402 clients send more than the standard names, and none of them is trusted.
pub fn layer() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
        .max_age(PREFLIGHT_MAX_AGE)
}
