//! A way to the payment chain that fails on demand: requests that never arrive, answers that never come, lies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::http;
use crate::process::PATIENCE;

/// Longest head of a request, bytes.
const MAX_HEAD: usize = 64 * 1024;

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it passes.
    Pass,
    /// It never reaches the node; the connection ends.
    Drop,
    /// The node does it; the connection ends without the answer.
    LoseAnswer,
    /// It never reaches the node, and nothing is heard for so long.
    Swallow(Duration),
    /// The node does it, and nothing is heard for so long.
    Hang(Duration),
    /// It reaches the node late.
    Delay(Duration),
    /// An error of the node, with its code.
    Refuse(i64, &'static str),
    /// `null`, as if the node knew nothing of it.
    Null,
    /// It waits until [`RpcFaults::release`].
    Hold,
}

impl Fault {
    /// Its name in figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Drop => "drop",
            Self::LoseAnswer => "lose-answer",
            Self::Swallow(_) => "swallow",
            Self::Hang(_) => "hang",
            Self::Delay(_) => "delay",
            Self::Refuse(..) => "refuse",
            Self::Null => "null",
            Self::Hold => "hold",
        }
    }
}

/// A call that comes by.
#[derive(Clone, Debug)]
pub struct Call {
    /// Method; empty for what is not one call.
    pub method: String,
    /// How many of its method came by since the rule was set, this one included.
    pub nth: u32,
}

/// Judges each call.
pub type Rule = Box<dyn FnMut(&Call) -> Fault + Send>;

struct Shared {
    client: Client,
    upstream: String,
    rule: Mutex<(Rule, BTreeMap<String, u32>)>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    held: watch::Sender<u32>,
    released: watch::Sender<u32>,
}

/// The proxy. Stops when dropped.
pub struct RpcFaults {
    /// Its URL.
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl RpcFaults {
    /// Starts one in front of the node at `upstream` that lets everything pass.
    ///
    /// # Errors
    /// If it cannot listen.
    pub async fn start(upstream: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            client: http::client()?,
            upstream: upstream.to_owned(),
            rule: Mutex::new((Box::new(|_| Fault::Pass), BTreeMap::new())),
            counts: Mutex::default(),
            held: watch::channel(0).0,
            released: watch::channel(0).0,
        });
        let task = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let shared = Arc::clone(&shared);
                    // A client that goes away in the middle is what this is for.
                    tokio::spawn(async move { drop(serve(stream, &shared).await) });
                }
            }
        });
        Ok(Self { url, shared, task })
    }

    /// From now on `rule` judges the calls.
    pub fn rule(&self, rule: impl FnMut(&Call) -> Fault + Send + 'static) {
        *self.shared.rule.lock().unwrap_or_else(PoisonError::into_inner) = (Box::new(rule), BTreeMap::new());
    }

    /// From now on everything passes; what is held stays held.
    pub fn pass(&self) {
        self.rule(|_| Fault::Pass);
    }

    /// How many calls each fault met.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a call is held.
    ///
    /// # Errors
    /// If none comes.
    pub async fn held(&self) -> anyhow::Result<()> {
        let mut held = self.shared.held.subscribe();
        let waited = tokio::time::timeout(PATIENCE, held.wait_for(|held| *held > 0)).await;
        waited.context("no call was held")?.context("the proxy is gone").map(drop)
    }

    /// Lets go what is held, and everything from now on.
    pub fn release(&self) {
        self.pass();
        self.shared.held.send_replace(0);
        self.shared.released.send_modify(|count| *count += 1);
    }
}

impl Drop for RpcFaults {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn judge(&self, body: &[u8]) -> Fault {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let method = body["method"].as_str().unwrap_or_default().to_owned();
        let mut rule = self.rule.lock().unwrap_or_else(PoisonError::into_inner);
        let (rule, seen) = &mut *rule;
        let nth = seen.entry(method.clone()).or_default();
        *nth += 1;
        let fault = rule(&Call { method, nth: *nth });
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(fault.name()).or_default() += 1;
        fault
    }

    async fn forward(&self, body: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let request = self.client.post(&self.upstream).header("content-type", "application/json").body(body);
        Ok(http::answer(request).await?.body)
    }
}

/// One connection, call after call, until a fault or the client ends it.
async fn serve(mut stream: TcpStream, shared: &Shared) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let body = read_call(&mut stream, &mut bytes).await?;
        let id = || serde_json::from_slice::<Value>(&body).unwrap_or_default()["id"].clone();
        let answer = match shared.judge(&body) {
            Fault::Pass => shared.forward(body).await?,
            Fault::Drop => return Ok(()),
            Fault::LoseAnswer => return shared.forward(body).await.map(drop),
            Fault::Swallow(time) => {
                tokio::time::sleep(time).await;
                return Ok(());
            }
            Fault::Hang(time) => {
                shared.forward(body).await?;
                tokio::time::sleep(time).await;
                return Ok(());
            }
            Fault::Delay(time) => {
                tokio::time::sleep(time).await;
                shared.forward(body).await?
            }
            Fault::Refuse(code, message) => {
                let error = json!({ "code": code, "message": message });
                json!({ "jsonrpc": "2.0", "id": id(), "error": error }).to_string().into_bytes()
            }
            Fault::Null => json!({ "jsonrpc": "2.0", "id": id(), "result": null }).to_string().into_bytes(),
            Fault::Hold => {
                let mut released = shared.released.subscribe();
                shared.held.send_modify(|held| *held += 1);
                released.changed().await?;
                shared.forward(body).await?
            }
        };
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", answer.len());
        stream.write_all(&[head.into_bytes(), answer].concat()).await?;
    }
}

/// The body of the next request on the connection; `bytes` keeps what came beyond it.
async fn read_call(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        anyhow::ensure!(bytes.len() < MAX_HEAD && stream.read_buf(bytes).await? > 0, "no whole head");
    };
    let head = std::str::from_utf8(&bytes[..end])?.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).context("no length")?;
    let length: usize = length.trim().parse()?;
    while bytes.len() < end + length {
        anyhow::ensure!(stream.read_buf(bytes).await? > 0, "no whole body");
    }
    let rest = bytes.split_off(end + length);
    let body = bytes.split_off(end);
    *bytes = rest;
    Ok(body)
}
