//! `POST /v1/quotes`: free; what a document or a token count would cost (SPEC 5.4).

use axum::response::{IntoResponse, Response};

use super::Ready;
use crate::error::Failure;
use crate::pipeline::{self, Opened};
use crate::request::Whole;

/// Quotes a document, or a token count.
pub async fn post(Ready(service): Ready, request: Whole) -> Result<Response, Failure> {
    let quote = pipeline::quote_only(&service, Opened::new(request)).await?;
    Ok(axum::Json(quote).into_response())
}
