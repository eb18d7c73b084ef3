//! Transfers that this service orders from its own wallet: refunds and sweeps.
//!
//! They are EIP-3009 authorizations like a payer's, settled like any other payment. The token's nonce makes each happen
//! at most once, however often it is tried, whoever sends it.

use alloy_primitives::Bytes;
use k256::ecdsa::SigningKey;
use serde_json::Map;

use crate::{
    authorize::{MAX_TIMEOUT_SECONDS, address_of, sign_hash},
    exact::{Authorized, SignatureKind, TokenDomain, Transfer, verify_claimed},
    wire::{
        Authorization, EXTRA_METHOD, EXTRA_NAME, EXTRA_VERSION, ExactPayload, METHOD_EIP3009, PaymentPayload,
        PaymentRequirements, SCHEME_EXACT, Version2,
    },
};

/// Orders `transfer` with `key`, for the token whose EIP-712 domain is `domain`.
///
/// The result is the same each time for the same transfer, and its [`Authorized::verified_at`] is zero, so that the whole
/// history that can be searched counts when its outcome is looked for. `None` if `key` is not the key of `transfer.from`,
/// or did not sign.
pub fn sign(key: &SigningKey, domain: &TokenDomain, transfer: Transfer) -> Option<Authorized> {
    sign_since(key, domain, transfer, 0)
}

/// The same for a transfer that cannot have been carried out before the Unix time `since`, where the search for it ends.
pub fn sign_since(key: &SigningKey, domain: &TokenDomain, transfer: Transfer, since: u64) -> Option<Authorized> {
    if transfer.from != address_of(key) {
        return None;
    }
    let Transfer { network, asset, from, to, value, valid_after, valid_before, nonce } = transfer;
    let lifetime = u64::try_from(valid_before.saturating_sub(valid_after)).unwrap_or(u64::MAX);
    let accepted = PaymentRequirements {
        scheme: SCHEME_EXACT.to_owned(),
        network,
        amount: value,
        asset,
        pay_to: to,
        max_timeout_seconds: lifetime.min(MAX_TIMEOUT_SECONDS),
        extra: Map::new(),
        other: Map::new(),
    }
    .with_extra(EXTRA_NAME, &domain.name)
    .with_extra(EXTRA_VERSION, &domain.version)
    .with_extra(EXTRA_METHOD, METHOD_EIP3009);
    let signature = sign_hash(key, transfer.signing_hash(domain))?;
    let payload = PaymentPayload {
        x402_version: Version2,
        resource: None,
        accepted,
        payload: ExactPayload {
            signature: Bytes::copy_from_slice(&signature.as_bytes()),
            authorization: Authorization { from, to, value, valid_after, valid_before, nonce },
        },
        extensions: None,
    };
    let authorized = verify_claimed(&payload, network, asset, domain, since).ok()?;
    (authorized.signature_kind() == SignatureKind::Key).then_some(authorized)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use alloy_primitives::{Address, B256, U256};

    use super::*;
    use crate::{AtomicUnits, exact::fixtures, exact::verify_offline};

    fn transfer() -> Transfer {
        let fixture = fixtures::payload();
        Transfer {
            to: Address::repeat_byte(0x44),
            value: AtomicUnits::from(77),
            nonce: B256::repeat_byte(9),
            ..Transfer::new(fixture.accepted.network, fixture.accepted.asset, &fixture.payload.authorization)
        }
    }

    fn domain() -> TokenDomain {
        TokenDomain::announced(&fixtures::required()).unwrap()
    }

    #[test]
    fn an_own_transfer_is_a_payment_of_exactly_that_transfer() {
        let own = sign(&fixtures::key(), &domain(), transfer()).unwrap();
        assert_eq!(own.transfer(), &transfer());
        assert_eq!((own.signature_kind(), own.verified_at()), (SignatureKind::Key, 0));
        assert_eq!(sign(&fixtures::key(), &domain(), transfer()), Some(own.clone()), "the same each time");
        let seen = verify_offline(own.payload(), own.requirements(), fixtures::NOW, 1).unwrap();
        assert_eq!(seen.transfer(), own.transfer(), "its requirements are those that it fulfils");
    }

    #[test]
    fn a_transfer_from_another_account_is_not_ordered() {
        let other = Transfer { from: Address::repeat_byte(1), ..transfer() };
        assert_eq!(sign(&fixtures::key(), &domain(), other), None);
    }

    #[test]
    fn a_transfer_without_end_is_ordered_too() {
        let endless = Transfer { valid_after: U256::ZERO, valid_before: U256::MAX, ..transfer() };
        let own = sign(&fixtures::key(), &domain(), endless).unwrap();
        assert_eq!(own.requirements().max_timeout_seconds, MAX_TIMEOUT_SECONDS);
    }
}
