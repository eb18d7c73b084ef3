//! Handlers: extract, call, respond.

pub mod attestation;
pub mod description;
pub mod gateway;
pub mod health;
pub mod ledger;
pub mod quotes;
pub mod summaries;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::error::{Class, Failure};
use crate::readiness::Readiness;
use crate::service::Service;

/// The service, or 503 with the reason while it is not ready.
pub struct Ready(pub Arc<Service>);

impl FromRequestParts<Arc<Readiness>> for Ready {
    type Rejection = Failure;

    async fn from_request_parts(_: &mut Parts, readiness: &Arc<Readiness>) -> Result<Self, Failure> {
        readiness.service().map(Ready).map_err(|why| Failure::new(Class::NotReady, why))
    }
}
