//! Step 8: the paid result and its receipt are stored together, then released; any copy of the payment gets these bytes.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use precis_protocol::headers;
use precis_store::{JobResult, Record, Stage};

use super::authorize::ledger_failure;
use super::receipt::{Kept, Receipted};
use super::stored;
use crate::clock;
use crate::error::Failure;
use crate::service::Service;

/// A released answer. The channel encrypts and pads it on its way out.
#[derive(Clone, Debug)]
pub struct Sealed {
    body: Bytes,
    settlement: HeaderValue,
}

/// Stores what is about to be released, unless it was stored before.
///
/// # Errors
/// When the ledger cannot store it: then nothing is released, and the same payment may be retried.
pub async fn seal(service: &Service, receipted: Receipted) -> Result<Sealed, Failure> {
    let Receipted { settled, kept, stored: again } = receipted;
    let sealed = Sealed::of(settled.result()?, &kept)?;
    if !again {
        let receipt = stored::write(&kept).map_err(|e| Failure::internal("receipt", e))?;
        let JobResult { status, response, .. } = settled.result()?.clone();
        let result = JobResult { status, response, receipt: Some(receipt) };
        let (key, version) = (settled.record.claim_key(), settled.record.version);
        let finished = service.payments.ledger.finish_settled(&key, version, settled.paid.0, result, clock::now());
        finished.await.map_err(ledger_failure)?;
    }
    tracing::info!(event = "summary.released", again, bytes = sealed.body.len());
    Ok(sealed)
}

impl Sealed {
    fn of(result: &JobResult, kept: &Kept) -> Result<Self, Failure> {
        let settlement = HeaderValue::from_str(&kept.settlement).map_err(|e| Failure::internal("settlement", e))?;
        // Written by hand so that the exact bytes of both stand in the body.
        let parts =
            [br#"{"result":"#, result.response.as_slice(), br#","receipt":"#, kept.receipt.get().as_bytes(), b"}"];
        Ok(Self { body: Bytes::from(parts.concat()), settlement })
    }

    /// A settled job as it was released, from its record alone.
    ///
    /// # Errors
    /// When the record is not that of a settled job.
    pub(super) fn stored(record: &Record) -> Result<Self, Failure> {
        let result = record.result.as_ref().filter(|_| record.state.stage() == Stage::Settled);
        let result = result.ok_or_else(|| Failure::internal("ledger", "a settled job without its result"))?;
        Self::of(result, &Kept::stored(result)?)
    }
}

impl IntoResponse for Sealed {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        let out = response.headers_mut();
        out.insert(headers::PAYMENT_RESPONSE, self.settlement);
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
        response
    }
}
