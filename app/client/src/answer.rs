//! What an answer of the service means for the caller: done, try again with the same payment, or stop (SPEC 5.2 to 5.6).

use std::time::Duration;

use bytes::Bytes;
use precis_payment::wire::{self, PaymentRequired, SettleResponse};
use precis_protocol::headers;
use precis_protocol::limits;
use precis_protocol::problem::{Charged, Fault, Problem};
use precis_protocol::strict;
use precis_protocol::summary::SummaryResponse;

use crate::error::{ClientError, printable};
use crate::terms::TermsError;

/// Longest pause that a service may ask for between two tries.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(15);

/// A 200 of the paid route, its exact bytes not yet judged.
pub(crate) struct Delivered {
    pub status: u16,
    pub response: SummaryResponse,
    pub settlement: Option<SettleResponse>,
}

/// What to do after an answer to a paid request.
pub(crate) enum Next {
    Done(Box<Delivered>),
    /// Only the same payment again, after a pause if the service named one.
    Again {
        pause: Option<Duration>,
        why: String,
        charged: Charged,
    },
    Stop(ClientError),
}

/// Reads an answer to a request without payment: the quote of a 402.
pub(crate) fn quote(response: &http::Response<Bytes>) -> Result<PaymentRequired, ClientError> {
    match response.status() {
        http::StatusCode::PAYMENT_REQUIRED => required(response).ok_or_else(|| TermsError::Unreadable.into()),
        http::StatusCode::OK => Err(ClientError::malformed(
            "the service answered without asking for payment, which no receipt could vouch for",
        )),
        _ => Err(problem(response)),
    }
}

/// Reads an answer to a paid request.
pub(crate) fn paid(response: &http::Response<Bytes>) -> Next {
    let status = response.status();
    match status {
        http::StatusCode::OK => delivered(response).map_or_else(Next::Stop, |d| Next::Done(Box::new(d))),
        http::StatusCode::ACCEPTED => Next::Again {
            pause: retry_after(response),
            why: "the summary is still being made".into(),
            charged: Charged::No,
        },
        http::StatusCode::PAYMENT_REQUIRED => Next::Stop(ClientError::PaymentRefused(format!(
            "the service refused the payment ({}); check the wallet's balance and try again",
            refusal(response)
        ))),
        http::StatusCode::TOO_MANY_REQUESTS | http::StatusCode::REQUEST_TIMEOUT => again(response),
        _ if status.is_server_error() => again(response),
        _ => Next::Stop(problem(response)),
    }
}

fn again(response: &http::Response<Bytes>) -> Next {
    let problem = read_problem(response);
    Next::Again {
        pause: retry_after(response),
        why: problem
            .as_ref()
            .map_or_else(|| format!("the service answered {}", response.status().as_u16()), |p| printable(&p.title)),
        charged: problem.map_or(Charged::Unknown, |p| p.charged),
    }
}

fn delivered(response: &http::Response<Bytes>) -> Result<Delivered, ClientError> {
    let body: SummaryResponse = serde_json::from_slice(response.body())
        .map_err(|_| ClientError::malformed("the paid answer is not a summary with its receipt"))?;
    // RawValue needs serde_json's own pass; duplicates and depth are refused by a strict one over the same bytes.
    strict::from_slice::<serde::de::IgnoredAny>(response.body(), limits::MAX_RESPONSE_BYTES)
        .map_err(|_| ClientError::malformed("the paid answer is not strict JSON"))?;
    let settlement = match response.headers().get(headers::PAYMENT_RESPONSE) {
        None => None,
        Some(value) => Some(
            wire::decode(value.as_bytes())
                .map_err(|e| ClientError::malformed(&format!("the settlement cannot be read: {e}")))?,
        ),
    };
    Ok(Delivered { status: response.status().as_u16(), response: body, settlement })
}

fn required(response: &http::Response<Bytes>) -> Option<PaymentRequired> {
    match response.headers().get(headers::PAYMENT_REQUIRED) {
        Some(header) => wire::decode(header.as_bytes()).ok(),
        None => wire::parse(response.body()).ok(),
    }
}

