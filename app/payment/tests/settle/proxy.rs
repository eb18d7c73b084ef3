//! A way to the chain that fails on demand.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU8, AtomicUsize, Ordering},
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};

/// What the proxy does to requests.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// Passes everything.
    None,
    /// Passes a transaction to the chain, loses the answer, and is dead from then on.
    LoseAnswer,
    /// Loses the transactions themselves once, then passes everything.
    LoseFirst,
    /// Answers nothing usable.
    Dead,
    /// Keeps the next transaction and never answers, then passes everything.
    SwallowFirst,
    /// Passes the next transaction to the chain and never answers, then passes everything.
    HangFirst,
    /// Keeps every transaction and never answers.
    Swallow,
    /// Shows the last receipt that came by for every one that is not there.
    StaleReceipts,
}

const FAULTS: [Fault; 8] = [
    Fault::None,
    Fault::LoseAnswer,
    Fault::LoseFirst,
    Fault::Dead,
    Fault::SwallowFirst,
    Fault::HangFirst,
    Fault::Swallow,
    Fault::StaleReceipts,
];

struct Shared {
    target: String,
    http: reqwest::Client,
    fault: AtomicU8,
    sent: AtomicUsize,
    receipt: Mutex<Bytes>,
}

#[derive(Clone)]
pub struct Proxy {
    pub url: String,
    shared: Arc<Shared>,
}

impl Proxy {
    pub async fn before(target: &str) -> Self {
        let shared = Arc::new(Shared {
            target: target.into(),
            http: crate::world::http_client(),
            fault: AtomicU8::new(Fault::None as u8),
            sent: AtomicUsize::new(0),
            receipt: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(forward)).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    pub fn set(&self, fault: Fault) {
        self.shared.fault.store(fault as u8, Ordering::SeqCst);
    }

    /// How many transactions came by.
    pub fn sent(&self) -> usize {
        self.shared.sent.load(Ordering::SeqCst)
    }
}

async fn forward(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Bytes, StatusCode> {
    let asks_for = |method: &str| String::from_utf8_lossy(&body).contains(method);
    let (is_send, is_receipt) = (asks_for("eth_sendRawTransaction"), asks_for("eth_getTransactionReceipt"));
    if is_send {
        shared.sent.fetch_add(1, Ordering::SeqCst);
    }
    let fault = FAULTS[usize::from(shared.fault.load(Ordering::SeqCst))];
    match fault {
        Fault::Dead => return Err(StatusCode::BAD_GATEWAY),
        Fault::LoseFirst if is_send => {
            shared.fault.store(Fault::None as u8, Ordering::SeqCst);
            return Err(StatusCode::BAD_GATEWAY);
        }
        Fault::SwallowFirst if is_send => {
            shared.fault.store(Fault::None as u8, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        Fault::Swallow if is_send => std::future::pending().await,
        _ => {}
    }
    let answer = shared.http.post(&shared.target).header("content-type", "application/json").body(body).send().await;
    let answer = answer.map_err(|_| StatusCode::BAD_GATEWAY)?.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    if fault == Fault::LoseAnswer && is_send {
        shared.fault.store(Fault::Dead as u8, Ordering::SeqCst);
        return Err(StatusCode::BAD_GATEWAY);
    }
    if is_receipt {
        let mut last = shared.receipt.lock().unwrap();
        if String::from_utf8_lossy(&answer).contains("blockHash") {
            *last = answer.clone();
        } else if fault == Fault::StaleReceipts {
            return Ok(last.clone());
        }
    }
    if fault == Fault::HangFirst && is_send {
        shared.fault.store(Fault::None as u8, Ordering::SeqCst);
        std::future::pending::<()>().await;
    }
    Ok(answer)
}
