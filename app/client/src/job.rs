//! A job that the service accepted: its name and the token of its bearer (SPEC 5.8).

use bytes::Bytes;
use precis_protocol::encoding::hex_array;
use precis_protocol::{headers, limits, strict};
use serde::{Deserialize, Serialize};

use crate::error::ClientError;

/// Names a job to the service. No `Debug`: whoever has the token may fetch the summary.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    #[serde(with = "hex_array")]
    id: [u8; 16],
    #[serde(with = "hex_array")]
    token: [u8; 32],
}

/// Body of the 202 that accepts a job.
#[derive(Deserialize)]
struct Ticket {
    #[serde(with = "hex_array")]
    id: [u8; 16],
    #[serde(with = "hex_array")]
    token: [u8; 32],
}

/// Body of the 202 of a job that goes on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    pub status: String,
    #[serde(default)]
    pub tokens_read: u64,
    #[serde(default)]
    pub tokens: u64,
}

impl Job {
    /// The job that a 202 accepts, if it names one.
    pub(crate) fn accepted(body: &[u8]) -> Option<Self> {
        let Ticket { id, token } = strict::from_slice(body, limits::MAX_RESPONSE_BYTES).ok()?;
        Some(Self { id, token })
    }

    /// Asks for the summary, or how far it is.
    pub(crate) fn fetch(&self) -> Result<http::Request<Bytes>, ClientError> {
        self.request(http::Method::GET)
    }

    /// Calls the job off.
    pub(crate) fn call_off(&self) -> Result<http::Request<Bytes>, ClientError> {
        self.request(http::Method::DELETE)
    }

    /// The path follows from the id; a `Location` is not followed anywhere.
    fn request(&self, method: http::Method) -> Result<http::Request<Bytes>, ClientError> {
        http::Request::builder()
            .method(method)
            .uri(format!("{}/{}", headers::SUMMARIES_PATH, hex::encode(self.id)))
            .header(http::header::AUTHORIZATION, format!("Bearer {}", hex::encode(self.token)))
            .header(http::header::ACCEPT, "application/json")
            .body(Bytes::new())
            .map_err(|_| ClientError::malformed("the job's name cannot be asked for"))
    }
}
