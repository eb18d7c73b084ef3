//! Liveness and readiness, on the internal address.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::readiness::Readiness;
use crate::service::Rail;

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
    let networks: Vec<Value> = service.payments.rails.iter().map(network).collect();
    // Damage of some rows keeps nobody else from buying; the operator must know.
    let damaged = service.payments.ledger.health().damaged_rows;
    let Some(first) = failing.first() else {
        let ready = json!({ "ready": true, "keysetDigest": keyset, "damagedRows": damaged, "networks": networks });
        return (StatusCode::OK, Json(ready));
    };
    let first = first.check.sentence();
    not_ready(json!({
        "ready": false, "waitingFor": first, "failing": failing, "keysetDigest": keyset, "damagedRows": damaged,
        "networks": networks,
    }))
}

/// State of a network: open to payments, or the reason; no value of a setting.
fn network(rail: &Rail) -> Value {
    let (chain, settlement) = rail.failing();
    let why = chain.or(settlement);
    json!({ "network": rail.network(), "open": why.is_none(), "why": why })
}
