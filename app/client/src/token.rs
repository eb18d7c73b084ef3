//! The token that a service is paid in: its symbol and its decimals, so that people read and write amounts as they know them.
//!
//! A service could lie about either. They come from a table of known deployments, else from a node that the caller named, else they
//! are not known and amounts stay in atomic units.

use alloy_primitives::{Address, address};

/// A token as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// `USDC`.
    pub symbol: String,
    /// Digits after the point.
    pub decimals: u8,
}

/// Network and contract of the tokens that are known without asking anybody; each is USDC with six decimals.
const USDC: [(&str, Address); 2] = [
    ("eip155:8453", address!("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913")),
    ("eip155:84532", address!("0x036CbD53842c5426634e7929541eC2318f3dCF7e")),
];

impl Token {
    /// A token in the table of known deployments.
    #[must_use]
    pub fn known(network: &str, asset: Address) -> Option<Self> {
        USDC.contains(&(network, asset)).then(|| Self { symbol: "USDC".into(), decimals: 6 })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_known_token_is_one_contract_on_one_network() {
        let (network, asset) = USDC[0];
        assert_eq!(Token::known(network, asset).unwrap().decimals, 6);
        assert_eq!(Token::known("eip155:1", asset), None);
        assert_eq!(Token::known(network, Address::ZERO), None);
    }
}
