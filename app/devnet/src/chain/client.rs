//! A small JSON-RPC client over plain HTTP, for what the devnet itself has to ask of a chain.
//!
//! One code path serves the chain in this process and an outside one such as anvil. Bounded answers, a deadline per call.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;

use super::MAX_RESPONSE_BYTES;

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why a call has no result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The operator has to correct the URL.
    #[error("`{0}` is not an http:// URL")]
    Url(String),
    /// Nobody answers there, or not in time.
    #[error("no answer from the chain: {0}")]
    Unreachable(String),
    /// What answers is no JSON-RPC server.
    #[error("the chain's answer is malformed: {0}")]
    Malformed(String),
    /// The chain refused.
    #[error("{method}: {message} ({code})")]
    Refused {
        /// Method that was called.
        method: &'static str,
        /// JSON-RPC error code.
        code: i64,
        /// The chain's words.
        message: String,
    },
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    result: Value,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    message: String,
}

/// A client of one JSON-RPC endpoint.
#[derive(Debug)]
pub struct RpcClient {
    http: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
    calls: AtomicU64,
}

impl RpcClient {
    /// A client of `url`, which has to be plain `http://`: a development chain is near.
    ///
    /// # Errors
    /// [`ClientError::Url`].
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let uri: Uri = url.parse().map_err(|_| ClientError::Url(url.to_owned()))?;
        if uri.scheme_str() != Some("http") || uri.authority().is_none() {
            return Err(ClientError::Url(url.to_owned()));
        }
        Ok(Self { http: Client::builder(TokioExecutor::new()).build_http(), uri, calls: AtomicU64::new(0) })
    }

    /// Calls `method` with positional `params`.
    ///
    /// # Errors
    /// Any [`ClientError`] but `Url`.
    pub async fn call<T: DeserializeOwned>(&self, method: &'static str, params: Value) -> Result<T, ClientError> {
        let id = self.calls.fetch_add(1, Ordering::Relaxed);
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        let request = Request::post(self.uri.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| ClientError::Unreachable(error.to_string()))?;
        let exchange = async {
            let response =
                self.http.request(request).await.map_err(|error| ClientError::Unreachable(error.to_string()))?;
            let body = Limited::new(response.into_body(), MAX_RESPONSE_BYTES).collect().await;
            body.map(|body| body.to_bytes()).map_err(|error| ClientError::Unreachable(error.to_string()))
        };
        let body = tokio::time::timeout(TIMEOUT, exchange)
            .await
            .map_err(|_| ClientError::Unreachable(format!("nothing within {} s", TIMEOUT.as_secs())))??;
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|error| ClientError::Malformed(error.to_string()))?;
        if let Some(Refusal { code, message }) = answer.error {
            return Err(ClientError::Refused { method, code, message });
        }
        serde_json::from_value(answer.result).map_err(|error| ClientError::Malformed(format!("{method}: {error}")))
    }
}
