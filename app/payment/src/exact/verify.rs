//! The check of a payment that needs no chain: [`verify_offline`].

use alloy_primitives::{Address, B256, U256};
use serde_json::{Map, Value};

use super::{Invalid, SignatureKind, TokenDomain, Transfer, signature};
use crate::Network;
use crate::wire::{
    EXTRA_FLOW, EXTRA_METHOD, EXTRA_REQUEST_DIGEST, FLOW_AUTHORIZATION, METHOD_EIP3009, PaymentPayload,
    PaymentRequirements, SCHEME_EXACT,
};

/// A payment that was checked against the server's own requirements: now, by [`verify_offline`], or when it was claimed,
/// and [`verify_claimed`] found it to be that payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authorized {
    payload: PaymentPayload,
    requirements: PaymentRequirements,
    transfer: Transfer,
    signature_kind: SignatureKind,
    wrapped: bool,
    verified_at: u64,
}

impl Authorized {
    /// What is moved if this settles.
    pub const fn transfer(&self) -> &Transfer {
        &self.transfer
    }

    /// Who pays.
    pub const fn payer(&self) -> Address {
        self.transfer.from
    }

    /// Whether the signature is proven or only the chain can tell.
    pub const fn signature_kind(&self) -> SignatureKind {
        self.signature_kind
    }

    /// Whether the signature came in an EIP-6492 wrapper, which is gone by now.
    pub const fn was_wrapped(&self) -> bool {
        self.wrapped
    }

    /// When it was checked against a quote, Unix seconds of the caller's clock; for one that was claimed before, when that was.
    /// Nothing can have happened to it long before.
    pub const fn verified_at(&self) -> u64 {
        self.verified_at
    }

    /// The payment as the client sent it, but for an EIP-6492 wrapper: its signature is the one that the token is given.
    pub const fn payload(&self) -> &PaymentPayload {
        &self.payload
    }

    /// The requirements to give to a facilitator.
    pub const fn requirements(&self) -> &PaymentRequirements {
        &self.requirements
    }
}

/// Checks `payload` against `required`, the requirements that the server computed itself for the request at hand.
///
/// `now` is in Unix seconds; the authorization must still be usable `min_remaining` seconds later (work and
/// settlement). A signature that is not the payer's own key's passes as [`SignatureKind::Contract`] and must be checked
/// on chain, as both facilitators do.
///
/// # Errors
/// The first thing that is wrong, from the outside in: what was accepted, what was authorized, when, by whom.
pub fn verify_offline(
    payload: &PaymentPayload,
    required: &PaymentRequirements,
    now: u64,
    min_remaining: u64,
) -> Result<Authorized, Invalid> {
    let accepted = &payload.accepted;
    if required.scheme != SCHEME_EXACT || accepted.scheme != required.scheme {
        return Err(Invalid::Scheme);
    }
    if accepted.network != required.network {
        return Err(Invalid::Network);
    }
    let same_terms = accepted.amount == required.amount
        && accepted.asset == required.asset
        && accepted.pay_to == required.pay_to
        && accepted.max_timeout_seconds == required.max_timeout_seconds;
    if !same_terms {
        return Err(Invalid::Requirements);
    }
    check_extra(&accepted.extra, &required.extra)?;
    let domain = TokenDomain::announced(required).ok_or(Invalid::NoDomain)?;

    let authorization = &payload.payload.authorization;
    let transfer = Transfer::new(required.network, required.asset, authorization);
    if transfer.to != required.pay_to {
        return Err(Invalid::Recipient);
    }
    if transfer.value != required.amount {
        return Err(Invalid::Value);
    }
    if transfer.valid_after > U256::from(now) {
        return Err(Invalid::NotYetValid);
    }
    if transfer.valid_before < U256::from(now.saturating_add(min_remaining)) || transfer.valid_before <= U256::from(now)
    {
        return Err(Invalid::ExpiresTooSoon);
    }
    let hash = transfer.signing_hash(&domain);
    let (wrapped, payload, signature_kind) = signed(payload, hash, transfer.from)?;
    Ok(Authorized { payload, requirements: required.clone(), transfer, signature_kind, wrapped, verified_at: now })
}

