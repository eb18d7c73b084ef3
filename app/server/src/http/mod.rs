//! Handlers: extract, call, respond.

pub mod attestation;
pub mod description;
pub mod gateway;
pub mod health;
pub mod ledger;
pub mod orders;
pub mod quotes;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use precis_protocol::headers;
use precis_protocol::problem::Charged;

use crate::error::{Class, Failure};
use crate::readiness::Readiness;
use crate::service::Service;

/// The service, or 503 with the reason while it is not ready.
pub struct Ready(pub Arc<Service>);

impl FromRequestParts<Arc<Readiness>> for Ready {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, readiness: &Arc<Readiness>) -> Result<Self, Failure> {
        // An earlier life may have taken what a payment, or a job's token, is about.
        let of_earlier = [headers::PAYMENT_SIGNATURE, header::AUTHORIZATION.as_str()];
        let charged = match of_earlier.iter().any(|name| parts.headers.contains_key(*name)) {
            true => Charged::Unknown,
            false => Charged::No,
        };
        readiness.service().map(Ready).map_err(|why| Failure::new(Class::NotReady, why).charged(charged))
    }
}
