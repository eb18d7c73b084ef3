//! A way to the payment chain that fails on demand: requests that never arrive, answers that never come, lies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy_primitives::U64;
use anyhow::Context as _;
use precis_devnet::chain::lag::{Receipts, View};
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

/// How far a node is behind the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behind {
    /// It has everything.
    #[default]
    Not,
    /// So many blocks, whatever comes.
    Blocks(u64),
    /// It has nothing after this block, for as long as it is there.
    At(u64),
}

/// One of the nodes that the proxy pretends to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Where its state ends.
    pub head: Behind,
    /// Where its receipts and logs end.
    pub index: Behind,
    /// How it shows receipts.
    pub receipts: Receipts,
}

impl Node {
    /// One that has everything.
    pub const HONEST: Self = Self { head: Behind::Not, index: Behind::Not, receipts: Receipts::True };

    /// One whose receipts and logs end there.
    #[must_use]
    pub const fn indexed(index: Behind) -> Self {
        Self { index, ..Self::HONEST }
    }

    /// One that knows nothing beyond.
    #[must_use]
    pub const fn late(head: Behind) -> Self {
        Self { head, ..Self::HONEST }
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
    nodes: Mutex<(Vec<Node>, u64)>,
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
            nodes: Mutex::default(),
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

    /// From now on what passes is answered by one of these nodes, at random; by the chain itself if there are none.
    pub fn nodes(&self, nodes: &[Node], seed: u64) {
        *self.shared.nodes.lock().unwrap_or_else(PoisonError::into_inner) = (nodes.to_vec(), seed);
    }

    /// From now on everything passes, to one node that has everything; what is held stays held.
    pub fn pass(&self) {
        self.rule(|_| Fault::Pass);
        self.nodes(&[], 0);
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
        let Some(node) = self.node() else { return self.send(body).await };
        let view = View {
            head: self.block(node.head).await?,
            index: self.block(node.index).await?,
            receipts: node.receipts,
            ..View::default()
        };
        if view != View::default() {
            *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry("lag").or_default() += 1;
        }
        let answer = view.answer(serde_json::from_slice(&body)?, |call| async move { self.ask(&call).await }).await?;
        Ok(answer.to_string().into_bytes())
    }

    /// The node that takes the next call.
    fn node(&self) -> Option<Node> {
        let (nodes, seed) = &mut *self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let place = (*seed >> 33).checked_rem(nodes.len() as u64)?;
        nodes.get(usize::try_from(place).ok()?).copied()
    }

    /// The newest block that a node has; none for all.
    async fn block(&self, behind: Behind) -> anyhow::Result<Option<u64>> {
        Ok(match behind {
            Behind::Not => None,
            Behind::At(block) => Some(block),
            Behind::Blocks(blocks) => {
                let asked = json!({ "jsonrpc": "2.0", "id": 0, "method": "eth_blockNumber", "params": [] });
                let height: U64 = serde_json::from_value(self.ask(&asked).await?["result"].clone())?;
                Some(height.to::<u64>().saturating_sub(blocks))
            }
        })
    }

    async fn ask(&self, call: &Value) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.send(call.to_string().into_bytes()).await?)?)
    }

    async fn send(&self, body: Vec<u8>) -> anyhow::Result<Vec<u8>> {
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
