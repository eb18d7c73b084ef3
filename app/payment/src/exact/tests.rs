#![allow(clippy::unwrap_used)]
use alloy_primitives::{Address, B256, Bytes, U256, address, b256};
use alloy_sol_types::SolValue as _;
use serde_json::Value;

use super::fixtures::{NOW, key, nonce, payload, required};
use super::*;
use crate::authorize::{Unpayable, address_of, authorize, payable};
use crate::wire::*;

/// Seconds that the fixtures must still live.
const REMAINING: u64 = 30;

fn outcome(payload: &PaymentPayload) -> Result<Authorized, Invalid> {
    verify_offline(payload, &required(), NOW, REMAINING)
}

/// The payload after `spoil` changed the authorization and the payer signed that.
fn resigned(spoil: impl FnOnce(&mut Authorization)) -> PaymentPayload {
    let mut payload = payload();
    spoil(&mut payload.payload.authorization);
    let domain = TokenDomain::announced(&required()).unwrap();
    let transfer = Transfer::new(required().network, required().asset, &payload.payload.authorization);
    let signature = crate::authorize::sign_hash(&key(), transfer.signing_hash(&domain)).unwrap();
    payload.payload.signature = Bytes::copy_from_slice(&signature.as_bytes());
    payload
}

fn with_signature(change: impl FnOnce(&mut Vec<u8>)) -> PaymentPayload {
    let mut payload = payload();
    let mut bytes = payload.payload.signature.to_vec();
    change(&mut bytes);
    payload.payload.signature = bytes.into();
    payload
}

// Made with eth-account 0.14 (`encode_typed_data`, RFC 6979 signature).
#[test]
fn digest_and_signature_are_those_of_an_independent_implementation() {
    assert_eq!(address_of(&key()), address!("202C98BaCB45a16aFAcb16EE960C4702F35F9f80"));
    let required = required();
    let domain = TokenDomain::announced(&required).unwrap();
    assert_eq!(
        domain.separator(required.network, required.asset),
        b256!("02fa7265e7c5d81118673727957699e4d68f74cd74b7db77da710fe8a2c7834f"),
        "the separator of USDC on Base"
    );
    let payload = payload();
    let transfer = Transfer::new(required.network, required.asset, &payload.payload.authorization);
    assert_eq!(
        transfer.signing_hash(&domain),
        b256!("099db1da94df904b9f6fc89ed2c0fa839764e14399c689847f487ef7a1a5c4bb")
    );
    assert_eq!(
        hex::encode(&payload.payload.signature),
        "8016a557d75a96146df155e4bd582cc9c7b4a8b8d48a7fdebc486e87902fd37a\
         4297bb7cfe3f50bdc9977535002f3324909f35577641d54afa6f759c435dd6121c"
    );
}

#[test]
fn another_chain_name_and_window_give_the_independent_digest_too() {
    let transfer = Transfer {
        network: Network::new(31_337).unwrap(),
        asset: address!("5FbDB2315678afecb367f032d93F642f64180aa3"),
        from: address_of(&key()),
        to: address!("70997970C51812dc3A010C7d01b50e0d17dc79C8"),
        value: AtomicUnits::from(1500),
        valid_after: U256::from(1_789_999_000u64),
        valid_before: U256::from(1_790_000_300u64),
        nonce: B256::repeat_byte(0x11),
    };
    let domain = TokenDomain { name: "USDC".into(), version: "2".into() };
    assert_eq!(
        transfer.signing_hash(&domain),
        b256!("2242cf43c1aef93cff8d92582d404bd98af3f7bb45101b27ca689f5217ca55ad")
    );
}

#[test]
fn a_good_payment_is_authorized_for_exactly_what_was_quoted() {
    let authorized = outcome(&payload()).unwrap();
    assert_eq!(authorized.payer(), address_of(&key()));
    assert_eq!(authorized.signature_kind(), SignatureKind::Key);
    assert_eq!(authorized.transfer().value, required().amount);
    assert_eq!(authorized.transfer().nonce, B256::from(nonce()));
    assert_eq!(authorized.requirements(), &required());
}