/// Checks a payment that was claimed before, at the Unix time `claimed_at`: that it is on `network` and `asset`, and signed by its payer. The terms and
/// the time were checked when it was claimed, so an authorization that has expired since still passes; so does a
/// signature that only the chain can judge ([`SignatureKind::Contract`]), which this does not ask again.
///
/// # Errors
/// [`Invalid::Scheme`], [`Invalid::Network`], [`Invalid::Requirements`] for another asset or for terms that are not those
/// of the authorization, or [`Invalid::Signature`].
pub fn verify_claimed(
    payload: &PaymentPayload,
    network: Network,
    asset: Address,
    domain: &TokenDomain,
    claimed_at: u64,
) -> Result<Authorized, Invalid> {
    let accepted = &payload.accepted;
    if accepted.scheme != SCHEME_EXACT {
        return Err(Invalid::Scheme);
    }
    if accepted.network != network {
        return Err(Invalid::Network);
    }
    if accepted.asset != asset {
        return Err(Invalid::Requirements);
    }
    let transfer = Transfer::new(network, asset, &payload.payload.authorization);
    if accepted.pay_to != transfer.to || accepted.amount != transfer.value {
        return Err(Invalid::Requirements);
    }
    let hash = transfer.signing_hash(domain);
    let (wrapped, payload, signature_kind) = signed(payload, hash, transfer.from)?;
    let requirements = accepted.clone();
    Ok(Authorized { payload, requirements, transfer, signature_kind, wrapped, verified_at: claimed_at })
}

/// Whether the signature is wrapped, the payment with the signature that the token is given, and who can tell whether that
/// is good.
fn signed(
    payload: &PaymentPayload,
    hash: B256,
    payer: Address,
) -> Result<(bool, PaymentPayload, SignatureKind), Invalid> {
    let inner = signature::unwrapped(&payload.payload.signature)?;
    let kind = signature::check(&inner, hash, payer)?;
    let wrapped = inner != payload.payload.signature;
    let mut payload = payload.clone();
    payload.payload.signature = inner;
    Ok((wrapped, payload, kind))
}

/// The first member of `accepted` that differs from what was quoted, by its path in the payment.
pub fn differing(accepted: &PaymentRequirements, required: &PaymentRequirements) -> &'static str {
    if accepted.scheme != required.scheme {
        "accepted.scheme"
    } else if accepted.network != required.network {
        "accepted.network"
    } else if accepted.amount != required.amount {
        "accepted.amount"
    } else if accepted.asset != required.asset {
        "accepted.asset"
    } else if accepted.pay_to != required.pay_to {
        "accepted.payTo"
    } else if required.extra.iter().any(|(key, value)| accepted.extra.get(key) != Some(value)) {
        "accepted.extra"
    } else if accepted.max_timeout_seconds != required.max_timeout_seconds {
        "accepted.maxTimeoutSeconds"
    } else {
        // Another way or order to pay was added.
        "accepted.extra"
    }
}

/// Everything that was quoted is echoed unchanged. More may be there (the SDKs compare so), except another way or order
/// to pay than the one quoted.
fn check_extra(accepted: &Map<String, Value>, required: &Map<String, Value>) -> Result<(), Invalid> {
    if accepted.get(EXTRA_REQUEST_DIGEST) != required.get(EXTRA_REQUEST_DIGEST) {
        return Err(Invalid::OtherRequest);
    }
    if required.iter().any(|(key, value)| accepted.get(key) != Some(value)) {
        return Err(Invalid::Requirements);
    }
    let added = |key: &str, default: &str| {
        !required.contains_key(key) && accepted.get(key).is_some_and(|value| value.as_str() != Some(default))
    };
    if added(EXTRA_METHOD, METHOD_EIP3009) || added(EXTRA_FLOW, FLOW_AUTHORIZATION) {
        return Err(Invalid::Requirements);
    }
    Ok(())
}
