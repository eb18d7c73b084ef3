//! The payer's side: which requirements can be paid, and the signing of one authorization.
//!
//! Nothing here decides whether a price is right; the caller does, before it signs.

use alloy_primitives::{Address, B256, Bytes, U256};
use k256::ecdsa::SigningKey;

use crate::{
    exact::{TokenDomain, Transfer},
    wire::{
        Authorization, EXTRA_FLOW, EXTRA_METHOD, ExactPayload, FLOW_AUTHORIZATION, FLOW_UPFRONT, METHOD_EIP3009,
        PaymentPayload, PaymentRequirements, ResourceInfo, SCHEME_EXACT, Version2,
    },
};

/// Longest life of an authorization that is signed: one day, in seconds. A server that asks for more could hold a
/// signed payment back for as long.
pub const MAX_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;

/// Requirements that are not signed. The caller picks another entry or another server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unpayable {
    /// Another scheme than `exact`.
    #[error("the quote asks for another scheme than exact")]
    Scheme,
    /// Another transfer method than EIP-3009.
    #[error("the quote asks for another transfer method than eip3009")]
    Method,
    /// An order of payment that is not known.
    #[error("the quote asks for an unknown payment flow")]
    Flow,
    /// The token's EIP-712 domain is missing.
    #[error("the quote lacks the token's EIP-712 name or version")]
    NoDomain,
    /// The authorization would live longer than [`MAX_TIMEOUT_SECONDS`], or not at all.
    #[error("the quote asks for an authorization that is valid for more than a day, or not at all")]
    Timeout,
    /// The key did not sign. Does not happen with a valid key.
    #[error("the authorization could not be signed")]
    Signing,
}

/// Whether [`authorize`] can pay these requirements.
pub fn payable(required: &PaymentRequirements) -> Result<(), Unpayable> {
    if required.scheme != SCHEME_EXACT {
        return Err(Unpayable::Scheme);
    }
    let is = |key: &str, known: &[&str]| match required.extra.get(key) {
        None => true,
        Some(value) => value.as_str().is_some_and(|value| known.contains(&value)),
    };
    if !is(EXTRA_METHOD, &[METHOD_EIP3009]) {
        return Err(Unpayable::Method);
    }
    if !is(EXTRA_FLOW, &[FLOW_AUTHORIZATION, FLOW_UPFRONT]) {
        return Err(Unpayable::Flow);
    }
    if TokenDomain::announced(required).is_none() {
        return Err(Unpayable::NoDomain);
    }
    if required.max_timeout_seconds == 0 || required.max_timeout_seconds > MAX_TIMEOUT_SECONDS {
        return Err(Unpayable::Timeout);
    }
    Ok(())
}

/// Signs an authorization for exactly `required`, usable from now (Unix seconds) for its timeout.
///
/// `nonce` is 32 random bytes or a commitment to the request (SPEC 6.3); the same nonce never pays twice. The quote's
/// extensions are not covered by the signature: the caller echoes them into [`PaymentPayload::extensions`].
pub fn authorize(
    key: &SigningKey,
    required: &PaymentRequirements,
    resource: Option<ResourceInfo>,
    now: u64,
    nonce: [u8; 32],
) -> Result<PaymentPayload, Unpayable> {
    payable(required)?;
    let domain = TokenDomain::announced(required).ok_or(Unpayable::NoDomain)?;
    let authorization = Authorization {
        from: address_of(key),
        to: required.pay_to,
        value: required.amount,
        valid_after: U256::ZERO,
        valid_before: U256::from(now.saturating_add(required.max_timeout_seconds)),
        nonce: B256::from(nonce),
    };
    let hash = Transfer::new(required.network, required.asset, &authorization).signing_hash(&domain);
    let signature = sign_hash(key, hash).ok_or(Unpayable::Signing)?.as_bytes();
    Ok(PaymentPayload {
        x402_version: Version2,
        resource,
        accepted: required.clone(),
        payload: ExactPayload { signature: Bytes::copy_from_slice(&signature), authorization },
        extensions: None,
    })
}

/// The account of a key.
pub fn address_of(key: &SigningKey) -> Address {
    Address::from_public_key(key.verifying_key())
}

/// Signs a 32-byte digest: low s, deterministic (RFC 6979).
pub(crate) fn sign_hash(key: &SigningKey, hash: B256) -> Option<alloy_primitives::Signature> {
    key.sign_prehash_recoverable(hash.as_slice()).ok().map(alloy_primitives::Signature::from)
}
