//! The chain behind HTTP, and the clock that mines at an interval.
//!
//! Guarantees that no request can stop the server or hold it up for longer than one call's gas, and that dropping a
//! [`ChainServer`] ends its tasks and closes its connections.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::error::RpcError;
use super::jsonrpc::{answer, failure};
use super::methods::dispatch;
use super::state::Chain;
use super::{MAX_BODY_BYTES, MAX_REQUESTS};

/// Shortest block interval.
const MIN_INTERVAL: Duration = Duration::from_millis(10);
/// Longest block interval: a day.
const MAX_INTERVAL: Duration = Duration::from_secs(86_400);

/// What a chain is started with.
#[derive(Debug, Clone)]
pub struct ChainOptions {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Time between blocks; none mines each transaction at once.
    pub block_interval: Option<Duration>,
}

/// A running chain. Stops when dropped.
pub struct ChainServer {
    url: String,
    shared: Arc<Shared>,
    /// Its end is the end of the tasks.
    _stop: watch::Sender<()>,
}

struct Shared {
    chain: Mutex<Chain>,
    requests: Semaphore,
    interval: watch::Sender<Option<Duration>>,
}

impl ChainServer {
    /// Binds `options.listen` and serves.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn start(options: ChainOptions) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            chain: Mutex::new(Chain::new(options.chain_id, now())),
            requests: Semaphore::new(MAX_REQUESTS),
            interval: watch::Sender::new(options.block_interval.map(bounded)),
        });
        let stop = watch::Sender::new(());
        let router = Router::new()
            .route("/", post(serve))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(shared.clone());
        let dropped = ended(stop.subscribe());
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(dropped).await {
                tracing::error!(%error, "chain stopped");
            }
        });
        let (clock, dropped) = (mine_at_interval(shared.clone()), ended(stop.subscribe()));
        tokio::spawn(async move {
            tokio::select! { () = clock => {}, () = dropped => {} }
        });
        Ok(Self { url, shared, _stop: stop })
    }

    /// Where the JSON-RPC answers: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Mines at this interval from now on; none mines what waits, and every new transaction, at once.
    pub fn set_block_interval(&self, interval: Option<Duration>) {
        self.shared.interval.send_replace(interval.map(bounded));
    }
}

impl Shared {
    /// A panic while the chain was locked leaves it as it was before the call: nothing is committed half.
    fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, method: &str, params: Vec<Value>) -> Result<Value, RpcError> {
        if method == "evm_setIntervalMining" {
            return self.set_interval(&params);
        }
        let now = now();
        let mut chain = self.chain();
        let result = dispatch(&mut chain, now, method, params);
        if method == "eth_sendRawTransaction" && result.is_ok() && self.interval.borrow().is_none() {
            chain.mine_ready(now);
        }
        result
    }

    /// Whole seconds, as other development chains have it; 0 mines at once.
    fn set_interval(&self, params: &[Value]) -> Result<Value, RpcError> {
        let [Value::Number(seconds)] = params else {
            return Err(RpcError::invalid_params("expected the seconds between blocks"));
        };
        let seconds = seconds.as_u64().ok_or_else(|| RpcError::invalid_params("invalid seconds"))?;
        let interval = (seconds > 0).then(|| bounded(Duration::from_secs(seconds)));
        self.interval.send_replace(interval);
        Ok(Value::Null)
    }
}

async fn serve(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let Ok(_permit) = shared.requests.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let worker = shared.clone();
    // The EVM computes: off the threads that serve connections.
    let answered =
        tokio::task::spawn_blocking(move || answer(&body, |method, params| worker.call(method, params))).await;
    let json = [(header::CONTENT_TYPE, "application/json")];
    match answered {
        Ok(Some(bytes)) => (json, bytes).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(_) => (json, json!(failure(Value::Null, RpcError::internal())).to_string()).into_response(),
    }
}

/// Waits for the owner of the other end to go.
async fn ended(mut stop: watch::Receiver<()>) {
    while stop.changed().await.is_ok() {}
}

async fn mine_at_interval(shared: Arc<Shared>) {
    let mut interval = shared.interval.subscribe();
    loop {
        let period = *interval.borrow_and_update();
        if let Some(period) = period {
            tokio::select! {
                () = tokio::time::sleep(period) => {}
                _ = interval.changed() => continue,
            }
        }
        let worker = shared.clone();
        let mined = tokio::task::spawn_blocking(move || match period {
            Some(_) => {
                worker.chain().mine(now());
            }
            None => worker.chain().mine_ready(now()),
        });
        if mined.await.is_err() || (period.is_none() && interval.changed().await.is_err()) {
            tracing::error!("mining stopped");
            return;
        }
    }
}

fn bounded(interval: Duration) -> Duration {
    interval.clamp(MIN_INTERVAL, MAX_INTERVAL)
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
