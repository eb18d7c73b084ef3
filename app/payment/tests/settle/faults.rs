//! The in-process facilitator when the way to the chain fails.

use std::time::Duration;

use precis_payment::chain::{ChainView, Reconciled, RpcError};
use precis_payment::facilitator::{Facilitator, SETTLEMENT_PENDING, Settlement, Unavailable, VerifyError};
use precis_payment::local::{LocalFacilitator, LocalOptions};

use crate::proxy::{Fault, Proxy};
use crate::world::*;

#[tokio::test]
async fn an_answer_lost_after_sending_is_unknown_and_later_reconciled_as_paid() {
    let world = World::new().await;
    let proxy = Proxy::before(world.chain.url()).await;
    let facilitator = world.impatient(&proxy.url);
    let authorized = world.authorized(1);
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let stored = prepared.transaction().unwrap().clone();
    proxy.set(Fault::LoseAnswer);

    let settlement = facilitator.broadcast(&authorized, prepared).await;
    assert_eq!(settlement, Settlement::Unknown { transaction: Some(stored.hash) });
    assert_eq!(settlement.response(authorized.transfer()).error_reason.as_deref(), Some(SETTLEMENT_PENDING));
    let blind = facilitator.resume(authorized.transfer(), Some(&stored), now()).await;
    assert_eq!(
        blind,
        Settlement::Unknown { transaction: Some(stored.hash) },
        "nobody can tell while the chain is away"
    );

    proxy.set(Fault::None);
    let paid = paid(facilitator.resume(authorized.transfer(), Some(&stored), now()).await);
    assert_eq!(paid.transaction, stored.hash);
    assert_eq!(world.view().reconcile(authorized.transfer(), now() - 60).await, Reconciled::PaidUs(paid));
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_transaction_lost_on_the_way_is_sent_again_and_lands_once() {
    let world = World::new().await;
    let proxy = Proxy::before(world.chain.url()).await;
    let facilitator = world.impatient(&proxy.url);
    proxy.set(Fault::LoseFirst);
    paid(settle(&facilitator, &world.authorized(1)).await);
    assert!(proxy.sent() >= 2);
    paid(settle(&facilitator, &world.authorized(2)).await);
    assert_eq!(world.balance(world.payee).await, 2 * PRICE, "the wallet's nonces go on");
}

#[tokio::test]
async fn a_settlement_stored_but_never_sent_is_sent_at_the_next_start() {
    let world = World::new().await;
    let authorized = world.authorized(1);
    let stored = {
        let before = world.facilitator();
        let prepared = before.prepare(&authorized).await.unwrap();
        prepared.transaction().unwrap().clone()
    };
    let after = world.facilitator();
    let paid = paid(after.resume(authorized.transfer(), Some(&stored), now()).await);
    assert_eq!(paid.transaction, stored.hash);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_stored_transaction_whose_nonce_is_gone_is_deferred_and_can_be_prepared_anew() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let authorized = world.authorized(1);
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let stored = prepared.transaction().unwrap().clone();
    drop(prepared);
    paid(settle(&facilitator, &world.authorized(2)).await);

    let resumed = facilitator.resume(authorized.transfer(), Some(&stored), now()).await;
    assert_eq!(resumed, Settlement::Deferred(Unavailable::Displaced));
    paid(settle(&facilitator, &authorized).await);
    assert_eq!(world.balance(world.payee).await, 2 * PRICE);
}

#[tokio::test]
async fn a_block_that_does_not_come_in_time_is_unknown_and_pays_later() {
    let world = World::new().await;
    world.chain.set_block_interval(Some(Duration::from_secs(3600)));
    let facilitator = world.impatient(world.chain.url());
    let authorized = world.authorized(1);
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let stored = prepared.transaction().unwrap().clone();
    let waiting = facilitator.broadcast(&authorized, prepared).await;
    assert_eq!(waiting, Settlement::Unknown { transaction: Some(stored.hash) });
    world.chain.set_block_interval(None);
    let paid = paid(world.facilitator().resume(authorized.transfer(), Some(&stored), now()).await);
    assert_eq!(paid.transaction, stored.hash);
}

#[tokio::test]
async fn a_chain_that_does_not_answer_is_never_the_payers_fault() {
    let world = World::new().await;
    let proxy = Proxy::before(world.chain.url()).await;
    let facilitator = world.impatient(&proxy.url);
    let authorized = world.authorized(1);
    proxy.set(Fault::Dead);
    let malformed = Unavailable::Chain(RpcError::Malformed);
    assert_eq!(facilitator.verify(&authorized).await, Err(VerifyError::Unavailable(malformed)));
    assert_eq!(settle(&facilitator, &authorized).await, Settlement::Deferred(malformed));
    assert_eq!(facilitator.ready().await, Err(malformed));

    let nobody = world.impatient("http://127.0.0.1:1");
    let not_sent = Unavailable::Chain(RpcError::NotSent);
    assert_eq!(nobody.verify(&authorized).await, Err(VerifyError::Unavailable(not_sent)));
    assert_eq!(settle(&nobody, &authorized).await, Settlement::Deferred(not_sent));
}

/// What a settlement becomes when the requests that carry its transaction meet `fault`, each for two seconds.
async fn settled_through(world: &World, fault: Fault) -> (Proxy, Settlement) {
    let proxy = Proxy::before(world.chain.url()).await;
    let client = http_client_within(Duration::from_secs(2));
    let view = ChainView::new(client, &proxy.url, world.asset()).unwrap();
    let options = LocalOptions { confirm_timeout: Duration::from_secs(2), ..LocalOptions::default() };
    let facilitator = LocalFacilitator::new(view, wallet_key(), options);
    proxy.set(fault);
    let settlement = settle(&facilitator, &world.authorized(1)).await;
    (proxy, settlement)
}

#[tokio::test]
async fn a_timeout_before_the_node_saw_the_transaction_is_tried_again() {
    let world = World::new().await;
    let (proxy, settlement) = settled_through(&world, Fault::SwallowFirst).await;
    paid(settlement);
    assert!(proxy.sent() >= 2);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_timeout_after_the_node_took_the_transaction_pays_once() {
    let world = World::new().await;
    let (_proxy, settlement) = settled_through(&world, Fault::HangFirst).await;
    paid(settlement);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn timeouts_without_end_are_unknown_and_never_a_refusal() {
    let world = World::new().await;
    let (_proxy, settlement) = settled_through(&world, Fault::Swallow).await;
    assert!(matches!(settlement, Settlement::Unknown { transaction: Some(_) }), "{settlement:?}");
    assert_eq!(world.balance(world.payee).await, 0);
    paid(settle(&world.facilitator(), &world.authorized(1)).await);
    assert_eq!(world.balance(world.payee).await, PRICE);
}
