//! Blocks that go again.

use std::sync::Arc;
use std::time::Duration;

use precis_payment::chain::{Reconciled, RpcError};
use precis_payment::facilitator::{Facilitator, Settlement, Standing};
use precis_payment::local::LocalOptions;
use serde_json::json;

use crate::proxy::{Fault, Proxy};
use crate::world::*;

#[tokio::test]
async fn a_settlement_that_a_reorganization_dropped_is_sent_again_and_pays_once() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let authorized = world.authorized(1);
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let stored = prepared.transaction().unwrap().clone();
    let first = paid(facilitator.broadcast(&authorized, prepared).await);
    // Another process: the first would send it again by itself.
    drop(facilitator);
    let facilitator = world.facilitator();
    world.chain("devnet_reorg", json!(["0x1", false])).await;
    world.chain("evm_mine", json!([])).await;

    assert_eq!(world.balance(world.payee).await, 0, "the block is another one now");
    let found = world.view().reconcile(authorized.transfer(), now() - 60).await;
    assert!(matches!(found, Reconciled::Unspent(_)), "{found:?}");
    assert_eq!(facilitator.verify(&authorized).await, Ok(Standing::Payable));
    let again = paid(facilitator.resume(authorized.transfer(), Some(&stored), now()).await);
    assert_eq!(again.transaction, stored.hash);
    assert!(again.block > first.block);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_receipt_of_a_block_that_went_settles_nothing() {
    let world = World::new().await;
    let proxy = Proxy::before(world.chain.url()).await;
    let facilitator = world.impatient(&proxy.url);
    let authorized = world.authorized(1);
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let stored = prepared.transaction().unwrap().clone();
    let first = paid(facilitator.broadcast(&authorized, prepared).await);
    drop(facilitator);
    let facilitator = world.impatient(&proxy.url);
    world.chain("devnet_reorg", json!(["0x1", false])).await;
    world.chain("evm_mine", json!([])).await;
    world.stop_blocks();
    proxy.set(Fault::StaleReceipts);

    let unseen = facilitator.resume(authorized.transfer(), Some(&stored), now()).await;
    assert_eq!(unseen, Settlement::Unknown { transaction: Some(stored.hash) });
    world.chain("evm_mine", json!([])).await;
    let again = paid(facilitator.resume(authorized.transfer(), Some(&stored), now()).await);
    assert!(again.block > first.block);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_settlement_that_moved_to_another_block_is_found_there() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let authorized = world.authorized(1);
    let first = paid(settle(&facilitator, &authorized).await);
    world.chain("devnet_reorg", json!(["0x1", true])).await;
    let waiting = world.view().reconcile(authorized.transfer(), now() - 60).await;
    assert!(matches!(waiting, Reconciled::Unspent(_)), "in no block: {waiting:?}");
    let shorter = facilitator.chain().reconcile(authorized.transfer(), now() - 60).await;
    assert_eq!(shorter, Reconciled::Unknown(RpcError::Behind), "for who has seen more, the chain is behind");
    world.chain("evm_mine", json!([])).await;
    world.chain("evm_mine", json!([])).await;
    for view in [&world.view(), facilitator.chain()] {
        let found = view.reconcile(authorized.transfer(), now() - 60).await;
        let there = matches!(found, Reconciled::PaidUs(again) if again.transaction == first.transaction);
        assert!(
            there && !matches!(found, Reconciled::PaidUs(again) if again.block_hash == first.block_hash),
            "{found:?}"
        );
    }
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_settlement_that_needs_two_blocks_survives_the_loss_of_the_first() {
    let world = World::new().await;
    let options = LocalOptions { confirmations: 2, ..pushy() };
    let facilitator = Arc::new(world.facilitator_with(options));
    let authorized = world.authorized(1);
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let hash = prepared.transaction().unwrap().hash;
    world.stop_blocks();
    let task = tokio::spawn({
        let authorized = authorized.clone();
        async move { facilitator.broadcast(&authorized, prepared).await }
    });
    world.known(hash).await;
    world.chain("evm_mine", json!([])).await;
    assert_eq!(world.balance(world.payee).await, PRICE);
    world.chain("devnet_reorg", json!(["0x1", false])).await;
    assert_eq!(world.balance(world.payee).await, 0);
    assert!(!task.is_finished(), "one block is not enough");

    world.chain.set_block_interval(Some(Duration::from_millis(50)));
    let paid = paid(task.await.unwrap());
    assert!(world.view().recent_block().await.unwrap().number > paid.block);
    assert_eq!(world.view().reconcile(authorized.transfer(), now() - 60).await, Reconciled::PaidUs(paid));
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_payment_in_too_few_blocks_is_unknown_however_it_is_asked_for() {
    let world = World::new().await;
    let options =
        LocalOptions { confirmations: 2, confirm_timeout: Duration::from_millis(700), ..LocalOptions::default() };
    let facilitator = world.facilitator_with(options);
    let payload = world.payload(1);
    let authorized = world.check(&payload);
    let transaction = Some(world.front_run(&payload).await);
    let shallow = Settlement::Unknown { transaction };
    assert_eq!(facilitator.resume(authorized.transfer(), None, now()).await, shallow);
    assert_eq!(settle(&facilitator, &authorized).await, shallow);
    world.chain("evm_mine", json!([])).await;
    paid(facilitator.resume(authorized.transfer(), None, now()).await);
    paid(settle(&facilitator, &authorized).await);
}
