//! Liveness and readiness, on the internal address.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::readiness::Readiness;

/// The process runs.
pub async fn livez() -> &'static str {
    "ok\n"
}

/// Payments would be taken now; if not, what boot waits for or which checks fail.
pub async fn readyz(State(readiness): State<Arc<Readiness>>) -> (StatusCode, Json<Value>) {
    let not_ready = |why| (StatusCode::SERVICE_UNAVAILABLE, Json(why));
    let Ok(service) = readiness.service() else {
        return not_ready(json!({ "ready": false, "waitingFor": readiness.waiting_for() }));
    };
    let keyset = service.identity.current().keyset_digest;
    let failing = service.health.failing();
    // Damage of some rows keeps nobody else from buying; the operator must know.
    let damaged = service.payments.ledger.health().damaged_rows;
    let Some(first) = failing.first() else {
        return (StatusCode::OK, Json(json!({ "ready": true, "keysetDigest": keyset, "damagedRows": damaged })));
    };
    let first = first.check.sentence();
    not_ready(json!({
        "ready": false, "waitingFor": first, "failing": failing, "keysetDigest": keyset, "damagedRows": damaged,
    }))
}
