//! The in-process facilitator on a chain that works.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use precis_payment::AtomicUnits;
use precis_payment::authorize::{address_of, authorize};
use precis_payment::chain::{Reconciled, RpcError};
use precis_payment::exact::Invalid;
use precis_payment::facilitator::{Facilitator, Settlement, Standing, Unavailable, VerifyError};
use precis_payment::local::{LocalFacilitator, LocalOptions};
use precis_payment::wire::PaymentRequirements;

use crate::world::*;

#[tokio::test]
async fn a_payer_without_gas_pays_exactly_the_price() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let authorized = world.authorized(1);
    assert_eq!(facilitator.ready().await, Ok(()));
    assert_eq!(facilitator.verify(&authorized).await, Ok(Standing::Payable));

    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let stored = prepared.transaction().unwrap().clone();
    assert_eq!(world.balance(world.payee).await, 0, "nothing left before it was stored");
    let paid = paid(facilitator.broadcast(&authorized, prepared).await);

    assert_eq!(paid.transaction, stored.hash, "the hash that was stored is the one on chain");
    assert_eq!(world.balance(world.payee).await, PRICE);
    assert_eq!(world.balance(address_of(&world.payer)).await, PURSE - PRICE);
    assert_eq!(world.view().reconcile(authorized.transfer(), now() - 60).await, Reconciled::PaidUs(paid));
    let response = Settlement::Settled(paid).response(authorized.transfer());
    assert_eq!((response.success, response.transaction), (true, Some(stored.hash)));
}

#[tokio::test]
async fn a_replayed_authorization_moves_no_money_and_names_the_first_transaction() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let authorized = world.authorized(1);
    let first = paid(settle(&facilitator, &authorized).await);
    assert_eq!(paid(settle(&facilitator, &authorized).await), first);
    assert_eq!(facilitator.verify(&authorized).await, Ok(Standing::Paid(first)));
    assert_eq!(world.balance(world.payee).await, PRICE, "paid once");
}

#[tokio::test]
async fn a_front_run_authorization_that_paid_us_counts() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let payload = world.payload(1);
    let authorized = world.check(&payload);
    let transaction = world.front_run(&payload).await;

    assert!(
        matches!(facilitator.verify(&authorized).await, Ok(Standing::Paid(paid)) if paid.transaction == transaction)
    );
    assert_eq!(paid(settle(&facilitator, &authorized).await).transaction, transaction);
    let reconciled = world.view().reconcile(authorized.transfer(), now() - 60).await;
    assert!(matches!(reconciled, Reconciled::PaidUs(paid) if paid.transaction == transaction));
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_payment_overtaken_between_signing_and_mining_still_counts() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let payload = world.payload(1);
    let authorized = world.check(&payload);
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let theirs = world.front_run(&payload).await;
    let paid = paid(facilitator.broadcast(&authorized, prepared).await);
    assert_eq!(paid.transaction, theirs, "ours reverted, theirs paid");
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_nonce_spent_on_something_else_or_cancelled_is_refused() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let elsewhere = PaymentRequirements { pay_to: Address::repeat_byte(0x77), ..world.required() };
    world.front_run(&authorize(&world.payer, &elsewhere, None, now(), [1; 32]).unwrap()).await;
    world.cancel(2).await;

    for nonce in [1, 2] {
        let authorized = world.authorized(nonce);
        assert_eq!(facilitator.verify(&authorized).await, Err(VerifyError::Invalid(Invalid::NonceUsed)));
        let refused = Settlement::Rejected { reason: Invalid::NonceUsed, transaction: None };
        assert_eq!(settle(&facilitator, &authorized).await, refused);
        let found = world.view().reconcile(authorized.transfer(), now() - 60).await;
        match nonce {
            1 => assert!(matches!(found, Reconciled::SpentElsewhere(_)), "{found:?}"),
            _ => assert!(matches!(found, Reconciled::Cancelled(_)), "{found:?}"),
        }
    }
    let unused = world.view().reconcile(world.authorized(3).transfer(), now() - 60).await;
    assert!(matches!(unused, Reconciled::Unspent(_)), "{unused:?}");
    assert_eq!(world.balance(world.payee).await, 0);
}

#[tokio::test]
async fn eight_concurrent_settlements_all_land() {
    let world = Arc::new(World::new().await);
    let facilitator = Arc::new(world.facilitator());
    let mut settling = tokio::task::JoinSet::new();
    for nonce in 1..=8 {
        let (facilitator, authorized) = (facilitator.clone(), world.authorized(nonce));
        settling.spawn(async move { paid(settle(&*facilitator, &authorized).await).transaction });
    }
    let mut hashes: Vec<B256> = settling.join_all().await;
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 8, "eight transactions");
    assert_eq!(world.balance(world.payee).await, 8 * PRICE);
}

#[tokio::test]
async fn concurrent_settlements_share_blocks_when_blocks_take_time() {
    let world = Arc::new(World::new().await);
    world.chain.set_block_interval(Some(Duration::from_millis(300)));
    let facilitator = Arc::new(world.facilitator());
    let mut settling = tokio::task::JoinSet::new();
    for nonce in 1..=8 {
        let (facilitator, authorized) = (facilitator.clone(), world.authorized(nonce));
        settling.spawn(async move { paid(settle(&*facilitator, &authorized).await) });
    }
    let paid = settling.join_all().await;
    let blocks: std::collections::BTreeSet<u64> = paid.iter().map(|paid| paid.block).collect();
    assert_eq!(world.balance(world.payee).await, 8 * PRICE);
    assert!(blocks.len() < 8, "settlements do not wait for each other's blocks: {blocks:?}");
}

