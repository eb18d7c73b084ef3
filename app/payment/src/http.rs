//! HTTP for chains and facilitators: one client with limits, and bodies that are bounded while they are read.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode, redirect::Policy};

/// Longest wait for a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer that is read, bytes.
pub(crate) const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The other side did not answer usably.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// No connection: nothing was sent.
    #[error("no connection")]
    NotSent,
    /// The request may have arrived; the answer did not, or not whole.
    #[error("no complete answer")]
    Lost,
}

/// The client itself could not be built: a fault of this program or its platform.
#[derive(Debug, thiserror::Error)]
#[error("cannot build the HTTP client: {0}")]
pub struct ClientError(String);

/// A client that follows no redirect, asks no proxy and gives up after `timeout`. Its trust roots are compiled in.
///
/// # Errors
/// [`ClientError`].
pub fn client(timeout: Duration) -> Result<Client, ClientError> {
    let fault = |error: &dyn std::fmt::Display| ClientError(error.to_string());
    let tls = precis_tls::http_config().map_err(|error| fault(&error))?;
    let builder = Client::builder().tls_backend_preconfigured(tls).redirect(Policy::none()).no_proxy();
    builder.connect_timeout(CONNECT_TIMEOUT).timeout(timeout).build().map_err(|error| fault(&error))
}

/// Sends `request` and reads the answer, at most [`MAX_ANSWER_BYTES`].
pub(crate) async fn exchange(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), NoAnswer> {
    let mut response = request
        .send()
        .await
        .map_err(|error| if error.is_connect() || error.is_builder() { NoAnswer::NotSent } else { NoAnswer::Lost })?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| NoAnswer::Lost)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(NoAnswer::Lost);
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), body))
}
