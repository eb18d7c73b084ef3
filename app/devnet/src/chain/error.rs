//! JSON-RPC errors: one type, whose code says who must act (JSON-RPC 2.0 section 5.1, EIP-1474).

use alloy_primitives::Bytes;
use alloy_sol_types::{Panic, Revert, SolError};
use serde::Serialize;

/// Code of a call that reverted; `data` carries the revert data.
const REVERTED: i64 = 3;

/// An error object of a JSON-RPC response.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RpcError {
    /// -32700 to -32600 as JSON-RPC says, -32000 for what the chain refuses, 3 for a revert.
    pub code: i64,
    /// For humans and for clients that match on the words of well-known nodes.
    pub message: String,
    /// Revert data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Bytes>,
}

impl RpcError {
    fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The body is not JSON.
    pub fn parse() -> Self {
        Self::new(-32700, "parse error")
    }

    /// The JSON is no request.
    pub fn invalid_request(message: &str) -> Self {
        Self::new(-32600, message)
    }

    /// The method is unknown here.
    pub fn unknown_method(method: &str) -> Self {
        let shown: String = method.chars().take(64).collect();
        Self::new(-32601, format!("the method {shown} does not exist"))
    }

    /// A parameter is missing or malformed.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    /// The chain refuses; the caller has to change something.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(-32000, message)
    }

    /// A fault of this program.
    pub fn internal() -> Self {
        Self::new(-32603, "internal error")
    }

    /// Execution reverted with `output`.
    pub fn reverted(output: Bytes) -> Self {
        let message = match revert_reason(&output) {
            Some(reason) => format!("execution reverted: {reason}"),
            None => "execution reverted".to_owned(),
        };
        Self { code: REVERTED, message, data: Some(output) }
    }
}

/// The text of a `require` or `assert` (Solidity `Error(string)`, `Panic(uint256)`); custom errors have none.
fn revert_reason(output: &[u8]) -> Option<String> {
    if let Ok(revert) = Revert::abi_decode(output) {
        return Some(revert.reason);
    }
    Panic::abi_decode(output).ok().map(|panic| panic.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revert_with_a_reason_shows_it_and_keeps_the_data() {
        let data: Bytes = Revert::from("no funds").abi_encode().into();
        let error = RpcError::reverted(data.clone());
        assert_eq!((error.code, error.message.as_str()), (3, "execution reverted: no funds"));
        assert_eq!(error.data, Some(data));
    }

    #[test]
    fn revert_without_data_still_has_a_data_member() {
        let json = serde_json::to_value(RpcError::reverted(Bytes::new())).unwrap_or_default();
        assert_eq!(json, serde_json::json!({"code": 3, "message": "execution reverted", "data": "0x"}));
    }
}
