//! Native USDC, which has EIP-3009, on the networks whose deployment is known without asking anybody.

use alloy_primitives::{Address, address};

use crate::Network;

/// Digits after the point, on every network.
pub const DECIMALS: u8 = 6;

/// One deployment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usdc {
    /// The chain.
    pub network: Network,
    /// The contract.
    pub address: Address,
    /// EIP-712 domain name, which is not the same everywhere.
    pub name: &'static str,
    /// EIP-712 domain version.
    pub version: &'static str,
}

const fn usdc(network: Network, address: Address, name: &'static str) -> Usdc {
    Usdc { network, address, name, version: "2" }
}

/// All of them.
pub const USDC: &[Usdc] = &[
    usdc(Network::BASE, address!("833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"), "USD Coin"),
    usdc(Network::BASE_SEPOLIA, address!("036CbD53842c5426634e7929541eC2318f3dCF7e"), "USDC"),
    usdc(Network::POLYGON, address!("3c499c542cEF5E3811e1192ce70d8cC03d5c3359"), "USD Coin"),
    usdc(Network::POLYGON_AMOY, address!("41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582"), "USDC"),
    usdc(Network::ARBITRUM, address!("af88d065e77c8cC2239327C5EDb3A432268e5831"), "USD Coin"),
    usdc(Network::ARBITRUM_SEPOLIA, address!("75faf114eafb1BDbe2F0316DF893fd58CE46AA4d"), "USD Coin"),
    usdc(Network::AVALANCHE, address!("B97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E"), "USD Coin"),
    usdc(Network::AVALANCHE_FUJI, address!("5425890298aed601595a70AB815c96711a31Bc65"), "USD Coin"),
];

/// The deployment on `network`.
pub fn on(network: Network) -> Option<&'static Usdc> {
    USDC.iter().find(|usdc| usdc.network == network)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_network_stands_once_with_a_contract_of_its_own() {
        let networks: BTreeSet<Network> = USDC.iter().map(|usdc| usdc.network).collect();
        let contracts: BTreeSet<Address> = USDC.iter().map(|usdc| usdc.address).collect();
        assert_eq!((networks.len(), contracts.len()), (USDC.len(), USDC.len()));
        assert_eq!(on(Network::POLYGON).map(|usdc| usdc.name), Some("USD Coin"));
        assert_eq!(Network::new(1).and_then(on), None);
    }
}
