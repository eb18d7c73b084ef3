//! `POST /v1/summaries`: the paid route. Everything happens in [`crate::pipeline`].

use axum::response::{IntoResponse, Response};

use super::{Ready, Whole};
use crate::error::Failure;
use crate::pipeline::{self, Opened};

/// One paid summary.
pub async fn post(Ready(service): Ready, request: Whole) -> Result<Response, Failure> {
    let sealed = pipeline::run(service, Opened::new(request)).await?;
    Ok(sealed.into_response())
}
