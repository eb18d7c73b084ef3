//! Calls as a transaction would carry them, for accounts whose answer depends on that.

use alloy_primitives::{Address, Bytes, U64, U256};
use serde_json::{Value, json};

use super::{Rpc, RpcError};

/// A call with everything that a contract can see of the transaction that would carry it.
pub(crate) struct CallAsSent<'a> {
    pub from: Address,
    pub to: Address,
    pub input: &'a Bytes,
    pub gas: Option<U64>,
    /// Members that name the fees.
    pub fees: Vec<(&'static str, Value)>,
}

impl CallAsSent<'_> {
    fn message(self) -> Value {
        let Self { from, to, input, gas, fees } = self;
        // An empty access list: what was touched before is not cheaper here than in a block.
        let mut message =
            json!({"from": from, "to": to, "input": input, "data": input, "value": "0x0", "accessList": []});
        if let Some(gas) = gas {
            message["gas"] = json!(gas);
        }
        for (name, value) in fees {
            message[name] = value;
        }
        message
    }
}

impl Rpc {
    /// Gas that the call needs after the latest block.
    pub(crate) async fn estimate_as_sent(&self, call: CallAsSent<'_>) -> Result<u64, RpcError> {
        let gas: U256 = self.call("eth_estimateGas", json!([call.message()])).await?;
        u64::try_from(gas).map_err(|_| RpcError::Malformed)
    }

    /// Executes the call after the latest block.
    pub(crate) async fn call_as_sent(&self, call: CallAsSent<'_>) -> Result<Bytes, RpcError> {
        self.call("eth_call", json!([call.message(), "latest"])).await
    }
}
