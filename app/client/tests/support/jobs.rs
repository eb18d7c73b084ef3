//! Jobs of the service: what becomes of them, for whoever paid and for the bearer of their token.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use alloy_primitives::B256;
use axum::body::Bytes;
use axum::extract::Request;
use precis_channel::{ChannelKey, Gateway};
use precis_payment::wire;
use precis_protocol::headers;
use serde_json::{Value, json};

use super::{Asked, Boot, Door, RESOURCE, Shared, Step, answer};

/// Transaction that gives a payment back.
pub const REFUND: B256 = B256::repeat_byte(0x99);

const ID: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";
const TOKEN: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";

/// A claimed payment. It keeps the keys of the run that claimed it.
pub(super) struct Job {
    asked: Asked,
    payment: wire::PaymentPayload,
    encrypted: bool,
    boot: Arc<Boot>,
    cancelled: bool,
}

pub(super) fn ticket() -> http::Response<Bytes> {
    later(&json!({"id": ID, "status": "accepted", "token": TOKEN}))
}

/// The same answer, which says that the payment did not settle, and why.
pub(super) fn unsettled(mut response: http::Response<Bytes>, code: &str) -> http::Response<Bytes> {
    let refused = wire::SettleResponse::failed("eip155:31337".parse().unwrap(), None, code, None);
    response.headers_mut().insert(headers::PAYMENT_RESPONSE, wire::encode(&refused).unwrap().parse().unwrap());
    response
}

fn later(body: &Value) -> http::Response<Bytes> {
    let mut response = answer(202, body);
    response.headers_mut().insert("retry-after", "0".parse().unwrap());
    response
}

fn problem(status: u16, code: &str, more: &Value) -> http::Response<Bytes> {
    let fault = match status {
        500.. => "service",
        409 if code == "payment_reused" => "payer",
        _ => "client",
    };
    let mut body = json!({
        "type": "about:blank", "title": "No", "status": status, "code": code, "fault": fault, "charged": false, "next": "go on"
    });
    body.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
    let mut response = answer(status, &body);
    response.headers_mut().insert("retry-after", "0".parse().unwrap());
    response
}

impl Shared {
    pub(super) fn boot(&self) -> Arc<Boot> {
        self.boots.lock().unwrap().last().unwrap().clone()
    }

    /// What happens to this request on its way.
    pub(super) fn knock(&self, request: &Request) -> Option<Door> {
        let path = request.uri().path();
        if path == headers::ATTESTATION_PATH || (path == headers::OHTTP_GATEWAY_PATH && request.method() == "GET") {
            return None;
        }
        let mut knocks = self.knocks.lock().unwrap();
        let number = *knocks;
        *knocks += 1;
        self.wrong.door.iter().find(|(at, _)| *at == number).map(|(_, door)| *door)
    }

    /// The evidence of this run for a nonce, or what is kept of an earlier one.
    pub(super) fn attestation(&self, query: &str) -> Vec<u8> {
        if let Some(nonce) = query.strip_prefix("nonce=") {
            return self.boot().evidence.attestation(nonce);
        }
        let keyset = query.strip_prefix("keyset=").unwrap();
        let boots = self.boots.lock().unwrap();
        let digest = |boot: &Boot| precis_protocol::Digest::of(&boot.evidence.keyset_bytes).to_string();
        let boot = boots.iter().find(|boot| digest(boot) == keyset).unwrap();
        boot.evidence.attestation(&"00".repeat(32))
    }

    fn restart(&self) {
        let key = ChannelKey::generate(1).unwrap();
        let evidence = self.boot().evidence.restarted(key.config(), key.public_key());
        let boot = Boot { evidence: Arc::new(evidence), gateway: Gateway::new(key, Vec::new()) };
        self.boots.lock().unwrap().push(Arc::new(boot));
    }

    /// One authorization, one job.
    pub(super) fn claim(&self, asked: Asked, payment: wire::PaymentPayload, encrypted: bool) {
        let mut job = self.job.lock().unwrap();
        if job.as_ref().is_some_and(|job| job.payment.payload == payment.payload) {
            return;
        }
        *job = Some(Job { asked, payment, encrypted, boot: self.boot(), cancelled: false });
    }

