//! What a verifier can ask others about: the current epoch, and blocks and settlements of the payment chain. Nobody is asked unless
//! named by the caller, and an answer that does not come leaves its check not evaluated.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U64};
use precis_payment::Network;
use precis_protocol::attestation::Attestation;
use precis_protocol::challenge::Block;
use precis_protocol::receipt::ReceiptFile;
use precis_rofl::Node;
use precis_verify::{Account, AppState, ChainBlock, Log, Mined, OnChain, Online, Presented, Registered};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::transport::{Authorities, Transport};

/// Longest wait for a node of the payment chain.
const RPC_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest answer of such a node, bytes: a block with the hashes of its transactions.
const MAX_RPC_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Nodes that the caller chose to believe about the state of their chains.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// gRPC endpoint of an Oasis node, for the current epoch, the app and this instance.
    pub oasis_grpc: Option<String>,
    /// JSON-RPC endpoints of payment chains, for the block that the challenge names. Of each chain the first node is asked.
    pub rpc: Vec<String>,
    /// Whose certificates are accepted besides those of the system.
    pub authorities: Authorities,
}

/// What they said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    epoch: Answer<u64>,
    app: Answer<AppState>,
    block: Answer<Option<ChainBlock>>,
}

#[derive(Debug, Clone, Default)]
pub(crate) enum Answer<T> {
    #[default]
    NotAsked,
    Unanswered(String),
    Known(T),
}

impl<T> Answer<T> {
    pub(crate) fn of(result: Result<T, String>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(why) => Self::Unanswered(why),
        }
    }

    pub(crate) fn as_ref(&self) -> Online<'_, &T> {
        match self {
            Self::NotAsked => Online::NotAsked,
            Self::Unanswered(why) => Online::Unanswered(why),
            Self::Known(value) => Online::Known(value),
        }
    }
}

impl<T: Copy> Answer<T> {
    fn as_online(&self) -> Online<'_, T> {
        match self.as_ref() {
            Online::NotAsked => Online::NotAsked,
            Online::Unanswered(why) => Online::Unanswered(why),
            Online::Known(value) => Online::Known(*value),
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
        let app = async {
            match &self.oasis_grpc {
                None => Answer::NotAsked,
                Some(url) => Answer::of(app_of(attestation, url).await),
            }
        };
        let block = async {
            match self.rpc.as_slice() {
                [] => Answer::NotAsked,
                urls => Answer::of(block_named_in(attestation, urls, &self.authorities).await),
            }
        };
        let (epoch, app, block) = tokio::join!(epoch, app, block);
        Answers { epoch, app, block }
    }
}

impl Answers {
    /// Adds the answers to what a service presented.
    pub(crate) fn add_to<'a>(&'a self, presented: Presented<'a>) -> Presented<'a> {
        Presented { epoch: self.epoch.as_online(), app: self.app.as_ref(), block: self.block.as_online(), ..presented }
    }
}

/// The members of a block that are used (Ethereum execution-apis).
#[derive(Deserialize)]
struct RawBlock {
    number: U64,
    hash: B256,
    timestamp: U64,
}

impl RawBlock {
    fn block(&self) -> ChainBlock {
        ChainBlock { hash: self.hash, timestamp: self.timestamp.to() }
    }
}

/// The members of a transaction receipt that are used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawReceipt {
    block_number: U64,
    block_hash: B256,
    status: U64,
    logs: Vec<RawLog>,
}

#[derive(Deserialize)]
struct RawLog {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
}

/// The app and the instance that the evidence names, which only says whom to ask about.
async fn app_of(attestation: &[u8], url: &str) -> Result<AppState, String> {
    let of = precis_verify::instance_of(attestation).map_err(|error| error.to_string())?;
    let node = Node::new(url).map_err(|error| error.to_string())?;
    let (app, instance) =
        tokio::join!(node.app(of.runtime_id, of.app), node.app_instance(of.runtime_id, of.app, of.rak));
    let app = app.map_err(|error| error.to_string())?;
    let instance = instance.map_err(|error| error.to_string())?;
    Ok(AppState {
        of,
        identities: app.identities,
        max_expiration: app.max_expiration,
        admin: app.admin.map(Account),
        secrets: app.secrets,
        registered: instance.map(|found| Registered {
            expiration: found.expiration,
            node_id: found.node_id,
            metadata: found.metadata,
        }),
    })
}

