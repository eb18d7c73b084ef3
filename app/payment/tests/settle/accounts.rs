//! Payers that are contract accounts (EIP-1271), and those that only claim to be.

use std::time::Duration;

use alloy_primitives::{Address, Bytes};
use alloy_sol_types::SolValue as _;
use precis_devnet::chain::lag::View;
use precis_payment::exact::{Authorized, EIP6492_SUFFIX, EOA_SIGNATURE_BYTES, Invalid, SignatureKind};
use precis_payment::facilitator::{Facilitator, Settlement, Standing, Unavailable, VerifyError};
use precis_payment::local::{LocalFacilitator, LocalOptions};
use precis_payment::remote::HttpFacilitator;

use crate::nodes::Nodes;
use crate::world::*;

/// Runtime code of an account that answers every EIP-1271 question with yes.
const YES: &str = "0x631626ba7e60e01b5f5260205ff3";
/// As [`YES`], after counting down from 50 000.
const SLOW_YES: &str = "0x6200c3505b6001900380600457631626ba7e60e01b5f5260205ff3";
/// Runtime code of an account that answers every question with nothing.
const NO: &str = "0x00";
/// As [`YES`] where gas costs nothing, as in a simulation that names no price; nothing otherwise.
const YES_FOR_FREE: &str = "0x3a15631626ba7e60e01b025f5260205ff3";

#[tokio::test]
async fn contract_accounts_pay_by_what_they_accept() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let account = Address::repeat_byte(0x44);
    world.mint(account, PURSE).await;
    let mut payload = world.payload(1);
    payload.payload.authorization.from = account;
    payload.payload.signature = Bytes::from(vec![7; 96]);
    let authorized = world.check(&payload);
    assert_eq!(authorized.signature_kind(), SignatureKind::Contract);

    let nobody = facilitator.verify(&authorized).await;
    assert_eq!(nobody, Err(VerifyError::Invalid(Invalid::Signature)), "there is no account");
    world.set_code(account, NO).await;
    assert_eq!(facilitator.verify(&authorized).await, Err(VerifyError::Invalid(Invalid::Signature)));
    world.set_code(account, SLOW_YES).await;
    let dear = settle(&facilitator, &authorized).await;
    assert_eq!(dear, Settlement::Rejected { reason: Invalid::TooMuchGas, transaction: None });
    world.set_code(account, YES).await;
    paid(settle(&facilitator, &authorized).await);
    assert_eq!(world.balance(account).await, PURSE - PRICE);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn an_account_that_could_not_be_asked_is_not_one_that_says_no() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let account = Address::repeat_byte(0x44);
    world.mint(account, PURSE).await;
    let mut payload = world.payload(1);
    payload.payload.authorization.from = account;
    payload.payload.signature = Bytes::from(vec![7; 96]);
    let authorized = world.check(&payload);
    world.set_code(account, YES).await;
    let settled = paid(settle(&facilitator, &authorized).await);
    assert_eq!(facilitator.verify(&authorized).await, Ok(Standing::Paid(settled)));
    // The node answers with an error of its own, as it does when it has had enough.
    world.set_code(account, "0xfe").await;
    let asked = facilitator.verify(&authorized).await;
    assert!(matches!(asked, Err(VerifyError::Unavailable(_))), "{asked:?}");
}

#[tokio::test]
async fn a_wrapped_signature_pays_once_its_account_is_deployed_and_no_factory_is_called() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let remote = HttpFacilitator::new(http_client(), "http://127.0.0.1:1", world.view()).unwrap();
    let account = Address::repeat_byte(0x44);
    world.mint(account, PURSE).await;
    let mut payload = world.payload(1);
    payload.payload.authorization.from = account;
    // EIP-6492: factory, its call, and what the account itself would accept.
    let inner = Bytes::from(vec![7; 96]);
    let mut wrapper = (Address::repeat_byte(0x55), Bytes::from(vec![9; 68]), inner.clone()).abi_encode_params();
    wrapper.extend(EIP6492_SUFFIX);
    payload.payload.signature = wrapper.into();
    let authorized = world.check(&payload);

    let undeployed = Err(VerifyError::Invalid(Invalid::UndeployedAccount));
    assert_eq!(facilitator.verify(&authorized).await, undeployed);
    assert_eq!(remote.verify(&authorized).await, undeployed, "before the remote one is asked");
    let refused = settle(&facilitator, &authorized).await;
    assert!(matches!(refused, Settlement::Rejected { transaction: None, .. }), "{refused:?}");
    world.set_code(account, NO).await;
    assert_eq!(facilitator.verify(&authorized).await, NOT_SIGNED);
    // An account that says yes to exactly what is inside, and to nothing else.
    world.set_code(account, &yes_to(&inner)).await;
    assert_eq!(facilitator.verify(&authorized).await, Ok(Standing::Payable));
    paid(settle(&facilitator, &authorized).await);
    assert_eq!(world.balance(account).await, PURSE - PRICE);
}

