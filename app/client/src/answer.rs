//! What an answer of the service means for the caller: done, ended, go on asking, try again with the same payment, or stop
//! (SPEC 5.2 to 5.8).

use std::time::Duration;

use bytes::Bytes;
use precis_payment::offer::{EXTENSION, offers_in};
use precis_payment::wire::{self, PaymentRequired, SettleResponse};
use precis_protocol::headers;
use precis_protocol::limits;
use precis_protocol::problem::{Charged, Problem};
use precis_protocol::strict;

use crate::error::ClientError;
use crate::job::{Job, Status};
use crate::problem::{self, retry_after};
use crate::terms::TermsError;
use crate::text::printable;

/// How a job can end for good that is asked for by its payment, whether or not a receipt says so.
const ENDS: [&str; 3] = ["cancelled", "authorization_lapsed", "abandoned"];
/// Answers to the bearer of a job who must show the request and its payment again.
const LOST: [&str; 3] = ["unknown_job", "job_expired", "job_interrupted"];

/// Reasons of a refusal that were found in the payment or in the payer's balance, and not in the use of the authorization, which
/// may have moved money (x402 v2, section 9).
const FOUND: [&str; 8] = [
    "insufficient_funds",
    "unsupported_scheme",
    "invalid_network",
    "invalid_payment_requirements",
    "invalid_exact_evm_payload_recipient_mismatch",
    "invalid_exact_evm_payload_authorization_value_mismatch",
    "invalid_exact_evm_payload_authorization_valid_after",
    "invalid_exact_evm_payload_signature",
];

/// A 200 of the paid route, its exact bytes not yet judged.
pub(crate) struct Delivered {
    pub status: u16,
    pub body: Bytes,
    pub settlement: Option<SettleResponse>,
}

/// The end of a job without a summary, its receipt not yet judged.
pub(crate) struct Ended {
    pub status: u16,
    pub problem: Problem,
}

/// What to do after an answer to a paid request, or to the bearer of a job.
pub(crate) enum Next {
    Done(Box<Delivered>),
    Ended(Box<Ended>),
    /// Taken; ask for the job by its token.
    Accepted {
        job: Job,
        pause: Option<Duration>,
    },
    /// Still going on; ask again.
    Working {
        status: Status,
        pause: Option<Duration>,
    },
    /// Ended without a summary, and the payment is on its way back; ask again until it is there.
    Refunding {
        pause: Option<Duration>,
    },
    /// The service does not have what it takes to go on; only the request with the same payment does.
    Lost {
        why: String,
    },
    /// Only the same again, after a pause if the service named one.
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
        _ => Err(problem::refusal(response)),
    }
}

/// Reads an answer to a paid request.
pub(crate) fn paid(response: &http::Response<Bytes>) -> Next {
    match (response.status(), problem::read(response)) {
        (http::StatusCode::ACCEPTED, _) => match Job::accepted(response.body()) {
            Some(job) => Next::Accepted { job, pause: retry_after(response) },
            None => Next::Again {
                pause: retry_after(response),
                why: "the summary is still being made".into(),
                charged: Charged::No,
            },
        },
        (status, Some(problem)) if ENDS.contains(&problem.code.as_str()) && !is_refunding(&problem) => {
            Next::Ended(Box::new(Ended { status: status.as_u16(), problem }))
        }
        (_, problem) => any(response, problem),
    }
}

/// Reads an answer to the bearer of a job.
pub(crate) fn fetched(response: &http::Response<Bytes>) -> Next {
    let lost = |why: &str| Next::Lost { why: printable(why) };
    match (response.status(), problem::read(response)) {
        (http::StatusCode::ACCEPTED, _) => match strict::from_slice(response.body(), limits::MAX_RESPONSE_BYTES) {
            Ok(status) => Next::Working { status, pause: retry_after(response) },
            Err(_) => Next::Stop(ClientError::malformed("the progress of the job cannot be read")),
        },
        (_, Some(problem)) if LOST.contains(&problem.code.as_str()) => lost(&problem.title),
        // Also from something in between: the paid request finds out.
        (http::StatusCode::NOT_FOUND, _) => lost("the service does not know the job"),
        (http::StatusCode::GONE, problem)
            if problem.as_ref().is_none_or(|p| p.receipt.is_none() && !is_refunding(p)) =>
        {
            lost("the service no longer has the job")
        }
        (_, problem) => any(response, problem),
    }
}