fn named_in(attestation: &[u8]) -> Result<Block, String> {
    let attestation = Attestation::parse(attestation).map_err(|_| "the attestation names no block".to_owned())?;
    Ok(attestation.challenge.block)
}

/// The block at the height that the challenge names. The challenge is not believed here: it only says where to look.
async fn block_named_in(
    attestation: &[u8],
    urls: &[String],
    authorities: &Authorities,
) -> Result<Option<ChainBlock>, String> {
    let Block { network, number, .. } = named_in(attestation)?;
    let node = node_of(&network, urls, authorities).await?;
    Ok(block_at(&node, json!(format!("{number:#x}"))).await?.map(|block| block.block()))
}

/// Block, settlement and refund of a receipt, on the chain that was paid on.
pub(crate) async fn receipt(file: &ReceiptFile, urls: &[String], authorities: &Authorities) -> Result<OnChain, String> {
    let signed = &file.receipt;
    let network = match &signed.payment {
        Some(payment) => payment.network.clone(),
        None => named_in(&file.attestation)?.network,
    };
    let node = node_of(&network, urls, authorities).await?;
    let head = block_at(&node, json!("latest")).await?.ok_or("the node has no newest block")?.number.to();
    let block = block_at(&node, json!(format!("{:#x}", signed.receipt.block_number))).await?;
    let settlement = signed.payment.as_ref().map(|payment| payment.transaction).filter(|hash| !hash.is_zero());
    let refund = precis_verify::refund_named(signed, &file.result);
    Ok(OnChain {
        head,
        block: block.map(|block| block.block()),
        settlement: mined(&node, settlement).await?,
        refund: mined(&node, refund).await?,
    })
}

async fn mined(node: &Transport, transaction: Option<B256>) -> Result<Option<Mined>, String> {
    let Some(transaction) = transaction else { return Ok(None) };
    let Some(raw): Option<RawReceipt> = call(node, "eth_getTransactionReceipt", json!([transaction])).await? else {
        return Ok(None);
    };
    let block = block_at(node, json!(raw.block_number)).await?.filter(|block| block.hash == raw.block_hash);
    let block = block.ok_or_else(|| format!("the node has {transaction} in a block that is not of its chain"))?;
    let log = |log: RawLog| Log { address: log.address, topics: log.topics, data: log.data.to_vec() };
    Ok(Some(Mined {
        number: raw.block_number.to(),
        block: block.block(),
        succeeded: raw.status == U64::from(1),
        logs: raw.logs.into_iter().map(log).collect(),
    }))
}

/// The first node that answers and is of this network.
async fn node_of(network: &str, urls: &[String], authorities: &Authorities) -> Result<Transport, String> {
    let network: Network = network.parse().map_err(|_| "no EVM chain is named".to_owned())?;
    let mut why = Vec::new();
    for url in urls {
        match node_at(network, url, authorities).await {
            Ok(node) => return Ok(node),
            Err(other) => why.push(other),
        }
    }
    Err(why.join("; "))
}

async fn node_at(network: Network, url: &str, authorities: &Authorities) -> Result<Transport, String> {
    let node = Transport::endpoint(url, RPC_TIMEOUT, authorities).map_err(|error| error.to_string())?;
    let chain: U64 = call(&node, "eth_chainId", json!([])).await?;
    if chain.to::<u64>() != network.chain_id() {
        return Err(format!("the node asked is of chain {chain}, not of {network}"));
    }
    Ok(node)
}

async fn block_at(node: &Transport, height: Value) -> Result<Option<RawBlock>, String> {
    call(node, "eth_getBlockByNumber", json!([height, false])).await
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