/// Runtime code of an account that answers yes to `isValidSignature` over a signature of the length and the first word of
/// `inner`, and nothing to anything else.
fn yes_to(inner: &[u8]) -> String {
    // calldata: selector 4, hash 32, offset 32, length at 68, bytes from 100 on.
    // length == len && first word == word ? return the selector : stop
    let (length, word) = (inner.len(), hex::encode(&inner[..32]));
    format!("0x6044_35_60{length:02x}_14_6064_35_7f{word}_14_16_6030_57_00_5b_631626ba7e_60e0_1b_5f_52_6020_5f_f3")
        .replace('_', "")
}

const NOT_SIGNED: Result<Standing, VerifyError> = Err(VerifyError::Invalid(Invalid::Signature));

/// The payment with another signature.
fn signed_with(world: &World, nonce: u8, signature: Bytes) -> Authorized {
    let mut payload = world.payload(nonce);
    payload.payload.signature = signature;
    let authorized = world.check(&payload);
    assert_eq!(authorized.signature_kind(), SignatureKind::Contract);
    authorized
}

#[tokio::test]
async fn a_contract_account_may_sign_with_as_many_bytes_as_a_key() {
    let world = World::new().await;
    let account = Address::repeat_byte(0x44);
    world.mint(account, PURSE).await;
    world.set_code(account, YES).await;
    let facilitator = world.facilitator();
    let mut payload = world.payload(1);
    payload.payload.authorization.from = account;
    assert_eq!(payload.payload.signature.len(), EOA_SIGNATURE_BYTES, "its owner's");
    let authorized = world.check(&payload);
    assert_eq!(facilitator.verify(&authorized).await, Ok(Standing::Payable));
    paid(settle(&facilitator, &authorized).await);
    assert_eq!(world.balance(account).await, PURSE - PRICE);
    assert_eq!(facilitator.verify(&authorized).await.map(|standing| standing != Standing::Payable), Ok(true));
    world.set_code(account, NO).await;
    // An account that takes its word back is not told that nothing was charged.
    assert!(matches!(facilitator.verify(&authorized).await, Err(VerifyError::Unknown(_))));
}

#[tokio::test]
async fn a_wrong_keys_signature_is_refused_by_both_facilitators_before_they_ask_further() {
    let world = World::new().await;
    let other = precis_payment::authorize::authorize(&key(8), &world.required(), None, now(), [1; 32]).unwrap();
    // This facilitator is not there, so that asking it would be another error.
    let remote = HttpFacilitator::new(http_client(), "http://127.0.0.1:1", world.view()).unwrap();
    for signature in [other.payload.signature, vec![7; 65].into(), vec![7; 1].into(), vec![7; 96].into()] {
        let forged = signed_with(&world, 1, signature);
        assert_eq!(world.facilitator().verify(&forged).await, NOT_SIGNED);
        assert_eq!(remote.verify(&forged).await, NOT_SIGNED);
        let refused = settle(&world.facilitator(), &forged).await;
        assert_eq!(refused, Settlement::Rejected { reason: Invalid::Signature, transaction: None });
    }
    let absent = Err(VerifyError::Unavailable(Unavailable::Facilitator));
    assert_eq!(remote.verify(&world.authorized(1)).await, absent, "a good one is asked for");
    assert_eq!(world.balance(world.payee).await, 0);
}

