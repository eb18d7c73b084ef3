//! Finds this instance's own `rofl.Register` transaction: Nexus tells in which round it may stand,
//! the node hands over that round's raw bytes, and the metadata inside them decides.
//!
//! No trust is placed in either: what is found is verified elsewhere, byte for byte.

use std::{collections::BTreeSet, time::Duration};

use ciborium::Value;
use serde::Deserialize;
use sha2::{Digest, Sha512_256};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    grpc::{Node, NodeError},
    http::{HttpError, get},
};

/// Nexus' name of the Sapphire runtime, in its paths.
pub const SAPPHIRE: &str = "sapphire";

/// Longest list of transactions accepted from Nexus. One parsed registration is about 30 kB.
const MAX_LIST_BYTES: usize = 8 * 1024 * 1024;
/// Registrations asked for at a time; Nexus lists the newest first.
const LIST_LENGTH: usize = 50;
/// Rounds fetched from the node at one poll.
const MAX_ROUNDS_PER_POLL: usize = 16;
/// Rounds remembered as searched in vain; beyond it they may be fetched again.
const MAX_ROUNDS_REMEMBERED: usize = 4_096;
/// Longest raw transaction considered (SPEC 10).
const MAX_TRANSACTION_BYTES: usize = 64 * 1024;

/// Why no registration was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// A setting cannot be used (operator).
    #[error("cannot search for the registration: {0}")]
    Settings(String),
    /// Time ran out; `last` is what stood in the way at the last poll.
    #[error("no registration found in time: {last}")]
    Deadline {
        /// The last poll's outcome.
        last: String,
    },
    /// The node gave no usable answer.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// What to search, and where.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    /// Base URL of the Nexus API, with its version: `https://nexus.oasis.io/v1`.
    pub nexus_url: &'a str,
    /// The runtime's name in Nexus paths, [`SAPPHIRE`].
    pub runtime: &'a str,
    /// URL of the node's gRPC endpoint: `https://grpc.oasis.io:443`.
    pub grpc_url: &'a str,
    /// The runtime's id.
    pub runtime_id: [u8; 32],
    /// The application's id, `rofl1…`.
    pub app_id: &'a str,
    /// Metadata keys as given to rofl-appd, without their on-chain prefix.
    pub keys: &'a [&'a str],
    /// The value that one of these keys must have.
    pub value: &'a str,
    /// Only registrations after this round count; 0 for any.
    pub after_round: u64,
}

/// How long to search and how often to ask.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// Give up after this long.
    pub deadline: Duration,
    /// Pause after the first poll; doubles from there.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(300),
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(10),
        }
    }
}

/// A registration, as the node handed it over. Not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The raw transaction: CBOR `[body, proofs]`.
    pub raw_tx: Vec<u8>,
    /// The round in which the node has it.
    pub round: u64,
    /// SHA-512/256 of the raw transaction, which is its hash on chain.
    pub tx_hash: [u8; 32],
}

/// Polls until the newest registration with the wanted metadata is found. Dropping the future
/// cancels the search.
///
/// # Errors
/// [`RegisterError::Deadline`] when time runs out, [`RegisterError::Settings`] for an unusable URL
/// or app id. Passing faults of the endpoints are retried until the deadline.
pub async fn find_registration(
    http: &reqwest::Client,
    search: &Search<'_>,
    retry: Retry,
) -> Result<Found, RegisterError> {
    let node = Node::new(search.grpc_url).map_err(|e| RegisterError::Settings(e.to_string()))?;
    let app = app_id_bytes(search.app_id)?;
    let keys = search.keys.iter().map(|key| format!("net.oasis.app.{key}")).collect();
    let wanted = Wanted { app, keys, value: search.value };
    let deadline = Instant::now() + retry.deadline;
    let mut searched = BTreeSet::new();
    let mut pause = retry.first_pause;
    let mut last = String::from("nothing was asked yet");
    loop {
        let poll = timeout_at(deadline, poll(http, &node, search, &wanted, &mut searched));
        match poll.await {
            Ok(Ok(Some(found))) => return Ok(found),
            Ok(Ok(None)) => last = "no registration carries the metadata yet".to_owned(),
            Ok(Err(error)) => last = error.to_string(),
            Err(_elapsed) => return Err(RegisterError::Deadline { last }),
        }
        let wake = Instant::now() + pause;
        if wake >= deadline {
            return Err(RegisterError::Deadline { last });
        }
        sleep_until(wake).await;
        pause = (pause * 2).min(retry.longest_pause);
    }
}

