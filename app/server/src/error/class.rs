//! The table: status, stable code, whose fault it is, what it is called, what to do next.

use axum::http::StatusCode;
use precis_protocol::problem::{Charged, Fault};

/// What to do while the outcome is open.
pub(super) const SAME: &str = "retry with the same `PAYMENT-SIGNATURE`; do not sign another payment";

/// A class of failure: its row in the table of [`Class::row`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the row beside each variant says what it is")]
pub enum Class {
    NotReady,
    Stopping,
    NotFound,
    NotSold,
    MethodNotAllowed,
    BadNonce,
    UnknownKeyset,
    BadRequest,
    BadOptions,
    UnsupportedMediaType,
    BodyTooLarge,
    BodyTimeout,
    HeadersTooLarge,
    DocumentTooLong,
    UnreadableDocument,
    NotSummarizable,
    Busy,
    WorkTooLong,
    DocumentRequired,
    Overloaded,
    PaymentRequired,
    MalformedPayment,
    PaymentInvalid,
    PaymentReused,
    NonceCommitment,
    TooManyUnsettled,
    TooManyUnsold,
    BadIdentifier,
    IdentifierRequired,
    IdentifierReused,
    CannotSettle,
    GasPrice,
    SettlementRefused,
    SettlementUnknown,
    WorkFailed,
    Cancelled,
    Lapsed,
    Abandoned,
    Interrupted,
    UnknownJob,
    ExpiredJob,
    JobBegun,
    ChainUnavailable,
    LedgerUnavailable,
    BadJobId,
    NoSuchJob,
    CannotSign,
    Internal,
}

/// Status, code, fault, title, next action.
pub(super) struct Row(
    pub(super) StatusCode,
    pub(super) &'static str,
    pub(super) Fault,
    pub(super) &'static str,
    pub(super) &'static str,
);

