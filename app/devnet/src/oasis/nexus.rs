//! The indexer's REST routes about one application, in Nexus' shapes (oasisprotocol/nexus
//! api/spec/v1.yaml): the application, its instances, and the transactions they sent.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bech32::{Bech32, Hrp};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha512_256};

use super::{
    mock::{register, rfc3339},
    registrar::{Registrar, Registration},
};

/// The runtime's name in the indexer's paths.
pub const RUNTIME: &str = "sapphire";

/// Default and greatest length of a list, as Nexus has them.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

pub(super) fn router(registrar: Arc<Registrar>) -> Router {
    Router::new()
        .route("/v1/{runtime}/rofl_apps/{id}", get(app))
        .route("/v1/{runtime}/rofl_apps/{id}/instances", get(instances))
        .route("/v1/{runtime}/rofl_apps/{id}/instance_transactions", get(instance_transactions))
        .fallback(|| async { not_found() })
        .with_state(registrar)
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "msg": "not found" }))).into_response()
}

type Scope = Path<(String, String)>;

fn known(registrar: &Registrar, Path((runtime, id)): &Scope) -> bool {
    runtime == RUNTIME && id == registrar.app_id()
}

async fn app(State(registrar): State<Arc<Registrar>>, scope: Scope) -> Response {
    if !known(&registrar, &scope) {
        return not_found();
    }
    let mut identity = registrar.machine.measurements.identity().to_vec();
    identity.resize(64, 0);
    let instances = instance_list(&registrar);
    Json(json!({
        "id": registrar.app_id(),
        "policy": {
            "enclaves": [b64(&identity)],
            "endorsements": [{ "any": {} }],
            "fees": 2,
            "max_expiration": 3,
        },
        "num_active_instances": instances.len(),
        "active_instances": instances,
        "metadata": { "net.oasis.rofl.name": "precis-devnet" },
        "secrets": {},
        "removed": false,
    }))
    .into_response()
}

async fn instances(State(registrar): State<Arc<Registrar>>, scope: Scope) -> Response {
    if !known(&registrar, &scope) {
        return not_found();
    }
    let instances = instance_list(&registrar);
    let body = json!({
        "instances": instances,
        "is_total_count_clipped": false,
        "total_count": 1,
    });
    Json(body).into_response()
}

#[derive(Deserialize)]
struct Page {
    limit: Option<usize>,
    offset: Option<usize>,
    method: Option<String>,
}

async fn instance_transactions(
    State(registrar): State<Arc<Registrar>>,
    scope: Scope,
    Query(page): Query<Page>,
) -> Response {
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let body = json!({ "msg": "bad request: limit" });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    if !known(&registrar, &scope) {
        return not_found();
    }
    let mut list = registrar.registrations();
    if page.method.is_some_and(|method| method != "rofl.Register") {
        list.clear();
    }
    let total = list.len();
    let shown = list.iter().skip(page.offset.unwrap_or(0)).take(limit);
    let body = json!({
        "is_total_count_clipped": false,
        "total_count": total,
        "transactions": shown.map(|item| transaction(&registrar, item)).collect::<Vec<_>>(),
    });
    Json(body).into_response()
}

fn instance_list(registrar: &Registrar) -> Vec<Value> {
    let keys = &registrar.machine.keys;
    let latest = registrar.registrations().into_iter().next();
    let instance = latest.map(|registration| {
        json!({
            "rak": b64(&keys.rak_public()),
            "rek": b64(&keys.rek),
            "endorsing_node_id": b64(keys.node.verifying_key().as_bytes()),
            "expiration_epoch": registration.expiration,
            "metadata": registration.metadata,
            "extra_keys": [extra_key(registrar).to_string()],
        })
    });
    instance.into_iter().collect()
}

fn extra_key(registrar: &Registrar) -> Value {
    json!({ "secp256k1": b64(&registrar.machine.keys.extra_public()) })
}

/// Nexus does not give the raw quote, and has zeros where the capability's own keys should be.
fn transaction(registrar: &Registrar, registration: &Registration) -> Value {
    let machine = &registrar.machine;
    let sender = address(b"oasis-core/address: staking", &machine.keys.rak_public());
    let extra = k256_address(registrar);
    let mut identity = machine.measurements.identity().to_vec();
    identity.resize(64, 0);
    let quote = json!({
        "header": { "version": 4, "tee_type": 129, "attestation_key_type": 2 },
        "report_body": {
            "enclave_identity": b64(&identity),
            "report_data": b64(&machine.keys.report_data(machine.quote_nonce)),
        },
    });
    let capability = json!({
        "attestation": { "height": registration.round, "quote": { "pcs": { "quote": quote } } },
        "hardware": 0,
        "rak": b64(&[0; 32]),
    });
    let mut body = json!({
        "app": registrar.app_id(),
        "ect": {
            "capability_tee": capability,
            "node_endorsement": { "public_key": b64(&[0; 32]), "signature": b64(&[0; 64]) },
        },
        "expiration": registration.expiration,
        "extra_keys": [extra_key(registrar)],
    });
    if !registration.metadata.is_empty() {
        body["metadata"] = json!(registration.metadata);
    }
    json!({
        "round": registration.round,
        "index": 0,
        "timestamp": rfc3339(registration.unix_seconds).unwrap_or_default(),
        "hash": hex::encode(register::transaction_hash(&registration.raw)),
        "method": "rofl.Register",
        "body": body,
        "success": true,
        "size": registration.raw.len(),
        "signers": [
            { "address": sender, "nonce": registration.nonce },
            { "address": extra, "nonce": registration.nonce },
        ],
        "sender_0": sender,
        "nonce_0": registration.nonce,
        "amount": "0",
        "fee": "0",
        "fee_symbol": "TEST",
        "fee_proxy_module": "rofl",
        "fee_proxy_id": b64(&machine.app_id_bytes),
        "charged_fee": "0",
        "gas_limit": register::GAS,
        "gas_used": register::GAS,
        "raw_result": b64(&[0xa1, 0x62, b'o', b'k', 0xf6]),
        "is_likely_native_token_transfer": false,
    })
}

fn k256_address(registrar: &Registrar) -> String {
    let point = registrar.machine.keys.extra.verifying_key().to_encoded_point(false);
    let account = alloy_primitives::keccak256(&point.as_bytes()[1..]);
    address(b"oasis-runtime-sdk/address: secp256k1eth", &account[12..])
}

/// `oasis1…`: version 0, then 20 bytes of SHA-512/256(context ‖ version ‖ data).
fn address(context: &[u8], data: &[u8]) -> String {
    let hash = Sha512_256::new().chain_update(context).chain_update([0]).chain_update(data);
    let bytes = [&[0], &hash.finalize()[..20]].concat();
    let encoded = Hrp::parse("oasis").map(|hrp| bech32::encode::<Bech32>(hrp, &bytes));
    encoded.ok().and_then(Result::ok).unwrap_or_default()
}

fn b64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Sender of the recorded registration on Sapphire testnet, round 11567208.
    #[test]
    fn the_address_of_a_recorded_rak_is_reproduced() {
        let rak = BASE64_STANDARD.decode("2ykEN3K2N0hgC5EFkdNiqDX4TLi+Aul3PYHUJX041SE=").unwrap();
        assert_eq!(address(b"oasis-core/address: staking", &rak), "oasis1qz5mdxjspvfnr6epe6ey602fxmjz4trkggxa2ayf");
    }
}