#[test]
fn accepted_terms_that_differ_from_the_quote_are_refused() {
    type Spoil = fn(&mut PaymentRequirements);
    let cases: [(Spoil, Invalid); 10] = [
        (|accepted| accepted.scheme = "upto".into(), Invalid::Scheme),
        (|accepted| accepted.network = Network::BASE_SEPOLIA, Invalid::Network),
        (|accepted| accepted.amount = AtomicUnits::from(1), Invalid::Requirements),
        (|accepted| accepted.asset = Address::repeat_byte(1), Invalid::Requirements),
        (|accepted| accepted.pay_to = Address::repeat_byte(1), Invalid::Requirements),
        (|accepted| accepted.max_timeout_seconds = 61, Invalid::Requirements),
        (|accepted| drop(accepted.extra.insert(EXTRA_REQUEST_DIGEST.into(), "cd".into())), Invalid::OtherRequest),
        (|accepted| drop(accepted.extra.remove(EXTRA_REQUEST_DIGEST)), Invalid::OtherRequest),
        (|accepted| drop(accepted.extra.insert(EXTRA_NAME.into(), "USDC".into())), Invalid::Requirements),
        (|accepted| drop(accepted.extra.remove(EXTRA_VERSION)), Invalid::Requirements),
    ];
    for (index, (spoil, expected)) in cases.into_iter().enumerate() {
        let mut payload = payload();
        spoil(&mut payload.accepted);
        assert_eq!(outcome(&payload).unwrap_err(), expected, "case {index}");
    }
}

#[test]
fn a_client_may_add_to_extra_but_not_choose_another_way_to_pay() {
    let with = |key: &str, value: Value| {
        let mut payload = payload();
        payload.accepted.extra.insert(key.into(), value);
        outcome(&payload).map(|authorized| authorized.payer())
    };
    assert!(with("note", "mine".into()).is_ok());
    assert!(with(EXTRA_METHOD, METHOD_EIP3009.into()).is_ok(), "the default, spelled out");
    assert!(with(EXTRA_FLOW, FLOW_AUTHORIZATION.into()).is_ok());
    assert_eq!(with(EXTRA_METHOD, "permit2".into()), Err(Invalid::Requirements));
    assert_eq!(with(EXTRA_FLOW, FLOW_UPFRONT.into()), Err(Invalid::Requirements));
    assert_eq!(with(EXTRA_FLOW, Value::Null), Err(Invalid::Requirements));
}

#[test]
fn an_announced_upfront_flow_must_be_echoed() {
    let required = required().with_extra(EXTRA_FLOW, FLOW_UPFRONT);
    assert_eq!(verify_offline(&payload(), &required, NOW, REMAINING).unwrap_err(), Invalid::Requirements);
    let payload = authorize(&key(), &required, None, NOW, nonce()).unwrap();
    assert!(verify_offline(&payload, &required, NOW, REMAINING).is_ok());
}

#[test]
fn requirements_without_a_domain_are_the_services_fault() {
    let mut payload = payload();
    let mut required = required();
    payload.accepted.extra.remove(EXTRA_NAME);
    required.extra.remove(EXTRA_NAME);
    assert_eq!(verify_offline(&payload, &required, NOW, REMAINING).unwrap_err(), Invalid::NoDomain);
}

#[test]
fn an_authorization_for_something_else_is_refused_even_if_signed() {
    let to_other = resigned(|authorization| authorization.to = Address::repeat_byte(7));
    assert_eq!(outcome(&to_other).unwrap_err(), Invalid::Recipient);
    for wrong in [9_999, 10_001] {
        let value = resigned(|authorization| authorization.value = AtomicUnits::from(wrong));
        assert_eq!(outcome(&value).unwrap_err(), Invalid::Value, "exact means exact");
    }
}

#[test]
fn the_validity_window_covers_now_and_the_work() {
    let after = |time: u64| outcome(&resigned(|a| a.valid_after = U256::from(time)));
    assert!(after(NOW).is_ok());
    assert_eq!(after(NOW + 1).unwrap_err(), Invalid::NotYetValid);
    let before = |time: U256| outcome(&resigned(|a| a.valid_before = time));
    assert!(before(U256::from(NOW + REMAINING)).is_ok());
    assert!(before(U256::MAX).is_ok());
    assert_eq!(before(U256::from(NOW + REMAINING - 1)).unwrap_err(), Invalid::ExpiresTooSoon);
    assert_eq!(before(U256::ZERO).unwrap_err(), Invalid::ExpiresTooSoon);
    let never = verify_offline(&payload(), &required(), u64::MAX, u64::MAX);
    assert_eq!(never.unwrap_err(), Invalid::ExpiresTooSoon);
}