impl Class {
    pub(super) fn row(self) -> Row {
        use Fault::{Client, Payer, Service, Upstream};
        match self {
            Self::NotReady => {
                Row(StatusCode::SERVICE_UNAVAILABLE, "not_ready", Service, "The service is not ready", "retry later")
            }
            Self::Stopping => Row(
                StatusCode::SERVICE_UNAVAILABLE,
                "stopping",
                Service,
                "The service is about to stop and takes no new jobs",
                "retry after `Retry-After`; if you have signed a payment for this request, retry with the same one",
            ),
            Self::NotFound => {
                Row(StatusCode::NOT_FOUND, "not_found", Client, "There is no such route", "see `/v1/service`")
            }
            Self::NotSold => Row(
                StatusCode::NOT_FOUND,
                "not_sold",
                Client,
                "The service does not sell this",
                "see `tasks` in `/v1/service` for what it sells",
            ),
            Self::MethodNotAllowed => Row(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                Client,
                "The route has no such method",
                "use a method that `Allow` names: `POST /v1/summaries` buys a summary, and without a body tells the prices",
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
                "send a document of a type that SPEC 5.1 lists, or JSON",
            ),
            Self::BodyTooLarge => Row(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                Client,
                "The request body is too large",
                "see the limits at `/v1/service`",
            ),
            Self::BodyTimeout => Row(
                StatusCode::REQUEST_TIMEOUT,
                "body_timeout",
                Client,
                "The request body did not arrive in time",
                "send the same request again over a faster connection",
            ),
            Self::HeadersTooLarge => Row(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers_too_large",
                Client,
                "The header section is too large",
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
                "The document cannot be read",
                "send it as text in UTF-8, or as `detail` says",
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
            Self::WorkTooLong => Row(
                StatusCode::PAYLOAD_TOO_LARGE,
                "work_too_long",
                Client,
                "The work would take longer than is done before payment here",
                "send a shorter document, or choose the mode `extractive`",
            ),
            Self::DocumentRequired => Row(
                StatusCode::PAYMENT_REQUIRED,
                "document_required",
                Client,
                "A summary is paid for by the document",
                "send the document, as in SPEC 5.1, for the 402 with its exact price; `POST /v1/quotes` prices a document or a count of tokens for nothing; do not pay this one",
            ),
            Self::Overloaded => Row(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                Service,
                "The service has no place for this request now",
                "send the same request again after `Retry-After`, with the same `PAYMENT-SIGNATURE` if it had one",
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
                "correct the member that `detail` names, and send base64 JSON of an x402 version 2 payment",
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
            Self::TooManyUnsold => Row(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_unsold",
                Payer,
                "The payer's last documents could not be summarized",
                "nothing was charged; retry after `Retry-After`, or buy another task",
            ),
            Self::BadIdentifier => Row(
                StatusCode::BAD_REQUEST,
                "bad_payment_identifier",
                Payer,
                "The payment identifier is malformed",
                "send 16 to 128 letters, digits, hyphens or underscores as `info.id`",
            ),
            Self::IdentifierRequired => Row(
                StatusCode::BAD_REQUEST,
                "payment_identifier_required",
                Payer,
                "A payment identifier is required",
                "echo the extension `payment-identifier` and add `info.id`",
            ),
            Self::IdentifierReused => Row(
                StatusCode::CONFLICT,
                "payment_identifier_reused",
                Payer,
                "The payment identifier was used with another payment",
                "retry with the payment that was first sent with it, or choose another identifier",
            ),
            Self::CannotSettle => Row(
                StatusCode::SERVICE_UNAVAILABLE,
                "cannot_settle",
                Service,
                "The service cannot take payments now",
                "retry later; nothing was charged",
            ),
            Self::GasPrice => Row(
                StatusCode::SERVICE_UNAVAILABLE,
                "gas_price",
                Upstream,
                "Gas on the payment chain costs too much to settle this price",
                "retry after `Retry-After`; nothing was charged",
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
            Self::WorkFailed => Row(
                StatusCode::INTERNAL_SERVER_ERROR,
                "work_failed",
                Service,
                "The summary could not be made",
                "sign a new payment to try again",
            ),
            Self::Cancelled => Row(
                StatusCode::GONE,
                "cancelled",
                Client,
                "The job was called off",
                "sign a new payment to order it again",
            ),
            Self::Lapsed => Row(
                StatusCode::GONE,
                "authorization_lapsed",
                Payer,
                "The authorization lapsed before the job was done",
                "sign a new payment to try again",
            ),
            Self::Abandoned => Row(
                StatusCode::GONE,
                "abandoned",
                Client,
                "The job was interrupted and its caller did not come back",
                "sign a new payment to try again",
            ),
            Self::Interrupted => Row(
                StatusCode::CONFLICT,
                "job_interrupted",
                Service,
                "The service was restarted before the job was done",
                "send the same request with the same `PAYMENT-SIGNATURE` again; do not sign another payment",
            ),
            Self::UnknownJob => Row(
                StatusCode::NOT_FOUND,
                "unknown_job",
                Client,
                "There is no such job for this token",
                "send the job's token as `Authorization: Bearer`",
            ),
            Self::ExpiredJob => Row(
                StatusCode::GONE,
                "job_expired",
                Client,
                "The job and its result are forgotten",
                "order a new summary",
            ),
            Self::JobBegun => Row(
                StatusCode::CONFLICT,
                "job_begun",
                Client,
                "The work has begun and is not called off",
                "fetch the result",
            ),
            Self::ChainUnavailable => Row(
                StatusCode::SERVICE_UNAVAILABLE,
                "chain_unavailable",
                Upstream,
                "The payment chain does not answer",
                SAME,
            ),
            Self::LedgerUnavailable => Row(
                StatusCode::SERVICE_UNAVAILABLE,
                "ledger_unavailable",
                Service,
                "The service cannot write payments down at the moment",
                SAME,
            ),
            Self::BadJobId => Row(
                StatusCode::BAD_REQUEST,
                "bad_job_id",
                Client,
                "That is not the id of a job",
                "send 32 lowercase hex digits; `GET /ledger` lists the ids",
            ),
            Self::NoSuchJob => Row(
                StatusCode::NOT_FOUND,
                "no_such_job",
                Client,
                "The ledger has no job with this id",
                "see `GET /ledger`; ended jobs are forgotten after a while",
            ),
            Self::CannotSign => Row(
                StatusCode::SERVICE_UNAVAILABLE,
                "cannot_sign",
                Service,
                "The service has no keyset in time to sign the receipt with",
                SAME,
            ),
            Self::Internal => Row(StatusCode::INTERNAL_SERVER_ERROR, "internal", Service, "The service failed", SAME),
        }
    }

    /// The stable code.
    pub fn code(self) -> &'static str {
        self.row().1
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        self.row().0
    }

    /// Whether money moved, as far as the class alone tells. A refusal about a job or a payment of earlier says nothing of what
    /// became of that.
    pub(super) const fn charged(self) -> Charged {
        match self {
            Self::UnknownJob | Self::ExpiredJob | Self::JobBegun | Self::PaymentReused => Charged::Unknown,
            _ => Charged::No,
        }
    }

    /// Checks whether the work was done and nothing came of it that can be sold.
    pub fn is_unsold(self) -> bool {
        self == Self::NotSummarizable
    }

    /// The class whose code a job ended with; none if its payment was refused, with a code of x402.
    pub fn of_ended_job(code: &str) -> Option<Self> {
        const ENDS: [Class; 6] = [
            Class::WorkFailed,
            Class::NotSummarizable,
            Class::DocumentTooLong,
            Class::Cancelled,
            Class::Lapsed,
            Class::Abandoned,
        ];
        ENDS.into_iter().find(|class| class.code() == code)
    }

    pub(super) fn retry_after(self) -> Option<&'static str> {
        match self {
            Self::SettlementUnknown | Self::Overloaded => Some("2"),
            Self::Busy | Self::ChainUnavailable | Self::LedgerUnavailable | Self::TooManyUnsettled => Some("5"),
            Self::NotReady | Self::CannotSettle | Self::CannotSign | Self::Stopping => Some("10"),
            Self::GasPrice => Some("60"),
            _ => None,
        }
    }
}