fn refusal(response: &http::Response<Bytes>) -> String {
    let settlement = response
        .headers()
        .get(headers::PAYMENT_RESPONSE)
        .and_then(|v| wire::decode::<SettleResponse>(v.as_bytes()).ok());
    let reason = settlement.and_then(|s| s.error_reason).or_else(|| required(response).and_then(|r| r.error));
    reason.map_or_else(|| "no reason given".into(), |r| printable(&r))
}

fn read_problem(response: &http::Response<Bytes>) -> Option<Problem> {
    serde_json::from_slice(response.body()).ok()
}

pub(crate) fn problem(response: &http::Response<Bytes>) -> ClientError {
    let Some(problem) = read_problem(response) else {
        return ClientError::Unavailable(format!(
            "the service answered {} without saying why; try again later",
            response.status().as_u16()
        ));
    };
    let detail = if problem.detail.is_empty() { &problem.title } else { &problem.detail };
    let text = printable(&format!(
        "the service refused: {} ({}); {}",
        detail.trim_end_matches('.'),
        problem.code,
        problem.next
    ));
    match problem.fault {
        Fault::Client => ClientError::RequestRefused(text),
        Fault::Payer => ClientError::PaymentRefused(text),
        Fault::Service | Fault::Upstream => ClientError::Unavailable(text),
    }
}

fn retry_after(response: &http::Response<Bytes>) -> Option<Duration> {
    let seconds: u64 = response.headers().get(http::header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn response(status: u16, body: &serde_json::Value) -> http::Response<Bytes> {
        http::Response::builder().status(status).body(body.to_string().into()).unwrap()
    }

    fn a_problem(status: u16, fault: &str, charged: serde_json::Value) -> http::Response<Bytes> {
        let body = json!({"type": "about:blank", "title": "T", "status": status, "detail": "D.", "code": "c", "fault": fault, "charged": charged, "next": "N."});
        response(status, &body)
    }

    #[test]
    fn faults_decide_who_must_act() {
        assert!(matches!(problem(&a_problem(422, "client", json!(false))), ClientError::RequestRefused(_)));
        assert!(matches!(problem(&a_problem(409, "payer", json!(false))), ClientError::PaymentRefused(_)));
        assert!(matches!(problem(&a_problem(500, "service", json!(false))), ClientError::Unavailable(_)));
        assert!(matches!(problem(&response(418, &json!("tea"))), ClientError::Unavailable(_)));
        assert_eq!(problem(&a_problem(422, "client", json!(false))).to_string(), "the service refused: D (c); N.");
    }

    #[test]
    fn an_unknown_settlement_is_tried_again_and_never_refused() {
        assert!(matches!(
            paid(&a_problem(503, "upstream", json!("unknown"))),
            Next::Again { charged: Charged::Unknown, .. }
        ));
        assert!(matches!(paid(&response(502, &json!(null))), Next::Again { charged: Charged::Unknown, .. }));
        assert!(matches!(paid(&a_problem(503, "service", json!(false))), Next::Again { charged: Charged::No, .. }));
        assert!(matches!(paid(&response(202, &json!({}))), Next::Again { .. }));
        assert!(matches!(paid(&response(402, &json!({}))), Next::Stop(ClientError::PaymentRefused(_))));
        assert!(matches!(paid(&a_problem(409, "payer", json!(false))), Next::Stop(ClientError::PaymentRefused(_))));
    }

    #[test]
    fn a_service_cannot_make_the_caller_wait_for_ever() {
        let mut answer = a_problem(503, "service", json!(false));
        answer.headers_mut().insert("retry-after", "99999999".parse().unwrap());
        assert_eq!(retry_after(&answer), Some(MAX_RETRY_AFTER));
        answer.headers_mut().insert("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT".parse().unwrap());
        assert_eq!(retry_after(&answer), None);
    }

    #[test]
    fn a_200_without_payment_is_not_taken_for_a_gift() {
        assert!(matches!(quote(&response(200, &json!({}))), Err(ClientError::CannotVerify(_))));
    }

    #[test]
    fn a_summary_with_a_repeated_member_is_refused() {
        let twice = http::Response::builder()
            .status(200)
            .body(Bytes::from_static(br#"{"result":{"a":1,"a":2},"receipt":{}}"#))
            .unwrap();
        assert!(matches!(paid(&twice), Next::Stop(ClientError::CannotVerify(_))));
    }
}
