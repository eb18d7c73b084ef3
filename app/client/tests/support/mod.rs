//! A service in this process: real evidence from the devnet's mock PKI, a real channel, real receipts, and one thing wrong at a time.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod evidence;
pub mod offers;
mod receipts;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use alloy_primitives::{Address, B256};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use precis_channel::{ChannelKey, Gateway};
use precis_payment::wire;
use precis_protocol::headers;
use precis_protocol::request::Commitment;
use serde_json::{Value, json};

pub use evidence::{Evidence, now};

/// Tokens that the service counts in any document.
pub const TOKENS: u32 = 900;
/// Price of them: 1000 + 500.
pub const AMOUNT: u64 = 1500;
/// What is sold, as quotes name it.
pub const RESOURCE: &str = "https://precis.example/v1/summaries";

/// What is wrong with the service.
#[derive(Clone, Default)]
pub struct Wrong {
    /// One byte of the attestation document differs, at this offset.
    pub attestation_byte: Option<usize>,
    /// The gateway hands out another key than the keyset's.
    pub other_channel_key: bool,
    /// Requests through the gateway are answered in clear, with this status.
    pub plaintext: Option<u16>,
    /// The answer's media type.
    pub media_type: Option<&'static str>,
    /// One byte of every encrypted answer differs.
    pub answer_byte: bool,
    /// Every encrypted answer is the one before it.
    pub swapped: bool,
    /// Edits the requirements of a 402.
    pub requirements: Option<fn(&mut Value)>,
    /// Edits the quote of a 402 after its offers were signed.
    pub quote: Option<fn(&mut wire::PaymentRequired, &Evidence)>,
    /// Edits the settlement after its receipt was signed.
    pub settlement: Option<fn(&mut wire::SettleResponse, &Evidence)>,
    /// The quote route claims this amount.
    pub quoted: Option<&'static str>,
    /// Edits the receipt after it was signed.
    pub receipt: Option<fn(&mut Value)>,
    /// Edits the result after it was signed.
    pub result: Option<fn(&mut String)>,
    /// Answers to paid requests, before the summary: a status, or 0 for a connection that is cut.
    pub before: Vec<u16>,
}

/// What the service saw.
#[derive(Default)]
pub struct Seen {
    /// Method and path of every request as it came over the socket.
    pub outer: Vec<String>,
    /// Bodies that came over the socket.
    pub outer_bodies: Vec<Vec<u8>>,
    /// Method and path of every request that was read.
    pub inner: Vec<String>,
    /// Payments, in order.
    pub payments: Vec<wire::PaymentPayload>,
}

pub struct FakeService {
    pub url: String,
    pub evidence: Arc<Evidence>,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    evidence: Arc<Evidence>,
    gateway: Gateway,
    wrong: Wrong,
    before: Mutex<VecDeque<u16>>,
    seen: Mutex<Seen>,
    last: Mutex<Option<Vec<u8>>>,
}

impl Drop for FakeService {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeService {
    pub async fn start(wrong: Wrong) -> Self {
        let key = ChannelKey::generate(1).unwrap();
        let evidence = Arc::new(Evidence::new(key.config(), key.public_key()));
        let before = Mutex::new(wrong.before.iter().copied().collect());
        let shared = Arc::new(Shared {
            evidence: evidence.clone(),
            gateway: Gateway::new(key, Vec::new()),
            wrong,
            before,
            seen: Mutex::default(),
            last: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(outer).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, evidence, shared, task }
    }

    pub fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.shared.seen.lock().unwrap()
    }
}

async fn outer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 32 << 20).await.unwrap();
    {
        let mut seen = shared.seen.lock().unwrap();
        seen.outer.push(format!("{} {}", parts.method, parts.uri.path()));
        seen.outer_bodies.push(body.to_vec());
    }
    let path = parts.uri.path();
    if path == headers::ATTESTATION_PATH {
        let nonce = parts.uri.query().and_then(|q| q.strip_prefix("nonce=")).unwrap();
        let mut document = shared.evidence.attestation(nonce);
        if let Some(at) = shared.wrong.attestation_byte {
            let at = at % document.len();
            document[at] ^= 1;
        }
        return document.into_response();
    }
    if path != headers::OHTTP_GATEWAY_PATH {
        let request = http::Request::from_parts(parts, body);
        return shared.inner(&request, false).await.map(axum::body::Body::from);
    }
    if parts.method == http::Method::GET {
        let list = if shared.wrong.other_channel_key {
            ChannelKey::generate(1).unwrap().config_list()
        } else {
            shared.gateway.key().config_list()
        };
        return ([("content-type", headers::OHTTP_KEYS)], list).into_response();
    }
    shared.gateway(parts.headers.get("content-type").unwrap().to_str().unwrap(), &body).await
}

