//! The x402 extension `offer-receipt` (`extension-offer-and-receipt.md` 0.6) in its form EIP-712: terms and payments that the
//! server signs (SPEC 6.6).
//!
//! Payload members are the texts as they travel: the signature covers them as text, so that nothing is reconstructed.
//! What is signed binds neither request nor response; the receipt that does is SPEC 7.

mod brief;
mod extension;

use alloy_primitives::{Address, B256, FixedBytes, Signature, U256};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain, sol};
use k256::ecdsa::SigningKey;
use serde::{Deserialize, Serialize};

pub use brief::brief;
pub use extension::{EXTENSION, Unreadable, offers_in, receipt_in, with_offers, with_receipt};

use crate::{Network, authorize::sign_hash, wire::PaymentRequirements};

/// The one version of both payloads (section 4.2 and 5.2).
pub const PAYLOAD_VERSION: u64 = 1;

mod typed {
    #![allow(missing_docs)]
    use super::sol;

    sol! {
        /// Section 4.3.
        struct Offer {
            uint256 version;
            string resourceUrl;
            string scheme;
            string network;
            string asset;
            string payTo;
            string amount;
            uint256 validUntil;
        }

        /// Section 5.3.
        struct Receipt {
            uint256 version;
            string network;
            string resourceUrl;
            string payer;
            uint256 issuedAt;
            string transaction;
        }
    }
}

/// What the server asks for a resource (section 4.2).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Offer {
    /// [`PAYLOAD_VERSION`].
    pub version: u64,
    /// The resource that is paid for.
    pub resource_url: String,
    /// Scheme.
    pub scheme: String,
    /// CAIP-2 network.
    pub network: String,
    /// Token contract.
    pub asset: String,
    /// Payee.
    pub pay_to: String,
    /// Atomic units.
    pub amount: String,
    /// Unix seconds after which the terms may be others; zero says nothing.
    #[serde(default)]
    pub valid_until: u64,
}

impl Offer {
    /// The offer of `required` for the resource at `url`.
    pub fn new(url: &str, required: &PaymentRequirements, valid_until: u64) -> Self {
        Self {
            version: PAYLOAD_VERSION,
            resource_url: url.to_owned(),
            scheme: required.scheme.clone(),
            network: required.network.to_string(),
            asset: required.asset.to_checksum(None),
            pay_to: required.pay_to.to_checksum(None),
            amount: required.amount.to_string(),
            valid_until,
        }
    }

    /// Whether it offers exactly `required` for the resource at `url`, for however long.
    pub fn is_for(&self, url: &str, required: &PaymentRequirements) -> bool {
        *self == Self::new(url, required, self.valid_until)
    }
}

/// That a payer paid for a resource and was served (section 5.2).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Receipt {
    /// [`PAYLOAD_VERSION`].
    pub version: u64,
    /// CAIP-2 network.
    pub network: String,
    /// The resource that was paid for.
    pub resource_url: String,
    /// Who paid.
    pub payer: String,
    /// Unix seconds.
    pub issued_at: u64,
    /// Settlement transaction; the empty text says nothing.
    #[serde(default)]
    pub transaction: String,
}

impl Receipt {
    /// The receipt for what `payer` paid in `transaction` for the resource at `url`.
    pub fn new(url: &str, network: Network, payer: Address, transaction: B256, issued_at: u64) -> Self {
        Self {
            version: PAYLOAD_VERSION,
            network: network.to_string(),
            resource_url: url.to_owned(),
            payer: payer.to_checksum(None),
            issued_at,
            transaction: transaction.to_string(),
        }
    }
}

/// What can be signed: each kind has a domain of its own, so that one is never taken for the other (section 3.2).
pub trait Payload {
    /// The payload's version.
    fn version(&self) -> u64;
    /// The EIP-712 digest that is signed.
    fn signing_hash(&self) -> B256;
}

impl Payload for Offer {
    fn version(&self) -> u64 {
        self.version
    }

    fn signing_hash(&self) -> B256 {
        let message = typed::Offer {
            version: U256::from(self.version),
            resourceUrl: self.resource_url.clone(),
            scheme: self.scheme.clone(),
            network: self.network.clone(),
            asset: self.asset.clone(),
            payTo: self.pay_to.clone(),
            amount: self.amount.clone(),
            validUntil: U256::from(self.valid_until),
        };
        message.eip712_signing_hash(&domain("x402 offer"))
    }
}

impl Payload for Receipt {
    fn version(&self) -> u64 {
        self.version
    }

    fn signing_hash(&self) -> B256 {
        let message = typed::Receipt {
            version: U256::from(self.version),
            network: self.network.clone(),
            resourceUrl: self.resource_url.clone(),
            payer: self.payer.clone(),
            issuedAt: U256::from(self.issued_at),
            transaction: self.transaction.clone(),
        };
        message.eip712_signing_hash(&domain("x402 receipt"))
    }
}

/// The chain id is 1 whatever the network: the payload names the network (section 3.2).
fn domain(name: &'static str) -> Eip712Domain {
    eip712_domain! { name: name, version: "1", chain_id: 1, }
}

/// How an artifact is signed. Only EIP-712 is spoken here; JWS does not parse.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// EIP-712 typed data.
    Eip712,
}

/// A payload with its signature (section 3.1).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Signed<T> {
    /// How it is signed.
    pub format: Format,
    /// Which entry of `accepts` an offer is of: a hint that nobody signed (section 4.1.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_index: Option<u32>,
    /// What is signed.
    pub payload: T,
    /// r ‖ s ‖ v, `0x` hex.
    pub signature: FixedBytes<65>,
}

/// Why the signer of an artifact cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverifiable {
    /// Another version, whose typed data is not known.
    #[error("has another version than 1")]
    Version,
    /// v is not 27 or 28, or s is in the upper half of the order: one artifact has one signature.
    #[error("has a signature that is not in its one canonical form")]
    Malleable,
    /// No key recovers.
    #[error("has a signature that recovers to no key")]
    Unrecoverable,
}

impl<T: Payload> Signed<T> {
    /// Signs: low s, v 27 or 28, deterministic (RFC 6979). `None` only if the key cannot sign, which no valid key does.
    pub fn sign(payload: T, key: &SigningKey) -> Option<Self> {
        let signature = sign_hash(key, payload.signing_hash())?.normalized_s().as_bytes();
        Some(Self { format: Format::Eip712, accept_index: None, payload, signature: signature.into() })
    }

    /// The address the signature recovers to. Whether that address may sign for the resource is the caller's to know
    /// (section 4.5.1).
    ///
    /// # Errors
    /// [`Unverifiable`] on another version and on a malleable or unrecoverable signature.
    pub fn signer(&self) -> Result<Address, Unverifiable> {
        if self.payload.version() != PAYLOAD_VERSION {
            return Err(Unverifiable::Version);
        }
        let [rs @ .., v] = &self.signature.0;
        let odd_y = match v {
            27 => false,
            28 => true,
            _ => return Err(Unverifiable::Malleable),
        };
        let signature = Signature::from_bytes_and_parity(rs, odd_y);
        if signature.normalize_s().is_some() {
            return Err(Unverifiable::Malleable);
        }
        match signature.recover_address_from_prehash(&self.payload.signing_hash()) {
            Ok(address) if address != Address::ZERO => Ok(address),
            _ => Err(Unverifiable::Unrecoverable),
        }
    }
}

#[cfg(test)]
mod tests;
