//! One table from every refusal to its answer: status, stable code, whose fault, whether money moved, what to do next.
//!
//! Layers below know nothing of HTTP; private causes are logged by code, never returned.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use precis_payment::wire::{PaymentRequired, SettleResponse, header as x402};
use precis_protocol::headers;
use precis_protocol::problem::{Charged, Fault, Problem};

/// Why a request ends without a summary.
#[derive(Clone, Debug)]
pub struct Failure {
    class: Class,
    detail: String,
    charged: Charged,
    quote: Option<Box<PaymentRequired>>,
    settlement: Option<Box<SettleResponse>>,
}

/// A class of failure: its row in the table of [`Class::row`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the row beside each variant says what it is")]
pub enum Class {
    NotReady,
    NotFound,
    MethodNotAllowed,
    BadNonce,
    UnknownKeyset,
    BadRequest,
    BadOptions,
    UnsupportedMediaType,
    BodyTooLarge,
    DocumentTooLong,
    UnreadableDocument,
    NotSummarizable,
    Busy,
    PaymentRequired,
    MalformedPayment,
    PaymentInvalid,
    PaymentReused,
    NonceCommitment,
    TooManyUnsettled,
    SettlementRefused,
    SettlementUnknown,
    StillWorking,
    WorkFailed,
    ChainUnavailable,
    Internal,
}

struct Row(StatusCode, &'static str, Fault, &'static str, &'static str);

impl Class {
    fn row(self) -> Row {
        use Fault::{Client, Payer, Service, Upstream};
        const SAME: &str = "retry with the same `PAYMENT-SIGNATURE`; do not sign another payment";
        match self {
            Self::NotReady => {
                Row(StatusCode::SERVICE_UNAVAILABLE, "not_ready", Service, "The service is not ready", "retry later")
            }
            Self::NotFound => {
                Row(StatusCode::NOT_FOUND, "not_found", Client, "There is no such route", "see `/v1/service`")
            }
            Self::MethodNotAllowed => Row(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                Client,
                "The route has no such method",
                "see `/v1/service`",
            ),
            Self::BadNonce => Row(
                StatusCode::BAD_REQUEST,
                "bad_nonce",
                Client,
                "The nonce is not 64 lowercase hex digits",
                "send `?nonce=` with 32 fresh random bytes in lowercase hex",
            ),
            Self::UnknownKeyset => Row(
                StatusCode::NOT_FOUND,
                "unknown_keyset",
                Client,
                "No attestation of that keyset is kept",
                "judge the receipt by evidence of your own",
            ),
            Self::BadRequest => Row(
                StatusCode::BAD_REQUEST,
                "bad_request",
                Client,
                "The request body is not understood",
                "send the JSON of SPEC 5.1, or a document with its media type",
            ),
            Self::BadOptions => {
                Row(StatusCode::BAD_REQUEST, "bad_options", Client, "An option is out of range", "correct the option")
            }
            Self::UnsupportedMediaType => Row(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                Client,
                "The media type is not supported",
                "send `text/plain` or `text/markdown` in UTF-8, or JSON",
            ),
            Self::BodyTooLarge => Row(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                Client,
                "The request body is too large",
                "see the limits at `/v1/service`",
            ),
            Self::DocumentTooLong => Row(
                StatusCode::PAYLOAD_TOO_LARGE,
                "document_too_long",
                Client,
                "The document is too long",
                "send a shorter document; see the limits at `/v1/service`",
            ),
            Self::UnreadableDocument => Row(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unreadable_document",
                Client,
                "The document is not readable text",
                "send UTF-8 text",
            ),
            Self::NotSummarizable => Row(
                StatusCode::UNPROCESSABLE_ENTITY,
                "not_summarizable",
                Client,
                "The document has nothing to summarize",
                "send a document with sentences",
            ),
            Self::Busy => Row(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                Service,
                "The service is at capacity",
                "retry after `Retry-After`",
            ),
            Self::PaymentRequired => Row(
                StatusCode::PAYMENT_REQUIRED,
                "payment_required",
                Payer,
                "Payment is required",
                "pay one of `accepts` and send `PAYMENT-SIGNATURE`",
            ),
            Self::MalformedPayment => Row(
                StatusCode::BAD_REQUEST,
                "malformed_payment",
                Payer,
                "The payment header is malformed",
                "send base64 JSON of an x402 version 2 payment",
            ),
            Self::PaymentInvalid => Row(
                StatusCode::PAYMENT_REQUIRED,
                "payment_invalid",
                Payer,
                "The payment does not fit this request",
                "pay one of `accepts`",
            ),
            Self::PaymentReused => Row(
                StatusCode::CONFLICT,
                "payment_reused",
                Payer,
                "The payment was used for another request",
                "sign a new payment for this request",
            ),
            Self::NonceCommitment => Row(
                StatusCode::BAD_REQUEST,
                "nonce_commitment_mismatch",
                Payer,
                "The payment's nonce does not commit to this request",
                "derive the nonce as in SPEC 6.3, or leave the salt out",
            ),
            Self::TooManyUnsettled => Row(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_unsettled",
                Payer,
                "The payer has too many unsettled jobs",
                "wait for them to end",
            ),
            Self::SettlementRefused => Row(
                StatusCode::PAYMENT_REQUIRED,
                "settlement_refused",
                Payer,
                "The payment could not be settled",
                "check balance and authorization, then sign a new payment",
            ),
            Self::SettlementUnknown => Row(
                StatusCode::SERVICE_UNAVAILABLE,
                "settlement_unknown",
                Upstream,
                "The settlement is not confirmed yet",
                SAME,
            ),
            Self::StillWorking => {
                Row(StatusCode::SERVICE_UNAVAILABLE, "still_working", Service, "The summary is not finished yet", SAME)
            }
            Self::WorkFailed => Row(
                StatusCode::INTERNAL_SERVER_ERROR,
                "work_failed",
                Service,
                "The summary could not be made",
                "nothing was charged; sign a new payment to try again",
            ),
            Self::ChainUnavailable => Row(
                StatusCode::SERVICE_UNAVAILABLE,
                "chain_unavailable",
                Upstream,
                "The payment chain does not answer",
                SAME,
            ),
            Self::Internal => Row(StatusCode::INTERNAL_SERVER_ERROR, "internal", Service, "The service failed", SAME),
        }
    }

    /// The stable code.
    pub fn code(self) -> &'static str {
        self.row().1
    }

    fn retry_after(self) -> Option<&'static str> {
        match self {
            Self::SettlementUnknown | Self::StillWorking => Some("2"),
            Self::Busy | Self::ChainUnavailable | Self::TooManyUnsettled => Some("5"),
            Self::NotReady => Some("10"),
            _ => None,
        }
    }
}

