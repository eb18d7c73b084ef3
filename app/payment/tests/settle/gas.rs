//! Transactions that get stuck: gas that became dearer than they offer, and gaps before their nonce.

use std::sync::Arc;
use std::time::Duration;

use precis_payment::AtomicUnits;
use precis_payment::exact::Authorized;
use precis_payment::facilitator::{Facilitator, Settlement, SignedTransaction, Unavailable};
use precis_payment::local::{GasBudget, LocalFacilitator, LocalOptions};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::world::*;

/// 20 gwei per gas, twenty times the usual and within the usual cap.
const DEAR: &str = "0x4a817c800";
/// 320 gwei per gas, above the usual cap.
const TOO_DEAR: &str = "0x4a817c8000";
/// One gwei, what the chain starts with.
const USUAL: &str = "0x3b9aca00";

/// A chain without blocks on which the payment's transaction waits.
async fn waiting(
    world: &World,
    facilitator: &Arc<LocalFacilitator>,
    authorized: Authorized,
) -> (SignedTransaction, JoinHandle<Settlement>) {
    world.stop_blocks();
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let stored = prepared.transaction().unwrap().clone();
    let facilitator = facilitator.clone();
    let task = tokio::spawn(async move { facilitator.broadcast(&authorized, prepared).await });
    world.known(stored.hash).await;
    (stored, task)
}

/// From the next block on, which comes now.
async fn gas_costs(world: &World, base_fee: &str) {
    world.chain("devnet_setBaseFee", json!([base_fee])).await;
    world.chain("evm_mine", json!([])).await;
}

fn blocks(world: &World) {
    world.chain.set_block_interval(Some(Duration::from_millis(50)));
}

#[tokio::test]
async fn a_gas_price_above_the_first_offer_is_followed_and_pays_once() {
    let world = World::new().await;
    let facilitator = Arc::new(world.facilitator_with(pushy()));
    let authorized = world.authorized(1);
    let (stored, task) = waiting(&world, &facilitator, authorized.clone()).await;
    gas_costs(&world, DEAR).await;
    blocks(&world);

    let first = paid(task.await.unwrap());
    assert_ne!(first.transaction, stored.hash, "the replacement was mined");
    assert_eq!(world.balance(world.payee).await, PRICE);
    let later = paid(world.facilitator().resume(authorized.transfer(), Some(&stored), now()).await);
    assert_eq!(later, first, "the chain tells which one it was to those who stored the first");
    paid(settle(&*facilitator, &world.authorized(2)).await);
    assert_eq!(world.balance(world.payee).await, 2 * PRICE, "the wallet's nonces go on");
}

