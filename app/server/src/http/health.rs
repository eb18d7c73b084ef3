//! Liveness and readiness, on the internal address.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::boot::Readiness;

/// The process runs.
pub async fn livez() -> &'static str {
    "ok\n"
}

/// The service would take a request now; if not, what it waits for.
pub async fn readyz(State(readiness): State<Arc<Readiness>>) -> (StatusCode, Json<Value>) {
    match readiness.service() {
        Ok(service) => (StatusCode::OK, Json(json!({ "ready": true, "keysetDigest": service.identity.keyset_digest }))),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "waitingFor": why }))),
    }
}
