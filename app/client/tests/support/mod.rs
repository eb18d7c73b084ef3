//! A service in this process: real evidence from the devnet's mock PKI, a real channel, real receipts, and one thing wrong at a time.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

pub mod buyer;
mod evidence;
pub mod jobs;
pub mod offers;
mod receipts;
mod wire_cuts;

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::AtomicBool;
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
pub use receipts::Asked;

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
    /// What becomes of paid requests, before the summary.
    pub before: Vec<Step>,
    /// What becomes of requests for the job, before the summary.
    pub polls: Vec<Step>,
    /// What happens before a request gets to the service, by its number among those that are not for its evidence or keys.
    pub door: Vec<(usize, Door)>,
    /// The payment is taken before the work.
    pub upfront: bool,
    /// A 402 says that nothing was charged.
    pub uncharged: bool,
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A refusal without a receipt.
    Status(u16),
    /// A refusal with this code.
    Code(u16, &'static str),
    /// The settlement is refused for good, and the answer says why.
    Refused(&'static str),
    /// The payment does not fit the quote, and the answer says why.
    Unfit(&'static str),
    /// The connection is cut before the answer.
    Cut,
    /// The connection is cut in the middle of the summary.
    CutInAnswer,
    /// There is never an answer.
    Hang,
    /// The job is taken, or goes on.
    Accept,
    /// The job failed, with a receipt that says that nothing was charged.
    Failed,
    /// The job failed, and the payment is on its way back.
    Refunding,
    /// The job failed, with a receipt that says that the payment was given back.
    Refunded,
    /// The service restarts, with other keys; the connection is cut.
    Restart,
}

/// What happens before a request gets to the service.
#[derive(Clone, Copy, Debug)]
pub enum Door {
    /// The connection is cut before the request is read.
    Cut,
    /// A proxy answers.
    Proxy(u16),
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
    /// `Prefer` of every paid request.
    pub preferences: Vec<String>,
}

impl Seen {
    /// How many authorizations were signed.
    pub fn authorizations(&self) -> usize {
        let nonces: HashSet<_> = self.payments.iter().map(|p| p.payload.authorization.nonce).collect();
        nonces.len()
    }

    /// How many requests of `method` for a job were read.
    pub fn of_jobs(&self, method: &str) -> usize {
        let wanted = format!("{method} {}/", headers::SUMMARIES_PATH);
        self.inner.iter().filter(|request| request.starts_with(&wanted)).count()
    }
}

pub struct FakeService {
    pub url: String,
    pub evidence: Arc<Evidence>,
    shared: Arc<Shared>,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

/// The keys of one run of the service.
struct Boot {
    evidence: Arc<Evidence>,
    gateway: Gateway,
}

struct Shared {
    /// The last is the one that runs.
    boots: Mutex<Vec<Arc<Boot>>>,
    wrong: Wrong,
    before: Mutex<VecDeque<Step>>,
    polls: Mutex<VecDeque<Step>>,
    job: Mutex<Option<jobs::Job>>,
    knocks: Mutex<usize>,
    cut_answer: Arc<AtomicBool>,
    seen: Mutex<Seen>,
    last: Mutex<Option<Vec<u8>>>,
}

impl Drop for FakeService {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

impl FakeService {
    pub async fn start(wrong: Wrong) -> Self {
        let key = ChannelKey::generate(1).unwrap();
        let evidence = Arc::new(Evidence::new(key.config(), key.public_key()));
        let boot = Boot { evidence: evidence.clone(), gateway: Gateway::new(key, Vec::new()) };
        let shared = Arc::new(Shared {
            boots: Mutex::new(vec![Arc::new(boot)]),
            before: Mutex::new(wrong.before.iter().copied().collect()),
            polls: Mutex::new(wrong.polls.iter().copied().collect()),
            wrong,
            job: Mutex::default(),
            knocks: Mutex::default(),
            cut_answer: Arc::default(),
            seen: Mutex::default(),
            last: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, relay) = wire_cuts::relay(listener.local_addr().unwrap(), shared.cut_answer.clone()).await;
        let app = Router::new().fallback(outer).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url: format!("http://{address}"), evidence, shared, tasks: [task, relay] }
    }

    /// Whatever was to come before the summary no longer comes.
    pub fn finish(&self) {
        self.shared.before.lock().unwrap().clear();
        self.shared.polls.lock().unwrap().clear();
    }

    pub fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.shared.seen.lock().unwrap()
    }
}

async fn outer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    match shared.knock(&request) {
        Some(Door::Cut) => panic!("the connection is cut"),
        Some(Door::Proxy(status)) => {
            return (axum::http::StatusCode::from_u16(status).unwrap(), "<html>a proxy</html>").into_response();
        }
        None => {}
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 32 << 20).await.unwrap();
    {
        let mut seen = shared.seen.lock().unwrap();
        seen.outer.push(format!("{} {}", parts.method, parts.uri.path()));
        seen.outer_bodies.push(body.to_vec());
    }
    let path = parts.uri.path();
    if path == headers::ATTESTATION_PATH {
        let mut document = shared.attestation(parts.uri.query().unwrap());
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
            shared.boot().gateway.key().config_list()
        };
        return ([("content-type", headers::OHTTP_KEYS)], list).into_response();
    }
    shared.gateway(parts.headers.get("content-type").unwrap().to_str().unwrap(), &body).await
}

impl Shared {
    async fn gateway(&self, media_type: &str, body: &[u8]) -> Response {
        let boot = self.boot();
        let Ok((request, responder)) = boot.gateway.open(media_type, body) else {
            let body = json!({"type": headers::OHTTP_KEY_PROBLEM, "title": "No", "status": 400}).to_string();
            let media_type = [("content-type", headers::PROBLEM_JSON)];
            return (axum::http::StatusCode::BAD_REQUEST, media_type, body).into_response();
        };
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
        if request.uri().path() == headers::ATTESTATION_PATH {
            let document = self.attestation(request.uri().query().unwrap());
            return http::Response::new(document.into());
        }
        if request.uri().path().starts_with(&format!("{}/", headers::SUMMARIES_PATH)) {
            return self.of_job(request);
        }
        if request.uri().path() == headers::QUOTES_PATH {
            let amount = self.wrong.quoted.map_or_else(|| AMOUNT.to_string(), str::to_owned);
            let mut requirements = self.requirements("ab");
            requirements["amount"] = json!(amount);
            return answer(
                200,
                &json!({"task": "summary.extractive", "tokens": TOKENS, "amount": amount, "predictedSeconds": 2, "requirements": [requirements]}),
            );
        }
        let media_type = request.headers().get("content-type").unwrap().to_str().unwrap();
        let path = request.uri().path_and_query().unwrap().as_str();
        let asked = Asked::new(path, media_type, request.body());
        let commitment = asked.commitment;
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
        {
            let mut seen = self.seen.lock().unwrap();
            let preference = request.headers().get(headers::PREFER).map_or("", |value| value.to_str().unwrap());
            seen.payments.push(payment.clone());
            seen.preferences.push(preference.to_owned());
        }
        let step = self.before.lock().unwrap().pop_front();
        self.claim(asked, payment, encrypted);
        match step {
            Some(Step::Status(402)) => self.payment_required(&commitment),
            Some(Step::Unfit(code)) => jobs::unsettled(self.payment_required(&commitment), code),
            Some(Step::Accept) => jobs::ticket(),
            Some(Step::Hang) => std::future::pending().await,
            step => self.of_claim(step),
        }
    }

    fn requirements(&self, digest: &str) -> Value {
        let target = &self.boot().evidence.keyset.payments[0].clone();
        let mut requirements = json!({
            "scheme": "exact", "network": target.network, "amount": AMOUNT.to_string(), "asset": target.asset, "payTo": target.pay_to,
            "maxTimeoutSeconds": 90, "extra": {"name": "USDC", "version": "2", "requestDigest": digest}
        });
        if self.wrong.upfront {
            requirements["extra"]["paymentFlow"] = wire::FLOW_UPFRONT.into();
        }
        if let Some(edit) = self.wrong.requirements {
            edit(&mut requirements);
        }
        requirements
    }

    fn payment_required(&self, commitment: &Commitment) -> http::Response<Bytes> {
        let digest = hex::encode(commitment.quote_digest(&[9; 32]));
        let quote = json!({"x402Version": 2, "error": "payment required", "resource": {"url": RESOURCE}, "accepts": [self.requirements(&digest)]});
        let mut quote: wire::PaymentRequired = serde_json::from_value(quote).unwrap();
        let evidence = self.boot().evidence.clone();
        evidence.offer(&mut quote);
        if let Some(edit) = self.wrong.quote {
            edit(&mut quote, &evidence);
        }
        let mut body = serde_json::to_value(&quote).unwrap();
        if self.wrong.uncharged {
            body["charged"] = json!(false);
        }
        let mut response = answer(402, &body);
        response.headers_mut().insert(headers::PAYMENT_REQUIRED, wire::encode(&quote).unwrap().parse().unwrap());
        response
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
