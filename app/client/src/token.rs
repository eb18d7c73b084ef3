//! The token that a service is paid in: its symbol and its decimals, so that people read and write amounts as they know them.
//!
//! A service could lie about either. They come from a table of known deployments, else from a node that the caller named, else they
//! are not known and amounts stay in atomic units.

use alloy_primitives::Address;
use precis_payment::usdc;

/// A token as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// `USDC`.
    pub symbol: String,
    /// Digits after the point.
    pub decimals: u8,
}

impl Token {
    /// A token in the table of known deployments.
    #[must_use]
    pub fn known(network: &str, asset: Address) -> Option<Self> {
        let usdc = usdc::on(network.parse().ok()?)?;
        (usdc.address == asset).then(|| Self { symbol: "USDC".into(), decimals: usdc::DECIMALS })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_known_token_is_one_contract_on_one_network() {
        let (network, asset) = ("eip155:8453", usdc::on(precis_payment::Network::BASE).unwrap().address);
        assert_eq!(Token::known(network, asset).unwrap().decimals, 6);
        assert_eq!(Token::known("eip155:137", asset), None);
        assert_eq!(Token::known("eip155:1", asset), None);
        assert_eq!(Token::known(network, Address::ZERO), None);
    }
}
