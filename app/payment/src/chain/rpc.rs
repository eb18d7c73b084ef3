//! JSON-RPC to an EVM node: the few methods a payment needs, bounded, and with errors that say whether a request may
//! have had an effect.
//!
//! Answers are read into types with only the members that are used, so that chains whose blocks and transactions have
//! members or kinds of their own (OP-stack deposits, Sapphire) read like any other. Sources: Ethereum execution-apis,
//! EIP-1474, EIP-1559.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use reqwest::{Client, Url};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::http::{NoAnswer, exchange};

/// Why a call to a node has no result. Never carries the URL, which may hold a key, nor the node's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// No connection: the node saw nothing.
    #[error("the chain's RPC endpoint cannot be reached")]
    NotSent,
    /// The request may have arrived; no complete answer came.
    #[error("the chain's RPC endpoint did not answer in time")]
    Lost,
    /// What came is not the answer of this method.
    #[error("the chain's RPC endpoint gave a malformed answer")]
    Malformed,
    /// The node's newest block lies below one that was seen before: it, or one of several behind its address, lags.
    #[error("the chain's RPC endpoint is behind what it showed before")]
    Behind,
    /// The state shows that an authorization has ended, and no event shows how: the node's index may lag, or have a gap.
    #[error("the chain's RPC endpoint does not show how the authorization ended")]
    NotIndexed,
    /// Two answers exclude each other: a reorganization, or backends that do not agree.
    #[error("the chain's RPC endpoint contradicts itself")]
    Contradicted,
    /// It answers no call at a block hash.
    #[error("the chain's RPC endpoint answers no call at a block hash (EIP-1898)")]
    NotPinned,
    /// What was asked lies further back than this service searches.
    #[error("the payment lies too far back in the chain to be searched for")]
    HistoryTooLong,
    /// The call executed and reverted.
    #[error("the call reverts")]
    Reverted,
    /// The node has this very transaction.
    #[error("the transaction is known already")]
    AlreadyKnown,
    /// The transaction's account nonce is used.
    #[error("the transaction's nonce is used already")]
    NonceTooLow,
    /// Another transaction with this account nonce waits, and this one does not pay enough more to take its place.
    #[error("another transaction with the same nonce waits and pays as much")]
    ReplacementUnderpriced,
    /// The transaction offers less for gas than the node takes now.
    #[error("the transaction offers too little for gas")]
    FeeTooLow,
    /// The node answered with another error, by its JSON-RPC code.
    #[error("the chain's RPC endpoint refused the request (code {0})")]
    Refused(i64),
}

impl From<NoAnswer> for RpcError {
    fn from(error: NoAnswer) -> Self {
        match error {
            NoAnswer::NotSent => Self::NotSent,
            NoAnswer::Lost => Self::Lost,
        }
    }
}

/// The members of a block that are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawBlock {
    pub number: U64,
    pub hash: B256,
    pub timestamp: U64,
    pub base_fee_per_gas: Option<U256>,
}

/// The members of a receipt that are used.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawReceipt {
    pub transaction_hash: B256,
    pub block_hash: Option<B256>,
    pub block_number: Option<U64>,
    pub status: Option<U64>,
    pub logs: Vec<RawLog>,
}

/// The members of a log that are used.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawLog {
    pub address: Address,
    pub topics: Vec<B256>,
    pub data: Bytes,
    pub transaction_hash: Option<B256>,
    #[serde(default)]
    pub block_hash: Option<B256>,
    #[serde(default)]
    pub block_number: Option<U64>,
    /// Of a block that a reorganization took away.
    #[serde(default)]
    pub removed: bool,
}

/// A node behind a URL.
#[derive(Clone)]
pub(crate) struct Rpc {
    http: Client,
    url: Url,
    calls: Arc<AtomicU64>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    result: Value,
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    code: i64,
    #[serde(default)]
    message: String,
}

impl Failure {
    /// Nodes agree on code 3 for reverts and on little else (for one refusal go-ethereum says -32000, reth -32000 or
    /// -32003, anvil -32003), so the rest is told by the words of go-ethereum, which the others repeat. A fault inside a
    /// node or gateway (-32603) and a time limit of theirs tell nothing about what was asked: the answer counts as lost.
    ///
    /// Sources: go-ethereum `core/txpool/errors.go`, `core/error.go`; reth `rpc-eth-types/src/error`; anvil
    /// `eth/error.rs`; erigon and OpenEthereum for their older words.
    fn kind(&self) -> RpcError {
        let message = self.message.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        if self.code == 3 || says(&["revert"]) {
            RpcError::Reverted
        } else if says(&["already known", "already imported", "known transaction", "already exists"]) {
            RpcError::AlreadyKnown
        } else if says(&["nonce too low", "nonce is too low", "invalid nonce", "old nonce"]) {
            RpcError::NonceTooLow
        } else if says(&["replacement", "to replace existing", "replace existing tx", "same nonce in the queue"]) {
            RpcError::ReplacementUnderpriced
        } else if says(&[
            "underpriced",
            "less than block base fee",
            "fee cap less than",
            "below minimum required priority",
        ]) {
            RpcError::FeeTooLow
        } else if self.code == -32603 || says(&["timed out", "timeout"]) {
            RpcError::Lost
        } else {
            RpcError::Refused(self.code)
        }
    }
}

