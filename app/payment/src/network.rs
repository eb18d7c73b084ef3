//! The chain a payment happens on, as CAIP-2 writes it: `eip155:<chain id>`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The CAIP-2 namespace of EVM chains, with its colon.
pub const EIP155_PREFIX: &str = "eip155:";

/// An EVM chain by its EIP-155 id. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Network(u64);

impl Network {
    /// Base (`eip155:8453`).
    pub const BASE: Self = Self(8453);
    /// Base Sepolia (`eip155:84532`).
    pub const BASE_SEPOLIA: Self = Self(84_532);
    /// Polygon PoS (`eip155:137`).
    pub const POLYGON: Self = Self(137);
    /// Polygon Amoy (`eip155:80002`).
    pub const POLYGON_AMOY: Self = Self(80_002);
    /// Arbitrum One (`eip155:42161`).
    pub const ARBITRUM: Self = Self(42_161);
    /// Arbitrum Sepolia (`eip155:421614`).
    pub const ARBITRUM_SEPOLIA: Self = Self(421_614);
    /// Avalanche C-Chain (`eip155:43114`).
    pub const AVALANCHE: Self = Self(43_114);
    /// Avalanche Fuji C-Chain (`eip155:43113`).
    pub const AVALANCHE_FUJI: Self = Self(43_113);

    /// The chain with this id, or `None` for zero.
    pub const fn new(chain_id: u64) -> Option<Self> {
        if chain_id == 0 { None } else { Some(Self(chain_id)) }
    }

    /// The EIP-155 chain id.
    pub const fn chain_id(self) -> u64 {
        self.0
    }
}

/// The text is not `eip155:` and a chain id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a network is written eip155:<chain id>, for example eip155:8453")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let id = text.strip_prefix(EIP155_PREFIX).ok_or(NotANetwork)?;
        let canonical = id.bytes().all(|byte| byte.is_ascii_digit()) && !id.starts_with('0');
        if !canonical {
            return Err(NotANetwork);
        }
        id.parse().ok().and_then(Self::new).ok_or(NotANetwork)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{EIP155_PREFIX}{}", self.0)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn networks_are_canonical_caip_2() {
        assert_eq!("eip155:8453".parse(), Ok(Network::BASE));
        assert_eq!(Network::BASE_SEPOLIA.to_string(), "eip155:84532");
        for bad in
            ["base", "eip155:", "eip155:0", "eip155:08453", "EIP155:1", "eip155:-1", "eip155:1 ", "solana:5eykt4"]
        {
            assert_eq!(bad.parse::<Network>(), Err(NotANetwork), "{bad}");
        }
        assert_eq!("eip155:18446744073709551616".parse::<Network>(), Err(NotANetwork));
    }
}