/// The current epoch as the node behind `grpc_url` tells it.
///
/// # Errors
/// [`NodeError`].
pub async fn current_epoch(grpc_url: &str) -> Result<u64, NodeError> {
    Node::new(grpc_url)?.epoch().await
}

#[derive(Debug, thiserror::Error)]
enum PollError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("Nexus answered something else than a list of transactions")]
    Nexus,
}

async fn poll(
    http: &reqwest::Client,
    node: &Node,
    search: &Search<'_>,
    wanted: &Wanted<'_>,
    searched: &mut BTreeSet<u64>,
) -> Result<Option<Found>, PollError> {
    let url = format!(
        "{}/{}/rofl_apps/{}/instance_transactions?method=rofl.Register&limit={LIST_LENGTH}",
        search.nexus_url.trim_end_matches('/'),
        search.runtime,
        search.app_id,
    );
    let answer = get(http, &url, MAX_LIST_BYTES).await?;
    let list: TransactionList = serde_json::from_slice(&answer.body).map_err(|_| PollError::Nexus)?;
    let rounds: BTreeSet<u64> = list
        .transactions
        .iter()
        .filter(|tx| tx.may_be(wanted) && tx.round > search.after_round)
        .map(|tx| tx.round)
        .filter(|round| !searched.contains(round))
        .collect();
    for &round in rounds.iter().rev().take(MAX_ROUNDS_PER_POLL) {
        let transactions = node.transactions(search.runtime_id, round).await?;
        let matching = transactions.into_iter().find(|raw| wanted.matches(raw));
        if let Some(raw_tx) = matching {
            let tx_hash = Sha512_256::digest(&raw_tx).into();
            return Ok(Some(Found { raw_tx, round, tx_hash }));
        }
        if searched.len() < MAX_ROUNDS_REMEMBERED {
            searched.insert(round);
        }
    }
    Ok(None)
}

/// The part of Nexus' `RuntimeTransactionList` that matters here.
#[derive(Deserialize)]
struct TransactionList {
    transactions: Vec<ListedTransaction>,
}

#[derive(Deserialize)]
struct ListedTransaction {
    round: u64,
    success: Option<bool>,
    body: Option<ListedBody>,
}

#[derive(Deserialize)]
struct ListedBody {
    metadata: Option<std::collections::BTreeMap<String, String>>,
}

impl ListedTransaction {
    /// False only if Nexus shows that it failed or that its metadata is another.
    fn may_be(&self, wanted: &Wanted<'_>) -> bool {
        let shown = self.body.as_ref().and_then(|body| body.metadata.as_ref());
        let says = |metadata: &std::collections::BTreeMap<String, String>| {
            wanted.keys.iter().any(|key| metadata.get(key).map(String::as_str) == Some(wanted.value))
        };
        let other = shown.is_some_and(|metadata| !says(metadata));
        self.success != Some(false) && !other
    }
}

struct Wanted<'a> {
    app: Vec<u8>,
    keys: Vec<String>,
    value: &'a str,
}

impl Wanted<'_> {
    /// Whether the raw transaction is a registration of this app with this metadata.
    fn matches(&self, raw: &[u8]) -> bool {
        self.look(raw).unwrap_or(false)
    }

    fn look(&self, raw: &[u8]) -> Option<bool> {
        if raw.len() > MAX_TRANSACTION_BYTES {
            return None;
        }
        let envelope: Value = ciborium::from_reader(raw).ok()?;
        let body: Value = ciborium::from_reader(&**envelope.as_array()?.first()?.as_bytes()?).ok()?;
        let call = member(&body, "call")?;
        let register = member(call, "body")?;
        let metadata = member(register, "metadata")?;
        let says = |key: &String| member(metadata, key).and_then(Value::as_text) == Some(self.value);
        Some(
            member(call, "method")?.as_text()? == "rofl.Register"
                && member(register, "app")?.as_bytes()? == &self.app
                && self.keys.iter().any(says),
        )
    }
}

fn member<'v>(map: &'v Value, name: &str) -> Option<&'v Value> {
    map.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

fn app_id_bytes(app_id: &str) -> Result<Vec<u8>, RegisterError> {
    let wrong = || RegisterError::Settings("the app id is not a rofl1… address".to_owned());
    let parsed = bech32::primitives::decode::CheckedHrpstring::new::<bech32::Bech32>(app_id).map_err(|_| wrong())?;
    let bytes: Vec<u8> = parsed.byte_iter().collect();
    (parsed.hrp().as_str() == "rofl" && bytes.len() == 21).then_some(bytes).ok_or_else(wrong)
}