/// Whether the job ended, but not its refund.
fn is_refunding(problem: &Problem) -> bool {
    problem.charged == Charged::Yes && problem.refund.is_none()
}

/// What means the same on both routes.
fn any(response: &http::Response<Bytes>, problem: Option<Problem>) -> Next {
    let status = response.status();
    match problem {
        Some(problem) if is_refunding(&problem) => return Next::Refunding { pause: retry_after(response) },
        Some(problem) if problem.receipt.is_some() => {
            return Next::Ended(Box::new(Ended { status: status.as_u16(), problem }));
        }
        _ => {}
    }
    match status {
        http::StatusCode::OK => delivered(response).map_or_else(Next::Stop, |d| Next::Done(Box::new(d))),
        http::StatusCode::PAYMENT_REQUIRED => Next::Stop(refused(response, problem.as_ref())),
        http::StatusCode::TOO_MANY_REQUESTS if problem::is_far(response) => Next::Stop(problem::refusal(response)),
        http::StatusCode::TOO_MANY_REQUESTS | http::StatusCode::REQUEST_TIMEOUT => again(response),
        _ if status.is_server_error() => again(response),
        _ => Next::Stop(problem::refusal(response)),
    }
}

fn again(response: &http::Response<Bytes>) -> Next {
    let problem = problem::read(response);
    Next::Again {
        pause: retry_after(response),
        why: problem
            .as_ref()
            .map_or_else(|| format!("the service answered {}", response.status().as_u16()), |p| printable(&p.title)),
        charged: problem.map_or(Charged::Unknown, |p| p.charged),
    }
}

fn delivered(response: &http::Response<Bytes>) -> Result<Delivered, ClientError> {
    // Result and receipt are cut out by their raw bytes; duplicates and depth are refused here.
    strict::from_slice::<serde::de::IgnoredAny>(response.body(), limits::MAX_RESPONSE_BYTES)
        .map_err(|_| ClientError::malformed("the paid answer is not strict JSON"))?;
    let settlement = match response.headers().get(headers::PAYMENT_RESPONSE) {
        None => None,
        Some(value) => Some(
            wire::decode(value.as_bytes())
                .map_err(|e| ClientError::malformed(&format!("the settlement cannot be read: {e}")))?,
        ),
    };
    Ok(Delivered { status: response.status().as_u16(), body: response.body().clone(), settlement })
}

/// The quote of a 402. The header has what is needed to pay; offers that had no room there are in the body (SPEC 5.3).
fn required(response: &http::Response<Bytes>) -> Option<PaymentRequired> {
    let Some(header) = response.headers().get(headers::PAYMENT_REQUIRED) else {
        return wire::parse(response.body()).ok();
    };
    let mut quote: PaymentRequired = wire::decode(header.as_bytes()).ok()?;
    let offered = offers_in(quote.extensions.as_ref()).ok().flatten().map_or(0, |offers| offers.len());
    if offered < quote.accepts.len()
        && let Ok(whole) = wire::parse::<PaymentRequired>(response.body())
        && let (true, Some(mut extensions)) = (whole.accepts == quote.accepts, whole.extensions)
        && let Some(offers) = extensions.remove(EXTENSION)
    {
        quote.extensions.get_or_insert_default().insert(EXTENSION.to_owned(), offers);
    }
    Some(quote)
}

fn refused(response: &http::Response<Bytes>, problem: Option<&Problem>) -> ClientError {
    let settlement = response
        .headers()
        .get(headers::PAYMENT_RESPONSE)
        .and_then(|v| wire::decode::<SettleResponse>(v.as_bytes()).ok())
        .filter(|settlement| !settlement.success);
    let code = settlement.as_ref().and_then(|s| s.error_reason.clone());
    let is_final = settlement.is_some_and(|settlement| match problem {
        Some(problem) => problem.charged == Charged::No,
        // A quote, and why this payment does not fit it.
        None => settlement.transaction.is_none() && code.as_deref().is_some_and(|code| FOUND.contains(&code)),
    });
    let reason = code.or_else(|| required(response).and_then(|r| r.error));
    let next = match reason.as_deref() {
        Some("insufficient_funds") => "put more of the token into the wallet, or pay with another key",
        _ => "check the wallet and its authorizations, or pay with another key",
    };
    let reason = reason.map_or_else(|| "no reason given".into(), |r| printable(&r));
    let uncharged = charged(response) == Some(Charged::No);
    ClientError::PaymentRefused {
        why: format!("the service refused the payment ({reason}); {next}"),
        is_final,
        uncharged,
    }
}