fn kind(payload: &PaymentPayload) -> SignatureKind {
    outcome(payload).unwrap().signature_kind()
}

#[test]
fn only_the_payers_canonical_signature_counts_as_the_keys() {
    assert_eq!(kind(&payload()), SignatureKind::Key);
    for index in 0..EOA_SIGNATURE_BYTES {
        let flipped = with_signature(|bytes| bytes[index] ^= 1);
        assert_eq!(kind(&flipped), SignatureKind::Contract, "byte {index}");
    }
    let zero_one = with_signature(|bytes| bytes[64] -= 27);
    assert_eq!(kind(&zero_one), SignatureKind::Contract, "the token takes v 27 and 28 only");
    let zeros = with_signature(|bytes| bytes[..64].fill(0));
    assert_eq!(kind(&zeros), SignatureKind::Contract);
    let mut other_payer = payload();
    other_payer.payload.authorization.from = Address::repeat_byte(9);
    assert_eq!(kind(&other_payer), SignatureKind::Contract);
}

#[test]
fn the_high_s_twin_of_a_good_signature_is_not_the_keys() {
    let twin = with_signature(|bytes| {
        let order =
            U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).unwrap();
        let high = order - U256::from_be_slice(&bytes[32..64]);
        bytes[32..64].copy_from_slice(&high.to_be_bytes::<32>());
        bytes[64] = 55 - bytes[64];
    });
    assert_eq!(kind(&twin), SignatureKind::Contract);
}

#[test]
fn signatures_of_any_length_are_left_to_the_chain() {
    for length in [1, 64, 65, 66, 96, MAX_SIGNATURE_BYTES] {
        assert_eq!(kind(&with_signature(|bytes| bytes.resize(length, 7))), kind_of_length(length), "{length} bytes");
    }
    for length in [0, MAX_SIGNATURE_BYTES + 1] {
        let unusable = with_signature(|bytes| bytes.resize(length, 1));
        assert_eq!(outcome(&unusable).unwrap_err(), Invalid::Signature, "{length} bytes");
    }
}

/// `signature` as a wallet wraps it that does not know whether its account is deployed (EIP-6492).
fn wrapped(signature: &[u8]) -> Vec<u8> {
    let (factory, call) = (Address::repeat_byte(7), Bytes::from(vec![8; 100]));
    let mut bytes = (factory, call, Bytes::copy_from_slice(signature)).abi_encode_params();
    bytes.extend(EIP6492_SUFFIX);
    bytes
}

#[test]
fn a_wrapped_signature_is_the_one_inside() {
    let contract = vec![5; 130];
    let authorized = outcome(&with_signature(|bytes| *bytes = wrapped(&contract))).unwrap();
    assert_eq!(authorized.signature_kind(), SignatureKind::Contract, "only the chain can tell");
    assert_eq!(authorized.payload().payload.signature, contract, "the token is given what is inside");
    assert_eq!(kind(&with_signature(|bytes| *bytes = wrapped(bytes))), SignatureKind::Key);

    let refused = |change: fn(&mut Vec<u8>)| outcome(&with_signature(change)).unwrap_err();
    assert_eq!(refused(|bytes| bytes.extend(EIP6492_SUFFIX)), Invalid::Signature, "no wrapper");
    assert_eq!(refused(|bytes| *bytes = EIP6492_SUFFIX.to_vec()), Invalid::Signature);
    assert_eq!(
        refused(|bytes| *bytes = wrapped(&wrapped(bytes))),
        Invalid::Signature,
        "one wrapper is opened, not two"
    );
    assert_eq!(refused(|bytes| *bytes = wrapped(&[])), Invalid::Signature);
    assert_eq!(refused(|bytes| *bytes = wrapped(&[1; MAX_SIGNATURE_BYTES + 1])), Invalid::Signature);
    assert_eq!(refused(|bytes| *bytes = wrapped(&[1; MAX_WRAPPED_BYTES])), Invalid::Signature);
    // A length inside that points beyond the wrapper.
    assert_eq!(
        refused(|bytes| {
            *bytes = wrapped(bytes);
            bytes[32..64].fill(0xff);
        }),
        Invalid::Signature
    );
}

