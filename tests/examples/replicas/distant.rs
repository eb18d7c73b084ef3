//! A node that is far away: every call takes its time, and what is refused is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use precis_tests::http;

/// The way to it.
pub struct Distant {
    /// Where it answers.
    pub url: String,
    shared: Arc<Shared>,
}

/// What came by.
pub struct Seen {
    pub calls: usize,
    pub sent: usize,
    /// Refused because the account nonce was used or taken.
    pub collisions: usize,
}

struct Shared {
    client: reqwest::Client,
    upstream: String,
    distance: Duration,
    calls: AtomicUsize,
    sent: AtomicUsize,
    collisions: AtomicUsize,
}

impl Distant {
    /// The node at `upstream`, `distance` away.
    pub async fn start(upstream: &str, distance: Duration) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            client: http::client()?,
            upstream: upstream.to_owned(),
            distance,
            calls: AtomicUsize::new(0),
            sent: AtomicUsize::new(0),
            collisions: AtomicUsize::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().route("/", post(forward)).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, shared })
    }

    /// Counts from zero again.
    pub fn forget(&self) {
        for count in [&self.shared.calls, &self.shared.sent, &self.shared.collisions] {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// What came by.
    pub fn seen(&self) -> Seen {
        let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        Seen {
            calls: count(&self.shared.calls),
            sent: count(&self.shared.sent),
            collisions: count(&self.shared.collisions),
        }
    }
}

async fn forward(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Bytes, StatusCode> {
    let contains = |bytes: &[u8], words: &str| bytes.windows(words.len()).any(|window| window == words.as_bytes());
    let sends = contains(&body, "eth_sendRawTransaction");
    shared.calls.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(shared.distance / 2).await;
    let asked = shared.client.post(&shared.upstream).header("content-type", "application/json").body(body);
    let answer = asked.send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let answer = answer.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    tokio::time::sleep(shared.distance / 2).await;
    if sends {
        shared.sent.fetch_add(1, Ordering::Relaxed);
        if contains(&answer, "nonce too low") || contains(&answer, "replacement") {
            shared.collisions.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(answer)
}