/// What an answer says of the money: a problem document, or the body of a 402 beside its quote.
fn charged(response: &http::Response<Bytes>) -> Option<Charged> {
    #[derive(serde::Deserialize)]
    struct Said {
        charged: Charged,
    }
    serde_json::from_slice::<Said>(response.body()).ok().map(|said| said.charged)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::problem::MAX_RETRY_AFTER;
    use crate::problem::refusal as problem;
    use serde_json::json;

    fn response(status: u16, body: &serde_json::Value) -> http::Response<Bytes> {
        http::Response::builder().status(status).body(body.to_string().into()).unwrap()
    }

    #[test]
    fn offers_that_the_header_has_no_room_for_are_read_in_the_body() {
        let zero = "0x0000000000000000000000000000000000000000";
        let entry = json!({"scheme": "exact", "network": "eip155:1", "amount": "1", "asset": zero, "payTo": zero, "maxTimeoutSeconds": 1});
        let whole = json!({
            "x402Version": 2, "resource": {"url": "https://precis.test/v1/summaries"}, "accepts": [entry],
            "extensions": {EXTENSION: {"info": {"offers": []}, "schema": {}}, "bazaar": {}}
        });
        let mut brief = whole.clone();
        brief.as_object_mut().unwrap().remove("extensions");
        let answer = |body: &serde_json::Value| {
            let mut answer = response(402, body);
            answer.headers_mut().insert(headers::PAYMENT_REQUIRED, wire::encode(&brief).unwrap().parse().unwrap());
            quote(&answer).unwrap().extensions
        };
        assert!(answer(&whole).unwrap().contains_key(EXTENSION));
        let mut other = whole.clone();
        other["accepts"][0]["amount"] = json!("2");
        assert_eq!(answer(&other), None, "another quote's offers");
        assert_eq!(answer(&json!("no quote")), None);
    }

    fn a_problem(status: u16, fault: &str, charged: serde_json::Value) -> http::Response<Bytes> {
        let body = json!({"type": "about:blank", "title": "T", "status": status, "detail": "D.", "code": "c", "fault": fault, "charged": charged, "next": "N."});
        response(status, &body)
    }

    #[test]
    fn faults_decide_who_must_act() {
        assert!(matches!(problem(&a_problem(422, "client", json!(false))), ClientError::RequestRefused(_)));
        assert!(matches!(
            problem(&a_problem(409, "payer", json!(false))),
            ClientError::PaymentRefused { is_final: false, .. }
        ));
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
        let mut later = a_problem(429, "payer", json!(false));
        assert!(matches!(paid(&later), Next::Again { .. }));
        later.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("2400"));
        assert!(matches!(paid(&later), Next::Stop(ClientError::PaymentRefused { uncharged: true, .. })));
        assert!(matches!(fetched(&response(502, &json!(null))), Next::Again { charged: Charged::Unknown, .. }));
        assert!(matches!(
            paid(&response(402, &json!({}))),
            Next::Stop(ClientError::PaymentRefused { is_final: false, .. })
        ));
        assert!(matches!(
            paid(&a_problem(409, "payer", json!(false))),
            Next::Stop(ClientError::PaymentRefused { is_final: false, .. })
        ));
    }

    #[test]
    fn only_a_refusal_that_rests_on_something_found_is_final() {
        let is_final = |body: serde_json::Value, code: Option<&str>| {
            let mut response = response(402, &body);
            if let Some(code) = code {
                let refused = SettleResponse::failed("eip155:8453".parse().unwrap(), None, code, None);
                response
                    .headers_mut()
                    .insert(headers::PAYMENT_RESPONSE, wire::encode(&refused).unwrap().parse().unwrap());
            }
            match paid(&response) {
                Next::Stop(ClientError::PaymentRefused { is_final, .. }) => is_final,
                _ => panic!("no refusal"),
            }
        };
        let problem = |charged: serde_json::Value| json!({"type": "about:blank", "title": "T", "status": 402, "code": "settlement_refused", "fault": "payer", "charged": charged, "next": "N."});
        assert!(is_final(problem(json!(false)), Some("invalid_transaction_state")));
        assert!(is_final(json!({}), Some("insufficient_funds")));
        assert!(!is_final(problem(json!(false)), None), "no word on the settlement");
        assert!(!is_final(problem(json!("unknown")), Some("settlement_pending")));
        assert!(!is_final(json!({}), None));
        for used in
            ["invalid_transaction_state", "invalid_exact_evm_payload_authorization_valid_before", "settlement_pending"]
        {
            assert!(!is_final(json!({}), Some(used)), "{used}: money may have moved");
        }
    }

    #[test]
    fn a_service_cannot_make_the_caller_wait_for_ever() {
        let mut answer = a_problem(503, "service", json!(false));
        answer.headers_mut().insert("retry-after", "99999999".parse().unwrap());
        assert_eq!(retry_after(&answer), Some(MAX_RETRY_AFTER));
        answer.headers_mut().insert("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT".parse().unwrap());
        assert_eq!(retry_after(&answer), None);
    }

    fn with(status: u16, members: serde_json::Value) -> http::Response<Bytes> {
        let mut body = json!({"type": "about:blank", "title": "T", "status": status, "code": "work_failed", "fault": "service", "charged": false, "next": "N."});
        body.as_object_mut().unwrap().append(&mut members.as_object().unwrap().clone());
        response(status, &body)
    }

    #[test]
    fn an_end_is_an_end_only_with_its_receipt_and_with_the_payment_back() {
        for read in [paid, fetched] {
            assert!(matches!(read(&with(500, json!({"receipt": {}}))), Next::Ended(_)));
            assert!(matches!(read(&with(422, json!({"receipt": {}}))), Next::Ended(_)));
            assert!(matches!(read(&with(500, json!({}))), Next::Again { .. }), "as any other failure");
            assert!(matches!(read(&with(422, json!({"charged": true}))), Next::Refunding { .. }));
            assert!(matches!(read(&with(500, json!({"charged": true, "receipt": {}}))), Next::Refunding { .. }));
            let lapsed = json!({"charged": true, "code": "authorization_lapsed"});
            assert!(matches!(read(&with(410, lapsed)), Next::Refunding { .. }));
            let back = json!({"charged": true, "receipt": {}, "refund": "0x1"});
            assert!(matches!(read(&with(500, back)), Next::Ended(_)));
        }
        assert!(matches!(paid(&with(410, json!({"code": "cancelled"}))), Next::Ended(_)));
    }

    #[test]
    fn only_a_job_that_the_service_cannot_go_on_with_needs_the_request_again() {
        for (status, code) in [(404, "unknown_job"), (410, "job_expired"), (409, "job_interrupted"), (410, "cancelled")]
        {
            assert!(matches!(fetched(&with(status, json!({"code": code}))), Next::Lost { .. }), "{code}");
        }
        assert!(matches!(fetched(&response(404, &json!("a proxy"))), Next::Lost { .. }));
        assert!(matches!(fetched(&with(410, json!({"code": "cancelled", "receipt": {}}))), Next::Ended(_)));
        assert!(matches!(fetched(&with(409, json!({"code": "job_begun", "fault": "client"}))), Next::Stop(_)));
    }

    #[test]
    fn a_202_names_the_job_or_its_progress() {
        let ticket = json!({"id": "0a".repeat(16), "status": "accepted", "token": "0b".repeat(32)});
        assert!(matches!(paid(&response(202, &ticket)), Next::Accepted { .. }));
        let progress = json!({"id": "0a", "status": "working", "tokensRead": 3, "tokens": 9});
        let Next::Working { status, .. } = fetched(&response(202, &progress)) else { panic!("not working") };
        assert_eq!((status.tokens_read, status.tokens), (3, 9));
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
