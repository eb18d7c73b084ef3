//! Networks whose token and node need not be configured.

use alloy_primitives::{Address, address};
use precis_payment::Network;

/// Defaults of a network.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its CAIP-2 name.
    pub network: Network,
    /// Its native USDC, which has EIP-3009.
    pub asset: Address,
    /// EIP-712 name of the token.
    pub asset_name: &'static str,
    /// EIP-712 version of the token.
    pub asset_version: &'static str,
    /// A public node.
    pub rpc_url: &'static str,
}

const ALL: &[Known] = &[
    Known {
        network: Network::BASE,
        asset: address!("833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"),
        asset_name: "USD Coin",
        asset_version: "2",
        rpc_url: "https://mainnet.base.org",
    },
    Known {
        network: Network::BASE_SEPOLIA,
        asset: address!("036CbD53842c5426634e7929541eC2318f3dCF7e"),
        asset_name: "USDC",
        asset_version: "2",
        rpc_url: "https://sepolia.base.org",
    },
];

/// Defaults of `network`, if it is known.
pub fn known(network: Network) -> Option<&'static Known> {
    ALL.iter().find(|known| known.network == network)
}
