//! `POST /v1/quotes`, and one such route for each other kind of task: free; the price of an input or a token count (SPEC 5.4).

use axum::response::{IntoResponse, Response};

use super::Ready;
use crate::error::Failure;
use crate::pipeline::{self, Opened};
use crate::request::Whole;
use crate::task::Offering;

/// Quotes an input, or a token count.
pub async fn post(offering: &'static dyn Offering, Ready(service): Ready, request: Whole) -> Result<Response, Failure> {
    let quote = pipeline::quote_only(&service, Opened::new(offering, request)).await?;
    Ok(axum::Json(quote).into_response())
}
