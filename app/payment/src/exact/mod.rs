//! The scheme `exact` with EIP-3009: what a payer signs, and the check of a payment without a chain.
//!
//! [`Transfer`] is the authorization as the token sees it, [`TokenDomain`] the token's EIP-712 domain, and
//! [`verify_offline`] the only way to an [`Authorized`] payment.

mod invalid;
mod signature;
mod verify;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Eip712Domain, SolStruct, sol};

pub use invalid::Invalid;
#[cfg(feature = "settle")]
pub(crate) use signature::split as split_signature;
pub use signature::{
    EIP6492_SUFFIX, EOA_SIGNATURE_BYTES, MAX_SIGNATURE_BYTES, MAX_WRAPPED_BYTES, SignatureKind, is_wrapped,
};
pub use verify::{Authorized, differing, verify_claimed, verify_offline};

use crate::{
    AtomicUnits, Network,
    wire::{Authorization, EXTRA_NAME, EXTRA_VERSION, PaymentRequirements},
};

mod typed {
    #![allow(missing_docs)]
    use super::sol;

    sol! {
        /// EIP-3009, "Typehash".
        struct TransferWithAuthorization {
            address from;
            address to;
            uint256 value;
            uint256 validAfter;
            uint256 validBefore;
            bytes32 nonce;
        }
    }
}

/// An EIP-3009 transfer: everything that identifies one authorization and what it moves. A ledger that stores this
/// can reconcile it with the chain after a restart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// The chain.
    pub network: Network,
    /// The token contract.
    pub asset: Address,
    /// The payer.
    pub from: Address,
    /// The payee.
    pub to: Address,
    /// The amount.
    pub value: AtomicUnits,
    /// Not usable up to and including this Unix second.
    pub valid_after: U256,
    /// Not usable from this Unix second on.
    pub valid_before: U256,
    /// Unique per payer and token.
    pub nonce: B256,
}

impl Transfer {
    /// The transfer that `authorization` orders from the token `asset` on `network`.
    pub const fn new(network: Network, asset: Address, authorization: &Authorization) -> Self {
        Self {
            network,
            asset,
            from: authorization.from,
            to: authorization.to,
            value: authorization.value,
            valid_after: authorization.valid_after,
            valid_before: authorization.valid_before,
            nonce: authorization.nonce,
        }
    }

    /// What the payer signs: the EIP-712 digest under the token's domain.
    pub fn signing_hash(&self, domain: &TokenDomain) -> B256 {
        let message = typed::TransferWithAuthorization {
            from: self.from,
            to: self.to,
            value: self.value.get(),
            validAfter: self.valid_after,
            validBefore: self.valid_before,
            nonce: self.nonce,
        };
        message.eip712_signing_hash(&domain.eip712(self.network, self.asset))
    }
}

/// Name and version of a token's EIP-712 domain: for USDC on Base `USD Coin` and `2`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenDomain {
    /// Domain name.
    pub name: String,
    /// Domain version.
    pub version: String,
}

impl TokenDomain {
    /// The domain that requirements announce in `extra`; `None` if either text is missing.
    pub fn announced(requirements: &PaymentRequirements) -> Option<Self> {
        let name = requirements.extra_text(EXTRA_NAME)?.to_owned();
        let version = requirements.extra_text(EXTRA_VERSION)?.to_owned();
        Some(Self { name, version })
    }

    /// The domain separator that the token at `asset` on `network` must answer.
    pub fn separator(&self, network: Network, asset: Address) -> B256 {
        self.eip712(network, asset).separator()
    }

    fn eip712(&self, network: Network, asset: Address) -> Eip712Domain {
        Eip712Domain {
            name: Some(self.name.clone().into()),
            version: Some(self.version.clone().into()),
            chain_id: Some(U256::from(network.chain_id())),
            verifying_contract: Some(asset),
            salt: None,
        }
    }
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
