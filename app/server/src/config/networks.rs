//! Networks whose token and node need not be configured: where USDC is known, a public node of each.

use precis_payment::Network;
use precis_payment::usdc::{self, Usdc};

/// Defaults of a network.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The token.
    pub usdc: &'static Usdc,
    /// A public node.
    pub rpc_url: &'static str,
}

const NODES: &[(Network, &str)] = &[
    (Network::BASE, "https://mainnet.base.org"),
    (Network::BASE_SEPOLIA, "https://sepolia.base.org"),
    (Network::POLYGON, "https://polygon-rpc.com"),
    (Network::POLYGON_AMOY, "https://rpc-amoy.polygon.technology"),
    (Network::ARBITRUM, "https://arb1.arbitrum.io/rpc"),
    (Network::ARBITRUM_SEPOLIA, "https://sepolia-rollup.arbitrum.io/rpc"),
    (Network::AVALANCHE, "https://api.avax.network/ext/bc/C/rpc"),
    (Network::AVALANCHE_FUJI, "https://api.avax-test.network/ext/bc/C/rpc"),
];

/// Defaults of `network`, if it is known.
pub fn known(network: Network) -> Option<Known> {
    let (_, rpc_url) = NODES.iter().find(|(other, _)| *other == network)?;
    Some(Known { usdc: usdc::on(network)?, rpc_url })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_with_known_usdc_has_a_public_node_without_a_key() {
        for usdc in usdc::USDC {
            let known = known(usdc.network);
            let url = known.map_or("", |known| known.rpc_url);
            assert!(url.starts_with("https://") && !url.contains(['?', '@']), "{}", usdc.network);
        }
        assert_eq!(NODES.len(), usdc::USDC.len());
    }
}
