//! The challenge statement (SPEC 3.3): live possession of the attested keys, bound to the caller's nonce and a recent block.

use alloy_primitives::B256;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, lp};
use crate::encoding::hex_array;
use crate::tags;

/// What `identity` signed for one caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Challenge {
    /// The caller's nonce.
    #[serde(with = "hex_array")]
    pub nonce: [u8; 32],
    /// Guest time, Unix seconds.
    pub issued_at: u64,
    /// A recent block of the payment chain.
    pub block: Block,
    /// Ed25519 over [`statement`].
    #[serde(with = "hex_array")]
    pub signature: [u8; 64],
}

/// A block of the payment chain: a lower bound on time that the host's clock is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// CAIP-2 network.
    pub network: String,
    /// Height.
    pub number: u64,
    /// Block hash.
    #[serde(with = "crate::encoding::prefixed_hex")]
    pub hash: B256,
}

/// The signed bytes. `None` only for a network name over 4 GiB.
pub fn statement(nonce: &[u8; 32], keyset: &Digest, issued_at: u64, block: &Block) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(192);
    out.extend_from_slice(tags::CHALLENGE.as_bytes());
    out.push(0);
    out.extend_from_slice(nonce);
    out.extend_from_slice(keyset.as_bytes());
    out.extend_from_slice(&issued_at.to_be_bytes());
    out.extend_from_slice(&lp(block.network.as_bytes())?);
    out.extend_from_slice(&block.number.to_be_bytes());
    out.extend_from_slice(block.hash.as_slice());
    Some(out)
}

impl Challenge {
    /// Signs a challenge. `None` only for a network name over 4 GiB.
    pub fn sign(key: &SigningKey, nonce: [u8; 32], keyset: &Digest, issued_at: u64, block: Block) -> Option<Self> {
        let signature = key.sign(&statement(&nonce, keyset, issued_at, &block)?).to_bytes();
        Some(Self { nonce, issued_at, block, signature })
    }

    /// Whether the signature is `identity`'s over this challenge and keyset (strict Ed25519: no small-order keys, canonical s).
    pub fn verify(&self, identity: &[u8; 32], keyset: &Digest) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(identity) else { return false };
        let Some(message) = statement(&self.nonce, keyset, self.issued_at, &self.block) else { return false };
        key.verify_strict(&message, &Signature::from_bytes(&self.signature)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_challenge_verifies_only_as_it_was_signed() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let identity = key.verifying_key().to_bytes();
        let keyset = Digest::of(b"keyset");
        let block = Block { network: "eip155:31337".into(), number: 9, hash: B256::repeat_byte(3) };
        let good = Challenge::sign(&key, [1; 32], &keyset, 1_790_000_000, block).unwrap();
        assert!(good.verify(&identity, &keyset));
        assert!(!good.verify(&identity, &Digest::of(b"other")));
        assert!(!good.verify(&[0; 32], &keyset));
        let mut changed = good.clone();
        changed.nonce[0] ^= 1;
        assert!(!changed.verify(&identity, &keyset));
        changed = good.clone();
        changed.issued_at += 1;
        assert!(!changed.verify(&identity, &keyset));
        changed = good.clone();
        changed.block.network.push('0');
        assert!(!changed.verify(&identity, &keyset));
        changed = good.clone();
        changed.block.number += 1;
        assert!(!changed.verify(&identity, &keyset));
        changed = good;
        changed.signature[63] ^= 1;
        assert!(!changed.verify(&identity, &keyset));
    }
}
