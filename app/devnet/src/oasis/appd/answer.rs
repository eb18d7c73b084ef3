//! The daemon's answers: JSON, plain text, nothing, or its framework's error pages.

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

/// What the daemon says where its node does not answer.
pub(super) const NO_RUNTIME: &str = "runtime not available";

/// An answer before it is known whether the client wants error pages as JSON.
pub(super) enum Answer {
    /// 200 and JSON.
    Json(String),
    /// 200 without body and content type.
    Empty,
    /// A handler's own words.
    Text(StatusCode, String),
    /// The framework's page for a status.
    Page(StatusCode),
}

impl Answer {
    pub(super) fn json(value: &impl Serialize) -> Self {
        match serde_json::to_string(value) {
            Ok(text) => Self::Json(text),
            Err(_) => Self::Page(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The HTTP response; to HEAD with the length that GET would have, and without its body.
    pub(super) fn into_response(self, json_errors: bool, head: bool) -> Response {
        let (status, content_type, body) = match self {
            Self::Json(body) => (StatusCode::OK, Some("application/json"), body),
            Self::Empty => (StatusCode::OK, None, String::new()),
            Self::Text(status, body) => (status, Some("text/plain; charset=utf-8"), body),
            Self::Page(status) if json_errors => (status, Some("application/json"), json_page(status)),
            Self::Page(status) => (status, Some("text/html; charset=utf-8"), html_page(status)),
        };
        let length = HeaderValue::from(body.len());
        let mut response = Response::new(if head { Body::empty() } else { Body::from(body) });
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, length);
        if let Some(content_type) = content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert("permissions-policy", HeaderValue::from_static("interest-cohort=()"));
        response
    }
}

/// Whether the client prefers JSON: it names it first.
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.trim_start().starts_with("application/json"))
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}

fn description(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "The request body is not JSON.",
        StatusCode::NOT_FOUND => "No route has this method and path.",
        StatusCode::PAYLOAD_TOO_LARGE => "The request body is longer than 1 MiB.",
        StatusCode::UNPROCESSABLE_ENTITY => "The JSON in the request body has another shape.",
        _ => "The request was not served.",
    }
}

fn html_page(status: StatusCode) -> String {
    let title = format!("{} {}", status.as_u16(), reason(status));
    let text = description(status);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         </head><body><h1>{title}</h1><p>{text}</p><small>precis-devnet rofl-appd</small></body></html>"
    )
}

fn json_page(status: StatusCode) -> String {
    let page = serde_json::json!({ "error": {
        "code": status.as_u16(),
        "reason": reason(status),
        "description": description(status),
    }});
    format!("{page:#}")
}
