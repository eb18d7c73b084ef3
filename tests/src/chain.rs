//! The payment chain as an outside observer sees it, over JSON-RPC.

use alloy_primitives::{Address, U256, hex};
use anyhow::Context as _;
use serde_json::{Value, json};

use crate::http;

/// Selector of `balanceOf(address)`.
const BALANCE_OF: &str = "70a08231";

/// A view of one chain and one token.
pub struct Chain {
    client: reqwest::Client,
    url: String,
    token: Address,
}

impl Chain {
    /// A view through the node at `url`.
    ///
    /// # Errors
    /// If the token is no address.
    pub fn new(url: &str, token: &str) -> anyhow::Result<Self> {
        Ok(Self { client: http::client()?, url: url.to_owned(), token: token.parse().context("token")? })
    }

    /// Calls a JSON-RPC method.
    ///
    /// # Errors
    /// On any error of the node.
    pub async fn rpc(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer: Value = self.client.post(&self.url).json(&request).send().await?.json().await?;
        if let Some(error) = answer.get("error") {
            anyhow::bail!("{method}: {error}");
        }
        answer.get("result").cloned().with_context(|| format!("{method}: no result"))
    }

    /// `eth_call` of `data` on `to`.
    ///
    /// # Errors
    /// If the call reverts.
    pub async fn call(&self, to: Address, data: &[u8]) -> anyhow::Result<Vec<u8>> {
        let result = self.rpc("eth_call", json!([{ "to": to, "data": hex::encode_prefixed(data) }, "latest"])).await?;
        hex::decode(result.as_str().context("eth_call: not a string")?).context("eth_call: not hex")
    }

    /// Atomic units of the token that `owner` holds.
    ///
    /// # Errors
    /// If the node does not tell.
    pub async fn tokens(&self, owner: Address) -> anyhow::Result<U256> {
        let data = hex::decode(format!("{BALANCE_OF}{}{}", "00".repeat(12), hex::encode(owner)))?;
        U256::try_from_be_slice(&self.call(self.token, &data).await?).context("balanceOf")
    }

    /// Wei that `owner` holds.
    ///
    /// # Errors
    /// If the node does not tell.
    pub async fn gas(&self, owner: Address) -> anyhow::Result<U256> {
        let result = self.rpc("eth_getBalance", json!([owner, "latest"])).await?;
        Ok(result.as_str().context("eth_getBalance")?.parse()?)
    }
}
