//! The paid routes, and what the owner of a job does with it later. Everything happens in [`crate::pipeline`].

use axum::extract::Path;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::Ready;
use crate::error::Failure;
use crate::pipeline::{self, Opened, probe};
use crate::request::Whole;
use crate::task::Offering;

/// One paid result, or a ticket for it; the prices, where there is no input.
pub async fn post(offering: &'static dyn Offering, Ready(service): Ready, request: Whole) -> Result<Response, Failure> {
    let version_1 = probe::pays_by_version_1(&request.headers);
    let answer = match probe::asked_price(offering, &request) {
        Some(task) => Err(probe::prices(&service, task)),
        None => pipeline::run(service, Opened::new(offering, request)).await,
    };
    let explained = |failure: Failure| if version_1 { failure.of_version_1() } else { failure };
    answer.map(IntoResponse::into_response).map_err(explained)
}

/// A job's result, progress, or end.
pub async fn get(Ready(service): Ready, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Failure> {
    pipeline::fetch(&service, &id, headers.get(header::AUTHORIZATION)).await
}

/// Calls a job off.
pub async fn delete(Ready(service): Ready, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Failure> {
    pipeline::cancel(&service, &id, headers.get(header::AUTHORIZATION)).await
}

/// A job's receipt.
pub async fn receipt(Ready(service): Ready, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Failure> {
    pipeline::fetch_receipt(&service, &id, headers.get(header::AUTHORIZATION)).await
}
