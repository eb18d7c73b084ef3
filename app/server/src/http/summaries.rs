//! `/v1/summaries`: the paid route, and what the owner of a job does with it later. Everything happens in
//! [`crate::pipeline`].

use axum::extract::Path;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::{Ready, Whole};
use crate::error::Failure;
use crate::pipeline::{self, Opened};

/// One paid summary, or a ticket for it.
pub async fn post(Ready(service): Ready, request: Whole) -> Result<Response, Failure> {
    let answer = pipeline::run(service, Opened::new(request)).await?;
    Ok(answer.into_response())
}

/// A job's summary, progress, or end.
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