impl Failure {
    /// A failure before money could move.
    pub fn new(class: Class, detail: impl Into<String>) -> Self {
        Self { class, detail: detail.into(), charged: Charged::No, quote: None, settlement: None }
    }

    /// An internal failure; the cause goes to the log, under `what`.
    pub fn internal(what: &'static str, cause: impl std::fmt::Display) -> Self {
        tracing::error!(event = "request.failed", what, why = %cause);
        Self::new(Class::Internal, "")
    }

    /// The same failure with money possibly moved.
    #[must_use]
    pub fn charged(mut self, charged: Charged) -> Self {
        self.charged = charged;
        self
    }

    /// With the quote to pay (402).
    #[must_use]
    pub fn with_quote(mut self, quote: PaymentRequired) -> Self {
        self.quote = Some(Box::new(quote));
        self
    }

    /// With the settlement's outcome (`PAYMENT-RESPONSE`).
    #[must_use]
    pub fn with_settlement(mut self, settlement: SettleResponse) -> Self {
        self.settlement = Some(Box::new(settlement));
        self
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.class.code()
    }

    fn problem(&self) -> Problem {
        let Row(status, code, fault, title, next) = self.class.row();
        Problem {
            kind: format!("urn:precis:problem:{code}"),
            title: title.into(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            code: code.into(),
            fault,
            charged: self.charged,
            next: next.into(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Row(status, code, ..) = self.class.row();
        tracing::info!(event = "request.refused", code, status = status.as_u16());
        let mut response = match &self.quote {
            // A 402 is its quote: x402 clients read the header, people the body.
            Some(quote) => (status, Json(quote)).into_response(),
            None => {
                let mut response = (status, Json(self.problem())).into_response();
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(headers::PROBLEM_JSON));
                response
            }
        };
        let out = response.headers_mut();
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.class.retry_after() {
            out.insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        insert_x402(&mut response, headers::PAYMENT_REQUIRED, self.quote.as_deref());
        insert_x402(&mut response, headers::PAYMENT_RESPONSE, self.settlement.as_deref());
        response
    }
}

/// Sets an x402 header to base64 JSON; an object too large for a header is left out rather than cut.
pub fn insert_x402<T: serde::Serialize>(response: &mut Response<Body>, name: &'static str, value: Option<&T>) {
    let encoded = value.and_then(|v| x402::encode(v).ok()).and_then(|text| HeaderValue::from_str(&text).ok());
    if let Some(encoded) = encoded {
        response.headers_mut().insert(name, encoded);
    }
}