impl Shared {
    async fn gateway(&self, media_type: &str, body: &[u8]) -> Response {
        let (request, responder) = self.gateway.open(media_type, body).unwrap();
        let response = self.inner(&request, true).await;
        if let Some(status) = self.wrong.plaintext {
            return (axum::http::StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], "{}")
                .into_response();
        }
        let (media_type, mut sealed) = responder.seal(response).unwrap();
        if self.wrong.answer_byte {
            let middle = sealed.len() / 2;
            sealed[middle] ^= 1;
        }
        if self.wrong.swapped {
            let previous = self.last.lock().unwrap().replace(sealed.clone());
            sealed = previous.unwrap_or(sealed);
        }
        let media_type = self.wrong.media_type.unwrap_or(media_type);
        ([("content-type", media_type)], sealed).into_response()
    }

    async fn inner(&self, request: &http::Request<Bytes>, encrypted: bool) -> http::Response<Bytes> {
        self.seen.lock().unwrap().inner.push(format!("{} {}", request.method(), request.uri()));
        if request.uri().path() == headers::QUOTES_PATH {
            let amount = self.wrong.quoted.map_or_else(|| AMOUNT.to_string(), str::to_owned);
            let mut requirements = self.requirements("ab");
            requirements["amount"] = json!(amount);
            return answer(
                200,
                &json!({"mode": "extractive", "tokens": TOKENS, "amount": amount, "predictedSeconds": 2, "requirements": [requirements]}),
            );
        }
        let media_type = request.headers().get("content-type").unwrap().to_str().unwrap();
        let path = request.uri().path_and_query().unwrap().as_str();
        let commitment = Commitment::new("POST", path, media_type, request.body()).unwrap();
        let Some(payment) = request.headers().get(headers::PAYMENT_SIGNATURE) else {
            return self.payment_required(&commitment);
        };
        let payment: wire::PaymentPayload = wire::decode(payment.as_bytes()).unwrap();
        let salt: [u8; 32] =
            hex::decode(request.headers().get(headers::NONCE_SALT).unwrap()).unwrap().try_into().unwrap();
        assert_eq!(
            payment.payload.authorization.nonce,
            B256::from(commitment.payment_nonce(&salt)),
            "the nonce commits to the request"
        );
        self.seen.lock().unwrap().payments.push(payment.clone());
        let before = self.before.lock().unwrap().pop_front();
        match before {
            None => self.summary(&commitment, &payment, encrypted),
            Some(402) => self.payment_required(&commitment),
            // A handler that panics cuts the connection without an answer.
            Some(0) => panic!("the connection is cut"),
            Some(status) => {
                let charged = if status == 503 { json!("unknown") } else { json!(false) };
                let fault = if status >= 500 { "upstream" } else { "payer" };
                answer(
                    status,
                    &json!({"type": "about:blank", "title": "no", "status": status, "code": "x", "fault": fault, "charged": charged, "next": "retry"}),
                )
            }
        }
    }

    fn requirements(&self, digest: &str) -> Value {
        let target = &self.evidence.keyset.payment;
        let mut requirements = json!({
            "scheme": "exact", "network": target.network, "amount": AMOUNT.to_string(), "asset": target.asset, "payTo": target.pay_to,
            "maxTimeoutSeconds": 90, "extra": {"name": "USDC", "version": "2", "requestDigest": digest}
        });
        if let Some(edit) = self.wrong.requirements {
            edit(&mut requirements);
        }
        requirements
    }

    fn payment_required(&self, commitment: &Commitment) -> http::Response<Bytes> {
        let digest = hex::encode(commitment.quote_digest(&[9; 32]));
        let quote = json!({"x402Version": 2, "error": "payment required", "resource": {"url": RESOURCE}, "accepts": [self.requirements(&digest)]});
        let mut quote: wire::PaymentRequired = serde_json::from_value(quote).unwrap();
        self.evidence.offer(&mut quote);
        if let Some(edit) = self.wrong.quote {
            edit(&mut quote, &self.evidence);
        }
        let mut response = answer(402, &serde_json::to_value(&quote).unwrap());
        response.headers_mut().insert(headers::PAYMENT_REQUIRED, wire::encode(&quote).unwrap().parse().unwrap());
        response
    }

    fn summary(
        &self,
        commitment: &Commitment,
        payment: &wire::PaymentPayload,
        encrypted: bool,
    ) -> http::Response<Bytes> {
        let mut result = self.evidence.result();
        let signed = self.evidence.receipt(commitment, payment, &result, encrypted);
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
        self.evidence.settle(&mut settled, RESOURCE, &signed);
        if let Some(edit) = self.wrong.settlement {
            edit(&mut settled, &self.evidence);
        }
        http::Response::builder()
            .header("content-type", "application/json")
            .header(headers::PAYMENT_RESPONSE, wire::encode(&settled).unwrap())
            .body(body.into())
            .unwrap()
    }
}

fn answer(status: u16, body: &Value) -> http::Response<Bytes> {
    http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .unwrap()
}

/// An address that nobody attested.
pub fn stranger() -> Address {
    Address::repeat_byte(0xee)
}