impl Rpc {
    pub fn new(http: Client, url: Url) -> Self {
        Self { http, url, calls: Arc::default() }
    }

    pub async fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, RpcError> {
        let id = self.calls.fetch_add(1, Ordering::Relaxed);
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        // Some nodes put their JSON-RPC errors under an HTTP error status: the body decides.
        let (_, answer) = exchange(self.http.post(self.url.clone()).json(&body)).await?;
        let answer: Answer = serde_json::from_slice(&answer).map_err(|_| RpcError::Malformed)?;
        match answer.error {
            Some(failure) => Err(failure.kind()),
            None => serde_json::from_value(answer.result).map_err(|_| RpcError::Malformed),
        }
    }

    pub async fn chain_id(&self) -> Result<u64, RpcError> {
        self.call::<U64>("eth_chainId", json!([])).await.map(|id| id.to())
    }

    /// `tag` is a block number in hex or a name such as `latest`.
    pub async fn block(&self, tag: &str) -> Result<RawBlock, RpcError> {
        let block: Option<RawBlock> = self.call("eth_getBlockByNumber", json!([tag, false])).await?;
        block.ok_or(RpcError::Malformed)
    }

    pub async fn block_at(&self, number: u64) -> Result<RawBlock, RpcError> {
        self.block(&quantity(number)).await
    }

    /// Hashes of the transactions in the block at this height.
    pub async fn transactions_at(&self, number: u64) -> Result<Vec<B256>, RpcError> {
        #[derive(Deserialize)]
        struct Body {
            transactions: Vec<B256>,
        }
        let body: Option<Body> = self.call("eth_getBlockByNumber", json!([quantity(number), false])).await?;
        body.map(|body| body.transactions).ok_or(RpcError::Malformed)
    }

    pub async fn code(&self, address: Address) -> Result<Bytes, RpcError> {
        self.call("eth_getCode", json!([address, "latest"])).await
    }

    pub async fn balance(&self, address: Address) -> Result<U256, RpcError> {
        self.call("eth_getBalance", json!([address, "latest"])).await
    }

    /// Transactions of `address` in blocks: the account nonce that its next block takes.
    pub async fn nonce(&self, address: Address) -> Result<u64, RpcError> {
        self.call::<U64>("eth_getTransactionCount", json!([address, "latest"])).await.map(|nonce| nonce.to())
    }

    /// Transactions of `address`, those that wait in the node's pool included.
    pub async fn pending_nonce(&self, address: Address) -> Result<u64, RpcError> {
        self.call::<U64>("eth_getTransactionCount", json!([address, "pending"])).await.map(|nonce| nonce.to())
    }

    pub async fn gas_price(&self) -> Result<u128, RpcError> {
        let price: U256 = self.call("eth_gasPrice", json!([])).await?;
        u128::try_from(price).map_err(|_| RpcError::Malformed)
    }

    pub async fn priority_fee(&self) -> Result<u128, RpcError> {
        let fee: U256 = self.call("eth_maxPriorityFeePerGas", json!([])).await?;
        u128::try_from(fee).map_err(|_| RpcError::Malformed)
    }

    pub async fn eth_call(&self, from: Address, to: Address, input: &[u8]) -> Result<Bytes, RpcError> {
        self.call("eth_call", json!([message(from, to, input), "latest"])).await
    }

    /// A call on the state after the block `at`. A node that does not know that block answers with an error, never from
    /// another state (EIP-1898).
    pub async fn eth_call_at(&self, at: B256, from: Address, to: Address, input: &[u8]) -> Result<Bytes, RpcError> {
        self.call("eth_call", json!([message(from, to, input), pinned(at)])).await
    }

    /// As [`Rpc::nonce`], after the block `at`.
    pub async fn nonce_at(&self, at: B256, address: Address) -> Result<u64, RpcError> {
        self.call::<U64>("eth_getTransactionCount", json!([address, pinned(at)])).await.map(|nonce| nonce.to())
    }