    /// What the bearer of the token gets.
    pub(super) fn of_job(&self, request: &http::Request<Bytes>) -> http::Response<Bytes> {
        let bearer = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let mine = request.uri().path().ends_with(ID) && bearer == Some(format!("Bearer {TOKEN}"));
        if !mine || self.job.lock().unwrap().is_none() {
            return problem(404, "unknown_job", &json!({}));
        }
        let step = self.polls.lock().unwrap().pop_front();
        if request.method() == "DELETE" {
            return match step {
                None => {
                    self.job.lock().unwrap().as_mut().unwrap().cancelled = true;
                    answer(200, &json!({"id": ID, "status": "cancelled", "charged": false}))
                }
                step => self.of_claim(step),
            };
        }
        match step {
            Some(Step::Accept) => {
                later(&json!({"id": ID, "status": "working", "tokensRead": 300, "tokens": super::TOKENS}))
            }
            step => self.of_claim(step),
        }
    }

    pub(super) fn of_claim(&self, step: Option<Step>) -> http::Response<Bytes> {
        let cancelled = self.job.lock().unwrap().as_ref().unwrap().cancelled;
        match step {
            None if cancelled => self.failure(410, "cancelled", None),
            None => self.summary(),
            Some(Step::Status(status)) => {
                let charged = if status == 503 { json!("unknown") } else { json!(false) };
                problem(status, "x", &json!({"charged": charged}))
            }
            Some(Step::Code(status, code)) => problem(status, code, &json!({})),
            // A handler that panics cuts the connection without an answer.
            Some(Step::Cut) => panic!("the connection is cut"),
            Some(Step::CutInAnswer) => {
                self.cut_answer.store(true, Ordering::SeqCst);
                self.summary()
            }
            Some(Step::Refused(code)) => {
                unsettled(problem(402, "settlement_refused", &json!({"fault": "payer"})), code)
            }
            Some(Step::Accept | Step::Hang | Step::Unfit(_)) => panic!("not here"),
            Some(Step::Failed) => self.failure(500, "work_failed", None),
            Some(Step::Refunding) => problem(500, "work_failed", &json!({"charged": true})),
            Some(Step::Refunded) => self.failure(500, "work_failed", Some(REFUND)),
            Some(Step::Restart) => {
                self.restart();
                panic!("the service restarts")
            }
        }
    }

    fn failure(&self, status: u16, code: &str, refund: Option<B256>) -> http::Response<Bytes> {
        let job = self.job.lock().unwrap();
        let job = job.as_ref().unwrap();
        let evidence = &job.boot.evidence;
        let signed = evidence.failure(job.asked, &job.payment, code, status, refund, job.encrypted);
        let mut receipt = serde_json::to_value(&signed).unwrap();
        if let Some(edit) = self.wrong.receipt {
            edit(&mut receipt);
        }
        let mut more = json!({"receipt": receipt});
        if let Some(refund) = refund {
            more["refund"] = json!(refund);
        }
        problem(status, code, &more)
    }

    fn summary(&self) -> http::Response<Bytes> {
        let job = self.job.lock().unwrap();
        let Job { asked, payment, encrypted, boot, .. } = job.as_ref().unwrap();
        let evidence = &boot.evidence;
        let mut result = evidence.result(asked.at);
        let signed = evidence.receipt(*asked, payment, &result, *encrypted);
        let mut receipt = serde_json::to_value(&signed).unwrap();
        if let Some(edit) = self.wrong.receipt {
            edit(&mut receipt);
        }
        if let Some(edit) = self.wrong.result {
            edit(&mut result);
        }
        let body = format!(r#"{{"result":{result},"receipt":{receipt}}}"#);
        let recorded = signed.payment.as_ref().unwrap();
        let mut settled = wire::SettleResponse::settled(
            payment.accepted.network,
            recorded.payer,
            payment.accepted.amount,
            recorded.transaction,
        );
        evidence.settle(&mut settled, RESOURCE, &signed);
        if let Some(edit) = self.wrong.settlement {
            edit(&mut settled, evidence);
        }
        http::Response::builder()
            .header("content-type", "application/json")
            .header(headers::PAYMENT_RESPONSE, wire::encode(&settled).unwrap())
            .body(body.into())
            .unwrap()
    }
}