#[tokio::test]
async fn a_payment_that_was_made_is_not_shown_to_whoever_copies_it_from_the_chain() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let payload = world.payload(1);
    world.front_run(&payload).await;
    let copied = signed_with(&world, 1, vec![7; 65].into());
    assert_eq!(facilitator.verify(&copied).await, NOT_SIGNED);
    assert!(matches!(facilitator.verify(&world.check(&payload)).await, Ok(Standing::Paid(_))));
}

/// A contract account with `code` and money, and a payment of it.
async fn account(world: &World, number: u8, code: &str) -> (Address, Authorized) {
    let account = Address::repeat_byte(number);
    world.mint(account, PURSE).await;
    world.set_code(account, code).await;
    (account, payment(world, account, number))
}

fn payment(world: &World, account: Address, nonce: u8) -> Authorized {
    let mut payload = world.payload(nonce);
    payload.payload.authorization.from = account;
    payload.payload.signature = vec![7; 96].into();
    world.check(&payload)
}

#[tokio::test]
async fn contract_accounts_are_refused_unless_they_are_asked_for() {
    let world = World::new().await;
    let (_, authorized) = account(&world, 0x44, YES).await;
    let usual = world.facilitator_with(LocalOptions::default());
    assert_eq!(usual.verify(&authorized).await, Err(VerifyError::Invalid(Invalid::ContractAccount)));
    assert_eq!(usual.verify(&world.authorized(1)).await, Ok(Standing::Payable), "a key's");
    assert_eq!(world.facilitator().verify(&authorized).await, Ok(Standing::Payable));
}

#[tokio::test]
async fn an_account_that_answers_by_the_price_of_gas_is_found_out_before_it_costs_any() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let (_, authorized) = account(&world, 0x44, YES_FOR_FREE).await;
    assert_eq!(world.view().simulate(&authorized, facilitator.address()).await, Ok(()), "free of charge it says yes");
    assert_eq!(facilitator.verify(&authorized).await, NOT_SIGNED);
    let refused = settle(&facilitator, &authorized).await;
    assert_eq!(refused, Settlement::Rejected { reason: Invalid::Signature, transaction: None });
}

#[tokio::test]
async fn a_revert_that_the_index_hides_is_not_taken_for_a_displaced_transaction() {
    let world = World::new().await;
    let nodes = Nodes::before(world.chain.url()).await;
    let options = LocalOptions {
        contract_accounts: true,
        confirm_timeout: Duration::from_millis(300),
        ..LocalOptions::default()
    };
    let facilitator = LocalFacilitator::new(world.view_through(&nodes.url), wallet_key(), options);
    let (hostile, authorized) = account(&world, 0x44, YES).await;
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let stored = prepared.transaction().unwrap().clone();
    world.set_code(hostile, NO).await;
    let before = world.view().recent_block().await.unwrap().number;
    nodes.set(&[View { index: Some(before), ..View::default() }], 0);
    // Its nonce is used and the authorization is not, and no receipt says why: another attempt could revert as well.
    let unknown = Settlement::Unknown { transaction: Some(stored.hash) };
    assert_eq!(facilitator.broadcast(&authorized, prepared).await, unknown);
    assert_eq!(facilitator.resume(authorized.transfer(), Some(&stored), now()).await, unknown);
    nodes.set(&[View::default()], 0);
    let shown = facilitator.resume(authorized.transfer(), Some(&stored), now()).await;
    assert!(matches!(shown, Settlement::Rejected { transaction: Some(_), .. }), "{shown:?}");
}

#[tokio::test]
async fn an_account_whose_settlement_reverted_is_refused_from_then_on() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let (hostile, authorized) = account(&world, 0x44, YES).await;
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    world.set_code(hostile, NO).await;
    let reverted = facilitator.broadcast(&authorized, prepared).await;
    assert!(matches!(reverted, Settlement::Rejected { transaction: Some(_), .. }), "{reverted:?}");

    world.set_code(hostile, YES).await;
    let again = payment(&world, hostile, 0x45);
    assert_eq!(facilitator.verify(&again).await, Err(VerifyError::Invalid(Invalid::AccountReverts)));
    let refused = settle(&facilitator, &again).await;
    assert_eq!(refused, Settlement::Rejected { reason: Invalid::AccountReverts, transaction: None });
    let (_, honest) = account(&world, 0x46, YES).await;
    paid(settle(&facilitator, &honest).await);
    assert_eq!(world.balance(world.payee).await, PRICE);
}
