//! What a verifier can ask others about: the current epoch, and a block of the payment chain. Nobody is asked unless named by the
//! caller, and an answer that does not come leaves its check not evaluated.

use std::time::Duration;

use alloy_primitives::{B256, U64};
use precis_payment::Network;
use precis_protocol::attestation::Attestation;
use precis_protocol::challenge::Block;
use precis_verify::{ChainBlock, Online, Presented};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::transport::Transport;

/// Longest wait for a node of the payment chain.
const RPC_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest answer of such a node, bytes: a block with the hashes of its transactions.
const MAX_RPC_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Nodes that the caller chose to believe about the state of their chains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// gRPC endpoint of an Oasis node, for the current epoch.
    pub oasis_grpc: Option<String>,
    /// JSON-RPC endpoint of the payment chain, for the block that the challenge names.
    pub rpc: Option<String>,
}

/// What they said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    epoch: Answer<u64>,
    block: Answer<Option<ChainBlock>>,
}

#[derive(Debug, Clone, Default)]
enum Answer<T> {
    #[default]
    NotAsked,
    Unanswered(String),
    Known(T),
}

impl<T: Copy> Answer<T> {
    fn of(result: Result<T, String>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(why) => Self::Unanswered(why),
        }
    }

    fn as_online(&self) -> Online<'_, T> {
        match self {
            Self::NotAsked => Online::NotAsked,
            Self::Unanswered(why) => Online::Unanswered(why),
            Self::Known(value) => Online::Known(*value),
        }
    }
}

impl Sources {
    /// Asks whom the caller named, both at once. Nothing of the caller's is sent.
    pub(crate) async fn ask(&self, attestation: &[u8]) -> Answers {
        let epoch = async {
            match &self.oasis_grpc {
                None => Answer::NotAsked,
                Some(url) => Answer::of(precis_rofl::current_epoch(url).await.map_err(|error| error.to_string())),
            }
        };
        let block = async {
            match &self.rpc {
                None => Answer::NotAsked,
                Some(url) => Answer::of(block_named_in(attestation, url).await),
            }
        };
        let (epoch, block) = tokio::join!(epoch, block);
        Answers { epoch, block }
    }
}

impl Answers {
    /// Adds the answers to what a service presented.
    pub(crate) fn add_to<'a>(&'a self, presented: Presented<'a>) -> Presented<'a> {
        Presented { epoch: self.epoch.as_online(), block: self.block.as_online(), ..presented }
    }
}

/// The members of a block that are used (Ethereum execution-apis).
#[derive(Deserialize)]
struct RawBlock {
    hash: B256,
    timestamp: U64,
}

/// The block at the height that the challenge names. The challenge is not believed here: it only says where to look.
async fn block_named_in(attestation: &[u8], url: &str) -> Result<Option<ChainBlock>, String> {
    let attestation = Attestation::parse(attestation).map_err(|_| "the attestation names no block".to_owned())?;
    let Block { network, number, .. } = attestation.challenge.block;
    let network: Network = network.parse().map_err(|_| "the challenge names no EVM chain".to_owned())?;
    let node = Transport::endpoint(url, RPC_TIMEOUT).map_err(|error| error.to_string())?;
    let chain: U64 = call(&node, "eth_chainId", json!([])).await?;
    if chain.to::<u64>() != network.chain_id() {
        return Err(format!("the node asked is of chain {chain}, not of {network}"));
    }
    let found: Option<RawBlock> = call(&node, "eth_getBlockByNumber", json!([format!("{number:#x}"), false])).await?;
    Ok(found.map(|block| ChainBlock { hash: block.hash, timestamp: block.timestamp.to() }))
}

async fn call<T: DeserializeOwned>(node: &Transport, method: &str, params: Value) -> Result<T, String> {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut answer = node.post_json(&request, MAX_RPC_ANSWER_BYTES).await.map_err(|error| error.to_string())?;
    if answer.get("error").is_some_and(|error| !error.is_null()) {
        return Err(format!("the node refused {method}"));
    }
    let result = answer.get_mut("result").map(Value::take).unwrap_or_default();
    serde_json::from_value(result).map_err(|_| format!("the node gave a malformed answer to {method}"))
}
