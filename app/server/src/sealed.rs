//! A paid answer as it leaves: the exact bytes of the result and of its receipt, with `PAYMENT-RESPONSE`.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use precis_protocol::{Task, answer, headers};

use crate::error::Failure;

/// A released answer. The channel encrypts and pads it on its way out.
#[derive(Clone, Debug)]
pub struct Sealed {
    body: Bytes,
    settlement: HeaderValue,
}

impl Sealed {
    /// Of the result of a task and its receipt, each its exact JSON, and of the settlement as it is sent.
    ///
    /// # Errors
    /// When the settlement is no value of a header.
    pub fn new(task: Task, result: &[u8], receipt: &[u8], settlement: &str) -> Result<Self, Failure> {
        let settlement = HeaderValue::from_str(settlement).map_err(|e| Failure::internal("settlement", e))?;
        Ok(Self { body: Bytes::from(answer::join(task, result, receipt)), settlement })
    }

    /// Length of the body, bytes.
    pub fn bytes(&self) -> usize {
        self.body.len()
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
