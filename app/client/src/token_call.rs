//! Symbol and decimals of a token, asked of the token itself through a node that the caller chose to believe.

use alloy_primitives::{Address, B256, U256};
use precis_payment::Network;
use serde_json::json;

use crate::token::Token;
use crate::transport::{Authorities, Transport};

/// Longest wait for a node of the payment chain.
const RPC_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(15);
/// Longest answer of such a node, bytes.
const MAX_RPC_ANSWER_BYTES: usize = 64 * 1024;
/// Most decimals of a token: an atomic unit of more is of no use to anybody.
const MAX_DECIMALS: u8 = 36;
/// Longest symbol of a token, in characters.
const MAX_SYMBOL: usize = 16;
/// `decimals()`.
const DECIMALS: &str = "0x313ce567";
/// `symbol()`.
const SYMBOL: &str = "0x95d89b41";

/// The token `asset`, as it describes itself. None when it is of another chain or does not say.
pub(crate) async fn ask(url: &str, authorities: &Authorities, network: &str, asset: Address) -> Option<Token> {
    let network: Network = network.parse().ok()?;
    let node = Transport::endpoint(url, RPC_TIMEOUT, authorities).ok()?;
    let chain: alloy_primitives::U64 = serde_json::from_value(call(&node, "eth_chainId", json!([])).await?).ok()?;
    if chain.to::<u64>() != network.chain_id() {
        return None;
    }
    let decimals = decimals(&view(&node, asset, DECIMALS).await?)?;
    let symbol = symbol(&view(&node, asset, SYMBOL).await?)?;
    Some(Token { symbol, decimals })
}

async fn view(node: &Transport, asset: Address, selector: &str) -> Option<Vec<u8>> {
    let params = json!([{"to": asset, "data": selector}, "latest"]);
    let result = call(node, "eth_call", params).await?;
    hex::decode(result.as_str()?.strip_prefix("0x")?).ok()
}

async fn call(node: &Transport, method: &str, params: serde_json::Value) -> Option<serde_json::Value> {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut answer = node.post_json(&request, MAX_RPC_ANSWER_BYTES).await.ok()?;
    answer.get_mut("result").map(serde_json::Value::take).filter(|result| !result.is_null())
}

/// One ABI word.
fn decimals(word: &[u8]) -> Option<u8> {
    let word: [u8; 32] = word.try_into().ok()?;
    u8::try_from(U256::from_be_bytes(word)).ok().filter(|decimals| *decimals <= MAX_DECIMALS)
}

/// An ABI string, or the `bytes32` of older tokens; letters, digits and what else symbols hold, or it is not shown.
fn symbol(data: &[u8]) -> Option<String> {
    let bytes = match B256::try_from(data) {
        Ok(word) => word.as_slice().split(|byte| *byte == 0).next()?.to_vec(),
        Err(_) => {
            let number = |at: usize| -> Option<usize> {
                let word: [u8; 32] = data.get(at..at.checked_add(32)?)?.try_into().ok()?;
                usize::try_from(U256::from_be_bytes(word)).ok()
            };
            let start = number(0)?;
            let (length, text) = (number(start)?, start.checked_add(32)?);
            data.get(text..text.checked_add(length)?)?.to_vec()
        }
    };
    let text = String::from_utf8(bytes).ok()?;
    let fit = |c: char| c.is_ascii_alphanumeric() || ".-_$".contains(c);
    (!text.is_empty() && text.len() <= MAX_SYMBOL && text.chars().all(fit)).then_some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn word(number: u64) -> Vec<u8> {
        U256::from(number).to_be_bytes::<32>().to_vec()
    }

    fn text(symbol: &str) -> Vec<u8> {
        let mut padded = symbol.as_bytes().to_vec();
        padded.resize(symbol.len().div_ceil(32) * 32, 0);
        [word(32), word(symbol.len() as u64), padded].concat()
    }

    #[test]
    fn a_token_says_its_symbol_in_either_of_two_ways_and_nothing_that_drives_a_terminal() {
        assert_eq!(symbol(&text("USDC")), Some("USDC".into()));
        let mut old = b"MKR".to_vec();
        old.resize(32, 0);
        assert_eq!(symbol(&old), Some("MKR".into()));
        for bad in
            [text("a\u{1b}[31m"), text(""), text(&"x".repeat(17)), text("US\nDC"), word(7), vec![], word(u64::MAX)]
        {
            assert_eq!(symbol(&bad), None, "{bad:?}");
        }
        // Offsets and lengths that point outside.
        assert_eq!(symbol(&[vec![0xff; 32], word(3)].concat()), None);
        assert_eq!(symbol(&[word(32), vec![0xff; 32]].concat()), None);
    }

    #[test]
    fn decimals_are_one_small_number() {
        assert_eq!(decimals(&word(6)), Some(6));
        assert_eq!(decimals(&word(37)), None);
        assert_eq!(decimals(&word(300)), None);
        assert_eq!(decimals(&[6]), None);
    }
}