#[tokio::test]
async fn a_stored_transaction_that_is_stuck_is_replaced_from_its_bytes_alone() {
    let world = World::new().await;
    let authorized = world.authorized(1);
    let (stored, task) = waiting(&world, &Arc::new(world.facilitator()), authorized.clone()).await;
    task.abort();
    gas_costs(&world, DEAR).await;
    blocks(&world);
    let another = world.facilitator_with(pushy());
    let paid = paid(another.resume(authorized.transfer(), Some(&stored), now()).await);
    assert_ne!(paid.transaction, stored.hash);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_stored_transaction_that_the_node_finds_too_cheap_is_replaced_at_once() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let authorized = world.authorized(1);
    let stored = facilitator.prepare(&authorized).await.unwrap().transaction().unwrap().clone();
    gas_costs(&world, DEAR).await;
    paid(facilitator.resume(authorized.transfer(), Some(&stored), now()).await);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_transaction_that_became_too_cheap_before_it_left_is_deferred() {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let authorized = world.authorized(1);
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    gas_costs(&world, DEAR).await;
    let deferred = facilitator.broadcast(&authorized, prepared).await;
    assert!(matches!(deferred, Settlement::Deferred(Unavailable::Chain(_))), "{deferred:?}");
    paid(settle(&facilitator, &authorized).await);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_gas_price_above_the_cap_is_waited_for_and_never_paid_nor_held_against_the_payer() {
    let world = World::new().await;
    let options = LocalOptions { confirm_timeout: Duration::from_secs(1), ..pushy() };
    let facilitator = Arc::new(world.facilitator_with(options));
    let authorized = world.authorized(1);
    let (stored, task) = waiting(&world, &facilitator, authorized.clone()).await;
    gas_costs(&world, TOO_DEAR).await;
    blocks(&world);

    let unknown = Settlement::Unknown { transaction: Some(stored.hash) };
    assert_eq!(task.await.unwrap(), unknown);
    assert_eq!(facilitator.resume(authorized.transfer(), Some(&stored), now()).await, unknown);
    let next = settle(&*facilitator, &world.authorized(2)).await;
    assert_eq!(next, Settlement::Deferred(Unavailable::GasPrice));
    assert_eq!(facilitator.ready().await, Err(Unavailable::GasPrice));

    gas_costs(&world, USUAL).await;
    let paid = paid(world.facilitator().resume(authorized.transfer(), Some(&stored), now()).await);
    assert_eq!(paid.transaction, stored.hash);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_transaction_that_the_pool_forgot_is_sent_again_and_frees_the_one_behind_it() {
    let world = World::new().await;
    let facilitator = Arc::new(world.facilitator_with(pushy()));
    let (_, first) = waiting(&world, &facilitator, world.authorized(1)).await;
    world.chain("devnet_dropPending", json!([])).await;
    let (_, second) = waiting(&world, &facilitator, world.authorized(2)).await;
    blocks(&world);
    paid(first.await.unwrap());
    paid(second.await.unwrap());
    assert_eq!(world.balance(world.payee).await, 2 * PRICE);
}

#[tokio::test]
async fn a_transaction_that_is_forgotten_where_gas_is_too_dear_to_raise_is_sent_again_as_it_was() {
    let world = World::new().await;
    // What is offered first is all that may be paid.
    let options = LocalOptions { max_fee_per_gas: 3_000_000_000, ..pushy() };
    let facilitator = Arc::new(world.facilitator_with(options));
    let (stored, task) = waiting(&world, &facilitator, world.authorized(1)).await;
    world.chain("devnet_dropPending", json!([])).await;
    world.known(stored.hash).await;
    blocks(&world);
    assert_eq!(paid(task.await.unwrap()).transaction, stored.hash);
}

#[tokio::test]
async fn a_price_is_worth_its_settlement_only_while_gas_costs_a_share_of_it() {
    let world = World::new().await;
    // A coin is worth 3000 dollars: at 2 gwei a settlement costs 0.6 dollars, at 21 gwei 6.3.
    let budget = Some(GasBudget { share_percent: 50, units_per_coin: 3_000_000_000 });
    let facilitator = world.facilitator_with(LocalOptions { budget, ..LocalOptions::default() });
    let worth = |cents: u128| facilitator.affordable(AtomicUnits::from(cents * 10_000));
    assert_eq!(worth(0), Ok(()), "nobody has asked yet what gas costs");
    assert_eq!(facilitator.ready().await, Ok(()));
    assert_eq!((worth(119), worth(121)), (Err(Unavailable::GasPrice), Ok(())));
    gas_costs(&world, DEAR).await;
    assert_eq!(facilitator.ready().await, Ok(()), "it can settle");
    assert_eq!((worth(1_200), worth(1_270)), (Err(Unavailable::GasPrice), Ok(())));
    // What is sold already is settled all the same.
    paid(settle(&facilitator, &world.authorized(1)).await);
    gas_costs(&world, TOO_DEAR).await;
    assert_eq!(facilitator.ready().await, Err(Unavailable::GasPrice));
    assert_eq!(worth(100_000_000), Err(Unavailable::GasPrice), "above the absolute cap");
    gas_costs(&world, USUAL).await;
    assert_eq!(facilitator.ready().await, Ok(()));
    assert_eq!(worth(121), Ok(()));

    let without = world.facilitator_with(LocalOptions::default());
    assert_eq!(without.ready().await, Ok(()));
    assert_eq!(without.affordable(AtomicUnits::from(1)), Ok(()), "without a rate only the absolute cap holds");
}
