//! One table from every refusal to its answer: status, stable code, whose fault, whether money moved, what to do next.
//!
//! Layers below know nothing of HTTP; private causes are logged by code, never returned.

mod class;
mod shed;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use precis_payment::offer::brief;
use precis_payment::wire::{PaymentRequired, SettleResponse, header as x402};
use precis_protocol::PerTask;
use precis_protocol::headers;
use precis_protocol::price::Price;
use precis_protocol::problem::{Charged, Problem};
use serde::Serialize;
use serde_json::Value;

pub use class::Class;
use class::{Row, SAME};

/// Why a request ends without a summary.
#[derive(Clone, Debug)]
pub struct Failure {
    class: Class,
    detail: String,
    charged: Charged,
    pending: bool,
    /// Seconds after which to come back, where the class alone does not tell.
    retry_after: Option<u64>,
    end: Option<Box<End>>,
    quote: Option<Box<PaymentRequired>>,
    prices: Option<Box<PerTask<Price>>>,
    settlement: Option<Box<SettleResponse>>,
}

/// Longest quote in a header, bytes. A proxy of nginx gives the whole header section of an answer 4,096 by default; the rest
/// of it, a refused payment's `PAYMENT-RESPONSE` included, stays below 800.
pub const MAX_QUOTE_HEADER_BYTES: usize = 3_200;

/// Body of a 402 with a quote: what x402 clients read, whole, and what a problem document would say beside it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QuoteBody<'a> {
    #[serde(flatten)]
    quote: &'a PaymentRequired,
    code: &'static str,
    charged: Charged,
    next: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_list: Option<&'a PerTask<Price>>,
}

/// What proves how a job ended without a result.
#[derive(Clone, Debug, Default)]
struct End {
    refund: Option<String>,
    receipt: Option<Value>,
}

impl Failure {
    /// A failure that says of money no more than its class: mostly, that none has moved.
    pub fn new(class: Class, detail: impl Into<String>) -> Self {
        Self {
            class,
            detail: detail.into(),
            charged: class.charged(),
            pending: false,
            retry_after: None,
            end: None,
            quote: None,
            prices: None,
            settlement: None,
        }
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

    /// With the seconds after which to retry (`Retry-After`).
    #[must_use]
    pub fn retry_in(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The same failure of a job that was charged and is being paid back: the answer is not final.
    #[must_use]
    pub fn refunding(mut self) -> Self {
        self.charged = Charged::Yes;
        self.pending = true;
        self.detail = "the payment is being paid back".into();
        self
    }

    /// The same failure of a job that was charged and paid back by `transaction`.
    #[must_use]
    pub fn refunded(mut self, transaction: String) -> Self {
        self.end.get_or_insert_default().refund = Some(transaction);
        self.detail = "the payment was paid back".into();
        self
    }

    /// With the signed receipt of the job that ended so.
    #[must_use]
    pub fn with_receipt(mut self, receipt: Value) -> Self {
        self.end.get_or_insert_default().receipt = Some(receipt);
        self
    }

    /// With the quote to pay (402).
    #[must_use]
    pub fn with_quote(mut self, quote: PaymentRequired) -> Self {
        self.quote = Some(Box::new(quote));
        self
    }

    /// With the price list beside the quote.
    #[must_use]
    pub fn with_prices(mut self, prices: PerTask<Price>) -> Self {
        self.prices = Some(Box::new(prices));
        self
    }

    /// The same failure of a request whose payment is of x402 version 1, which was not looked at.
    #[must_use]
    pub fn of_version_1(mut self) -> Self {
        if let Some(quote) = &mut self.quote {
            const WHY: &str =
                "invalid_x402_version: x402 version 2 is spoken here; pay by `PAYMENT-SIGNATURE`, not `X-PAYMENT`";
            quote.error = Some(WHY.into());
        }
        self
    }

    /// With the settlement's outcome (`PAYMENT-RESPONSE`).
    #[must_use]
    pub fn with_settlement(mut self, settlement: SettleResponse) -> Self {
        self.settlement = Some(Box::new(settlement));
        self
    }

    /// Whether it says that no money moved.
    pub fn is_uncharged(&self) -> bool {
        self.charged == Charged::No
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.class.code()
    }

    /// What it says beside its title.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Its row in the table.
    pub fn class(&self) -> Class {
        self.class
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
            next: if self.pending { SAME } else { next }.into(),
            refund: self.end.as_ref().and_then(|end| end.refund.clone()),
            receipt: self.end.as_ref().and_then(|end| end.receipt.clone()),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Row(status, code, ..) = self.class.row();
        if self.class == Class::Overloaded {
            shed::one_more();
        } else {
            tracing::info!(event = "request.refused", code, status = status.as_u16());
        }
        let mut response = match &self.quote {
            // A 402 is its quote: x402 clients read the header, people and catalogues the body.
            Some(quote) => {
                let Row(_, code, _, _, next) = self.class.row();
                let (charged, price_list) = (self.charged, self.prices.as_deref());
                (status, Json(QuoteBody { quote, code, charged, next, price_list })).into_response()
            }
            None => {
                let mut response = (status, Json(self.problem())).into_response();
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(headers::PROBLEM_JSON));
                response
            }
        };
        let out = response.headers_mut();
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let by_class = if self.pending { Some("2") } else { self.class.retry_after() };
        let retry_after = self.retry_after.map(HeaderValue::from).or(by_class.map(HeaderValue::from_static));
        if let Some(seconds) = retry_after {
            out.insert(header::RETRY_AFTER, seconds);
        }
        let quote = self.quote.as_deref().map(|quote| brief(quote, MAX_QUOTE_HEADER_BYTES));
        insert_x402(&mut response, headers::PAYMENT_REQUIRED, quote.as_ref());
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