/// What a good signature becomes when it is cut or extended to `length`.
fn kind_of_length(length: usize) -> SignatureKind {
    if length == EOA_SIGNATURE_BYTES { SignatureKind::Key } else { SignatureKind::Contract }
}

#[test]
fn a_claimed_payment_is_known_again_after_its_quote_and_its_time_are_gone() {
    let mut payload = payload();
    payload.accepted.extra.insert(EXTRA_REQUEST_DIGEST.into(), "of an earlier boot".into());
    let domain = TokenDomain::announced(&required()).unwrap();
    let claimed = |payload: &PaymentPayload| verify_claimed(payload, Network::BASE, required().asset, &domain, 7);
    assert_eq!(claimed(&payload).unwrap().payer(), address_of(&key()));
    let mut forged = payload.clone();
    forged.payload.authorization.value = AtomicUnits::from(1);
    assert_eq!(claimed(&forged).unwrap_err(), Invalid::Requirements);
    forged.accepted.amount = AtomicUnits::from(1);
    assert_eq!(claimed(&forged).unwrap().signature_kind(), SignatureKind::Contract, "not the key's");
    let other_token = verify_claimed(&payload, Network::BASE, Address::ZERO, &domain, 7);
    assert_eq!(other_token.unwrap_err(), Invalid::Requirements);
    let other_chain = verify_claimed(&payload, Network::BASE_SEPOLIA, required().asset, &domain, 7);
    assert_eq!(other_chain.unwrap_err(), Invalid::Network);
}

#[test]
fn every_refusal_has_a_code_of_the_standard() {
    use Invalid::*;
    let known = [
        "insufficient_funds",
        "invalid_exact_evm_payload_authorization_valid_after",
        "invalid_exact_evm_payload_authorization_valid_before",
        "invalid_exact_evm_payload_authorization_value_mismatch",
        "invalid_exact_evm_payload_signature",
        "invalid_exact_evm_payload_recipient_mismatch",
        "invalid_network",
        "invalid_payment_requirements",
        "unsupported_scheme",
        "invalid_transaction_state",
        "unexpected_verify_error",
    ];
    let all = [
        Scheme,
        Network,
        Requirements,
        OtherRequest,
        NoDomain,
        Recipient,
        Value,
        NotYetValid,
        ExpiresTooSoon,
        Signature,
        UndeployedAccount,
        NonceUsed,
        InsufficientFunds,
        Transaction,
        TooMuchGas,
        Refused,
    ];
    for invalid in all {
        assert!(known.contains(&invalid.code()), "{invalid}");
        assert_eq!(Invalid::from_code(invalid.code()).code(), invalid.code(), "{invalid}");
    }
    assert_eq!(Invalid::from_code("<script>"), Refused);
}

#[test]
fn requirements_that_this_client_cannot_pay_are_not_signed() {
    type Spoil = fn(&mut PaymentRequirements);
    let cases: [(Spoil, Unpayable); 7] = [
        (|required| required.scheme = "upto".into(), Unpayable::Scheme),
        (|required| drop(required.extra.insert(EXTRA_METHOD.into(), "permit2".into())), Unpayable::Method),
        (|required| drop(required.extra.insert(EXTRA_FLOW.into(), "escrow".into())), Unpayable::Flow),
        (|required| drop(required.extra.insert(EXTRA_FLOW.into(), Value::from(1))), Unpayable::Flow),
        (|required| drop(required.extra.remove(EXTRA_VERSION)), Unpayable::NoDomain),
        (|required| required.max_timeout_seconds = u64::MAX, Unpayable::Timeout),
        (|required| required.max_timeout_seconds = 0, Unpayable::Timeout),
    ];
    for (spoil, expected) in cases {
        let mut required = required();
        spoil(&mut required);
        assert_eq!(authorize(&key(), &required, None, NOW, nonce()), Err(expected));
    }
    assert_eq!(payable(&required()), Ok(()));
}