#[tokio::test]
async fn a_prepared_settlement_that_is_dropped_leaves_no_gap() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let authorized = world.authorized(1);
    drop(facilitator.prepare(&authorized).await.unwrap());
    paid(settle(&facilitator, &authorized).await);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_drained_payer_is_refused_and_not_charged() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let authorized = world.authorized(1);
    world.drain_payer().await;
    assert_eq!(facilitator.verify(&authorized).await, Err(VerifyError::Invalid(Invalid::InsufficientFunds)));
    let settlement = settle(&facilitator, &authorized).await;
    assert_eq!(settlement, Settlement::Rejected { reason: Invalid::InsufficientFunds, transaction: None });
    assert_eq!(world.balance(world.payee).await, 0);
    assert_eq!(settlement.response(authorized.transfer()).error_reason.as_deref(), Some("insufficient_funds"));
}

#[tokio::test]
async fn a_payer_drained_after_the_simulation_is_refused_with_the_transaction_that_failed() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let authorized = world.authorized(1);
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let hash = prepared.transaction().unwrap().hash;
    world.drain_payer().await;
    let settlement = facilitator.broadcast(&authorized, prepared).await;
    assert_eq!(settlement, Settlement::Rejected { reason: Invalid::InsufficientFunds, transaction: Some(hash) });
    assert_eq!(world.balance(world.payee).await, 0);
}

#[tokio::test]
async fn an_authorization_that_expired_since_is_refused() {
    let world = World::new().await;
    let authorized = world.authorized(1);
    let _: serde_json::Value = world.rpc.call("evm_increaseTime", serde_json::json!([3600])).await.unwrap();
    let _: serde_json::Value = world.rpc.call("evm_mine", serde_json::json!([])).await.unwrap();
    let facilitator = world.facilitator();
    assert_eq!(facilitator.verify(&authorized).await, Err(VerifyError::Invalid(Invalid::ExpiresTooSoon)));
    let ended = facilitator.resume(authorized.transfer(), None, now()).await;
    assert_eq!(ended, Settlement::Rejected { reason: Invalid::ExpiresTooSoon, transaction: None });
}

#[tokio::test]
async fn a_paused_token_refuses_for_its_own_reason() {
    let world = World::new().await;
    world.call(precis_devnet::chain::contracts::PrecisDollar::pauseCall {}).await;
    let refused = world.facilitator().verify(&world.authorized(1)).await;
    assert_eq!(refused, Err(VerifyError::Invalid(Invalid::Transaction)));
}

#[tokio::test]
async fn a_wallet_without_gas_defers_and_says_so() {
    let world = World::new().await;
    let poor = LocalFacilitator::new(world.view(), key(9), LocalOptions::default());
    assert_eq!(poor.ready().await, Err(Unavailable::NoGas));
    let authorized = world.authorized(1);
    assert_eq!(settle(&poor, &authorized).await, Settlement::Deferred(Unavailable::NoGas));
    paid(settle(&world.facilitator(), &authorized).await);
}

#[tokio::test]
async fn gas_above_the_configured_price_is_not_paid() {
    let world = World::new().await;
    let options = LocalOptions { max_fee_per_gas: 1, ..LocalOptions::default() };
    let thrifty = LocalFacilitator::new(world.view(), wallet_key(), options);
    assert_eq!(settle(&thrifty, &world.authorized(1)).await, Settlement::Deferred(Unavailable::GasPrice));
    assert_eq!(world.balance(world.payee).await, 0);
}

#[tokio::test]
async fn an_old_payment_presented_again_does_not_count_and_is_not_said_to_be_uncharged() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let required = PaymentRequirements { max_timeout_seconds: 86_400, ..world.required() };
    let payload = authorize(&world.payer, &required, None, now(), [1; 32]).unwrap();
    let at = |time| precis_payment::exact::verify_offline(&payload, &required, time, 30).unwrap();
    let first = paid(settle(&facilitator, &at(now())).await);
    assert_eq!(facilitator.verify(&at(now())).await, Ok(Standing::Paid(first)));
    let _: serde_json::Value = world.rpc.call("evm_increaseTime", serde_json::json!([3600])).await.unwrap();
    let _: serde_json::Value = world.rpc.call("evm_mine", serde_json::json!([])).await.unwrap();
    let later = facilitator.verify(&at(now() + 3600)).await;
    assert_eq!(later, Err(VerifyError::Unknown(RpcError::HistoryTooLong)), "the ledger may have forgotten it by then");
}

#[tokio::test]
async fn payments_of_any_amount_are_exact() {
    let world = World::new().await;
    for (nonce, amount) in [(1u8, 1u128), (2, u128::from(PURSE) - 1)] {
        let required = PaymentRequirements { amount: AtomicUnits::from(amount), ..world.required() };
        let payload = authorize(&world.payer, &required, None, now(), [nonce; 32]).unwrap();
        let authorized = precis_payment::exact::verify_offline(&payload, &required, now(), 30).unwrap();
        paid(settle(&world.facilitator(), &authorized).await);
    }
    assert_eq!(world.view().balance_of(world.payee).await, Ok(U256::from(PURSE)));
}