    pub async fn estimate_gas(&self, from: Address, to: Address, input: &[u8]) -> Result<u64, RpcError> {
        let gas: U256 = self.call("eth_estimateGas", json!([message(from, to, input)])).await?;
        u64::try_from(gas).map_err(|_| RpcError::Malformed)
    }

    pub async fn send_raw(&self, raw: &[u8]) -> Result<(), RpcError> {
        self.call::<B256>("eth_sendRawTransaction", json!([Bytes::copy_from_slice(raw)])).await.map(drop)
    }

    /// The receipt of a transaction that is in a block.
    pub async fn receipt(&self, hash: B256) -> Result<Option<RawReceipt>, RpcError> {
        let receipt: Option<RawReceipt> = self.call("eth_getTransactionReceipt", json!([hash])).await?;
        Ok(receipt.filter(|receipt| receipt.block_number.is_some() && receipt.transaction_hash == hash))
    }

    /// Logs of `address` in the blocks from `from` to `to`, with any of the first topics and exactly the other two.
    pub async fn logs(
        &self,
        address: Address,
        from: u64,
        to: u64,
        any: [B256; 2],
        rest: [B256; 2],
    ) -> Result<Vec<RawLog>, RpcError> {
        let filter = json!({
            "address": address, "fromBlock": quantity(from), "toBlock": quantity(to), "topics": [any, rest[0], rest[1]],
        });
        self.call("eth_getLogs", json!([filter])).await
    }
}

fn pinned(block: B256) -> Value {
    json!({"blockHash": block, "requireCanonical": true})
}

fn quantity(number: u64) -> String {
    format!("{number:#x}")
}

/// Both spellings of the call data: older nodes know only `data`, newer ones prefer `input`.
fn message(from: Address, to: Address, input: &[u8]) -> Value {
    let input = Bytes::copy_from_slice(input);
    json!({"from": from, "to": to, "input": input, "data": input})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_common_nodes_are_told_apart() {
        let kind = |code, message: &str| Failure { code, message: message.into() }.kind();
        let words = [
            (-32000, "replacement transaction underpriced", RpcError::ReplacementUnderpriced),
            (-32003, "replacement transaction underpriced", RpcError::ReplacementUnderpriced),
            (-32000, "INTERNAL_ERROR: could not replace existing tx", RpcError::ReplacementUnderpriced),
            (-32003, "transaction already imported", RpcError::AlreadyKnown),
            (-32003, "nonce too low", RpcError::NonceTooLow),
            (-32000, "transaction underpriced", RpcError::FeeTooLow),
            (-32000, "transaction underpriced: gas tip cap 0, minimum needed 1", RpcError::FeeTooLow),
            (-32003, "max fee per gas less than block base fee", RpcError::FeeTooLow),
            (-32000, "request timed out", RpcError::Lost),
            (-32603, "internal error", RpcError::Lost),
            (-32000, "txpool is full", RpcError::Refused(-32000)),
            (-32005, "rate limit exceeded", RpcError::Refused(-32005)),
            (-32000, "future transaction tries to replace pending", RpcError::Refused(-32000)),
        ];
        for (code, message, expected) in words {
            assert_eq!(kind(code, message), expected, "{message}");
        }
        assert_eq!(kind(3, "execution reverted: FiatTokenV2: authorization is expired"), RpcError::Reverted);
        assert_eq!(kind(-32000, "execution reverted"), RpcError::Reverted);
        assert_eq!(kind(-32000, "already known"), RpcError::AlreadyKnown);
        assert_eq!(kind(-32003, "transaction already imported"), RpcError::AlreadyKnown);
        assert_eq!(kind(-32000, "nonce too low: next nonce 5, tx nonce 4"), RpcError::NonceTooLow);
        assert_eq!(kind(-32000, "insufficient funds for gas * price + value"), RpcError::Refused(-32000));
    }

    #[test]
    fn blocks_and_receipts_of_other_chains_are_read() {
        let legacy = json!({"number": "0x1", "hash": B256::ZERO, "timestamp": "0x5", "extra": [1], "transactions": [{"type": "0x7e"}]});
        let block = serde_json::from_value::<RawBlock>(legacy).ok();
        assert_eq!(block.map(|block| (block.timestamp.to::<u64>(), block.base_fee_per_gas)), Some((5, None)));
        let deposit = json!({"transactionHash": B256::ZERO, "blockNumber": "0x2", "status": "0x1", "logs": [], "type": "0x7e", "l1Fee": "0x1"});
        assert!(serde_json::from_value::<RawReceipt>(deposit).is_ok());
    }
}
