//! Intel's collateral service, version 4 of its API, for the one mock machine. As caching services
//! do, it also has the root's revocation list, as hex.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::registrar::Registrar;

type Parameters = Query<HashMap<String, String>>;

pub(super) fn router(registrar: Arc<Registrar>) -> Router {
    Router::new()
        .route("/sgx/certification/v4/pckcrl", get(pck_crl))
        .route("/sgx/certification/v4/rootcacrl", get(root_crl))
        .route("/tdx/certification/v4/tcb", get(tcb))
        .route("/tdx/certification/v4/qe/identity", get(qe_identity))
        .with_state(registrar)
}

async fn pck_crl(State(registrar): State<Arc<Registrar>>, Query(asked): Parameters) -> Response {
    // The mock machine's certificate comes from a platform CA; there is no processor CA.
    if asked.get("ca").map(String::as_str) != Some("platform") {
        return StatusCode::NOT_FOUND.into_response();
    }
    if asked.get("encoding").map(String::as_str) != Some("der") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let collateral = &registrar.machine.collateral;
    let body = collateral.pck_crl.clone();
    signed("application/pkix-crl", "SGX-PCK-CRL-Issuer-Chain", &collateral.pck_crl_issuer_chain, body)
}

async fn root_crl(State(registrar): State<Arc<Registrar>>) -> Response {
    hex::encode(&registrar.machine.collateral.root_ca_crl).into_response()
}

async fn tcb(State(registrar): State<Arc<Registrar>>, Query(asked): Parameters) -> Response {
    let fmspc = hex::encode(registrar.machine.pki.platform.fmspc);
    if !asked.get("fmspc").is_some_and(|wanted| wanted.eq_ignore_ascii_case(&fmspc)) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let collateral = &registrar.machine.collateral;
    let signature = hex::encode(collateral.tcb_info_signature);
    let body = format!(r#"{{"tcbInfo":{},"signature":"{signature}"}}"#, collateral.tcb_info);
    signed("application/json", "TCB-Info-Issuer-Chain", &collateral.signing_chain, body.into())
}

async fn qe_identity(State(registrar): State<Arc<Registrar>>) -> Response {
    let collateral = &registrar.machine.collateral;
    let signature = hex::encode(collateral.qe_identity_signature);
    let body = format!(r#"{{"enclaveIdentity":{},"signature":"{signature}"}}"#, collateral.qe_identity);
    let chain = &collateral.signing_chain;
    signed("application/json", "SGX-Enclave-Identity-Issuer-Chain", chain, body.into())
}

/// A document with its issuer chain, percent-encoded, in a header.
fn signed(content_type: &'static str, name: &'static str, chain: &str, body: Vec<u8>) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    match HeaderValue::try_from(percent_encode(chain)) {
        Ok(value) => headers.insert(name, value),
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    response
}

/// RFC 3986: everything but unreserved characters is escaped, so that a plus sign stays one.
fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
