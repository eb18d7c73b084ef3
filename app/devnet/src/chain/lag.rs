//! A node as one of several behind an address: its head, its index and its receipts may lag or lie. For proxies in tests that
//! stand before a chain which tells the truth.

use alloy_primitives::{B256, U64};
use serde_json::{Value, json};

/// How a node sees the chain.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct View {
    /// Its newest block; none if it has all. It knows nothing of later ones, and answers from the state after this one.
    pub head: Option<u64>,
    /// The newest block whose receipts and logs it shows, whatever its state says; none for all.
    pub index: Option<u64>,
    /// How it shows receipts.
    pub receipts: Receipts,
    /// Whether it answers only at its newest block, and refuses hashes in the place of numbers (before EIP-1898).
    pub latest_only: bool,
}

/// How a node shows receipts.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub enum Receipts {
    /// As they are.
    #[default]
    True,
    /// None at all.
    Missing,
    /// As if each transaction had failed.
    Reverted,
    /// With the hash of a block that is not on the chain.
    Misplaced,
}

impl View {
    /// Carries out a JSON-RPC call as a node with this view, of whose chain `ask` tells the truth; the whole answer.
    ///
    /// # Errors
    /// As `ask`.
    pub async fn answer<E, F>(&self, mut call: Value, ask: impl Fn(Value) -> F) -> Result<Value, E>
    where
        F: Future<Output = Result<Value, E>>,
    {
        let method = call["method"].as_str().unwrap_or_default().to_owned();
        let id = call["id"].clone();
        if self.latest_only && call["params"][1].is_object() {
            let error = json!({"code": -32_602, "message": "invalid argument 1"});
            return Ok(json!({"jsonrpc": "2.0", "id": id, "error": error}));
        }
        if let Some(head) = self.head {
            let at = match method.as_str() {
                "eth_blockNumber" => return Ok(result(id, json!(U64::from(head)))),
                "eth_getBlockByNumber" => Some(0),
                "eth_call" | "eth_estimateGas" | "eth_getBalance" | "eth_getCode" | "eth_getTransactionCount" => {
                    Some(1)
                }
                _ => None,
            };
            let unknown = match at {
                Some(at) => !self.rewrite(&mut call["params"], at, &ask).await?,
                None => false,
            };
            if unknown && method == "eth_getBlockByNumber" {
                return Ok(result(id, Value::Null));
            }
            if unknown {
                let error = json!({"code": -32_000, "message": "header not found"});
                return Ok(json!({"jsonrpc": "2.0", "id": id, "error": error}));
            }
        }
        let mut answer = ask(call).await?;
        let shown = self.head.unwrap_or(u64::MAX).min(self.index.unwrap_or(u64::MAX));
        match method.as_str() {
            "eth_getTransactionReceipt" => self.receipt(&mut answer["result"], shown),
            "eth_getLogs" => {
                if let Some(logs) = answer["result"].as_array_mut() {
                    logs.retain(|log| number(&log["blockNumber"]).is_some_and(|number| number <= shown));
                }
            }
            "eth_getBlockByHash" => {
                let hidden = number(&answer["result"]["number"]) > self.head && self.head.is_some();
                if hidden {
                    answer["result"] = Value::Null;
                }
            }
            _ => {}
        }
        Ok(answer)
    }

    /// Puts the head in the place of `latest`; whether the block that is meant is known here.
    async fn rewrite<E, F>(&self, params: &mut Value, at: usize, ask: &impl Fn(Value) -> F) -> Result<bool, E>
    where
        F: Future<Output = Result<Value, E>>,
    {
        let (Some(head), Some(params)) = (self.head, params.as_array_mut()) else { return Ok(true) };
        if params.len() == at {
            params.push(json!("latest"));
        }
        let Some(block) = params.get_mut(at) else { return Ok(true) };
        let meant = match block.as_str() {
            Some("latest" | "safe" | "finalized") => {
                *block = json!(U64::from(head));
                return Ok(true);
            }
            // Transactions that wait are passed on between nodes.
            Some("pending" | "earliest") => return Ok(true),
            Some(_) => number(block),
            None => {
                let named = json!({"jsonrpc": "2.0", "id": 0, "method": "eth_getBlockByHash", "params": [block["blockHash"], false]});
                number(&ask(named).await?["result"]["number"])
            }
        };
        Ok(meant.is_some_and(|meant| meant <= head))
    }

    fn receipt(&self, receipt: &mut Value, shown: u64) {
        let Some(block) = number(&receipt["blockNumber"]) else { return };
        if block > shown || self.receipts == Receipts::Missing {
            *receipt = Value::Null;
            return;
        }
        match self.receipts {
            Receipts::Reverted => {
                receipt["status"] = json!("0x0");
                receipt["logs"] = json!([]);
            }
            Receipts::Misplaced => receipt["blockHash"] = json!(B256::repeat_byte(0xbd)),
            Receipts::True | Receipts::Missing => {}
        }
    }
}

fn result(id: Value, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

fn number(value: &Value) -> Option<u64> {
    serde_json::from_value::<U64>(value.clone()).ok().map(|number| number.to())
}
