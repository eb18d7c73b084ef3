//! Nodes that lag: what they do not show is never taken for evidence.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::Address;
use precis_devnet::chain::lag::{Receipts, View};
use precis_payment::authorize::authorize;
use precis_payment::chain::{Reconciled, RpcError};
use precis_payment::exact::{Authorized, Invalid};
use precis_payment::facilitator::{Facilitator, Settlement, Standing, VerifyError};
use precis_payment::local::{LocalFacilitator, LocalOptions};
use precis_payment::wire::{PaymentPayload, PaymentRequirements};
use serde_json::json;
use tokio::task::JoinSet;

use crate::nodes::Nodes;
use crate::world::*;

/// Seeds that decide which of two nodes takes a call.
const SEEDS: u64 = 8;

async fn height(world: &World) -> u64 {
    world.view().recent_block().await.unwrap().number
}

async fn mine(world: &World, blocks: u64) {
    for _ in 0..blocks {
        world.chain("evm_mine", json!([])).await;
    }
}

fn hidden(index: u64) -> View {
    View { index: Some(index), ..View::default() }
}

/// A facilitator that soon stops waiting, in a process that has seen nothing yet.
fn facilitator(world: &World, nodes: &Nodes, confirmations: u64) -> LocalFacilitator {
    let options =
        LocalOptions { confirm_timeout: Duration::from_millis(150), confirmations, ..LocalOptions::default() };
    LocalFacilitator::new(world.view_through(&nodes.url), wallet_key(), options)
}

fn is_unknown(settlement: &Settlement) -> bool {
    matches!(settlement, Settlement::Unknown { .. })
}

/// Takes a payment while receipts and logs stay hidden, however long: nothing is refused; shown, it is settled.
async fn settled_behind_the_index(confirmations: u64) {
    let world = World::new().await;
    let nodes = Nodes::before(world.chain.url()).await;
    let one = facilitator(&world, &nodes, confirmations);
    let authorized = world.authorized(1);
    let prepared = one.prepare(&authorized).await.unwrap();
    let stored = prepared.transaction().unwrap().clone();
    nodes.set(&[hidden(height(&world).await)], 0);

    let settlement = one.broadcast(&authorized, prepared).await;
    assert_eq!(settlement, Settlement::Unknown { transaction: Some(stored.hash) });
    assert_eq!(world.balance(world.payee).await, PRICE, "charged");
    for other in [&one, &facilitator(&world, &nodes, confirmations)] {
        let again = other.resume(authorized.transfer(), Some(&stored), now()).await;
        assert_eq!(again, Settlement::Unknown { transaction: Some(stored.hash) });
        assert_eq!(other.ended(authorized.transfer(), Some(&stored), now()).await, again);
        assert!(is_unknown(&settle(other, &authorized).await));
        let verified = other.verify(&authorized).await;
        assert_eq!(verified, Err(VerifyError::Unknown(RpcError::NotIndexed)), "no refusal without a finding");
    }
    // For ever: it has lapsed, blocks go by, and still nobody can tell.
    world.chain("evm_increaseTime", json!([3_600])).await;
    mine(&world, 3).await;
    let found = world.view_through(&nodes.url).reconcile(authorized.transfer(), now() - 600).await;
    assert_eq!(found, Reconciled::Unknown(RpcError::NotIndexed));
    assert!(is_unknown(&one.resume(authorized.transfer(), Some(&stored), now()).await));

    nodes.heal();
    let settled = paid(one.resume(authorized.transfer(), Some(&stored), now()).await);
    assert_eq!(settled.transaction, stored.hash);
    assert_eq!(world.balance(world.payee).await, PRICE, "once");
}

#[tokio::test]
async fn a_settlement_that_the_index_hides_is_unknown_for_ever_and_settled_once_it_is_shown() {
    settled_behind_the_index(1).await;
}

#[tokio::test]
async fn three_confirmations_make_no_difference_to_that() {
    settled_behind_the_index(3).await;
}

#[tokio::test]
async fn an_index_that_follows_block_by_block_never_costs_a_payer_a_refusal() {
    let world = World::new().await;
    let nodes = Nodes::before(world.chain.url()).await;
    for (lag, nonce) in [1, 2, 3, 6, 60].into_iter().zip(1..) {
        let one = facilitator(&world, &nodes, 1);
        let authorized = world.authorized(nonce);
        let prepared = one.prepare(&authorized).await.unwrap();
        let stored = prepared.transaction().unwrap().clone();
        let before = height(&world).await;
        nodes.set(&[hidden(before)], 0);
        assert!(is_unknown(&one.broadcast(&authorized, prepared).await));
        mine(&world, lag).await;
        // The index is so many blocks behind the state, and moves on with it.
        for index in before..=before + 1 {
            nodes.set(&[hidden(index)], 0);
            let found = one.ended(authorized.transfer(), Some(&stored), now()).await;
            if index == before {
                assert!(is_unknown(&found), "{lag}: {found:?}");
            } else {
                assert_eq!(paid(found).transaction, stored.hash);
            }
        }
        nodes.heal();
    }
    assert_eq!(world.balance(world.payee).await, 5 * PRICE);
}

#[tokio::test]
async fn what_somebody_else_submitted_is_unknown_behind_the_index_and_honoured_after() {
    let world = World::new().await;
    let nodes = Nodes::before(world.chain.url()).await;
    let payload = world.payload(1);
    let authorized = world.check(&payload);
    nodes.set(&[hidden(height(&world).await)], 0);
    let hash = world.front_run(&payload).await;
    let one = facilitator(&world, &nodes, 1);
    assert_eq!(one.verify(&authorized).await, Err(VerifyError::Unknown(RpcError::NotIndexed)));
    assert!(is_unknown(&settle(&one, &authorized).await), "nothing is sent, nothing is refused");
    nodes.heal();
    assert_eq!(paid(settle(&one, &authorized).await).transaction, hash);
    let other = facilitator(&world, &nodes, 1);
    assert!(matches!(other.verify(&authorized).await, Ok(Standing::Paid(found)) if found.transaction == hash));
}

#[tokio::test]
async fn a_refusal_names_the_transaction_that_it_rests_on() {
    let world = World::new().await;
    let (view, before) = (world.view(), now() - 600);
    world.cancel(1).await;
    let cancelled = view.reconcile(world.authorized(1).transfer(), before).await;
    assert!(matches!(cancelled, Reconciled::Cancelled(found) if found.transaction.is_some()), "{cancelled:?}");
    let hash = world.front_run(&to_itself(&world, 2)).await;
    let spent = view.reconcile(world.authorized(2).transfer(), before).await;
    assert!(matches!(spent, Reconciled::SpentElsewhere(found) if found.transaction == Some(hash)), "{spent:?}");
    // Cancelled only after its end: found there.
    let late = *world.authorized(3).transfer();
    world.chain("evm_increaseTime", json!([3_600])).await;
    mine(&world, 1).await;
    assert!(matches!(view.reconcile(&late, before).await, Reconciled::Expired(_)));
    world.cancel(3).await;
    assert!(matches!(view.reconcile(&late, before).await, Reconciled::Cancelled(_)));
}

/// The payer's own use of a nonce that it has signed for us with.
fn to_itself(world: &World, nonce: u8) -> PaymentPayload {
    let required = PaymentRequirements { pay_to: Address::repeat_byte(0x77), ..world.required() };
    authorize(&world.payer, &required, None, now(), [nonce; 32]).unwrap()
}

#[tokio::test]
async fn receipts_that_are_missing_reverted_or_of_another_block_refuse_nothing_that_is_spent() {
    let world = World::new().await;
    let nodes = Nodes::before(world.chain.url()).await;
    for (receipts, nonce) in [Receipts::Missing, Receipts::Reverted, Receipts::Misplaced].into_iter().zip(1..) {
        let one = facilitator(&world, &nodes, 1);
        let authorized = world.authorized(nonce);
        let prepared = one.prepare(&authorized).await.unwrap();
        let stored = prepared.transaction().unwrap().clone();
        nodes.set(&[View { receipts, ..View::default() }], 0);
        let settlement = one.broadcast(&authorized, prepared).await;
        assert_eq!(settlement, Settlement::Unknown { transaction: Some(stored.hash) }, "{receipts:?}");
        assert!(is_unknown(&one.resume(authorized.transfer(), Some(&stored), now()).await), "{receipts:?}");
        assert!(is_unknown(&settle(&one, &authorized).await), "{receipts:?}");
        assert!(matches!(one.verify(&authorized).await, Err(VerifyError::Unknown(_))), "{receipts:?}");
        nodes.heal();
        assert_eq!(paid(one.resume(authorized.transfer(), Some(&stored), now()).await).transaction, stored.hash);
    }
    assert_eq!(world.balance(world.payee).await, 3 * PRICE);
}

/// What the chain at its newest block has to do with a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Truth {
    /// It pays us, and has left the payer with nothing.
    Paid,
    Cancelled,
    SpentElsewhere,
    Payable,
}

/// Whether a refusal is true, by the newest block or any that a node may have shown as its newest.
fn may_refuse(truth: Truth) -> bool {
    matches!(truth, Truth::Cancelled | Truth::SpentElsewhere)
}

async fn tell(world: &World, truth: Truth, nonce: u8) -> Authorized {
    let payload = world.payload(nonce);
    match truth {
        Truth::Paid => drop(world.front_run(&payload).await),
        Truth::Cancelled => world.cancel(nonce).await,
        Truth::SpentElsewhere => drop(world.front_run(&to_itself(world, nonce)).await),
        Truth::Payable => {}
    }
    world.check(&payload)
}

/// Asks two nodes at random; how often a refusal and a payment were found.
async fn ask_two(world: Arc<World>, authorized: Authorized, truth: Truth, views: [View; 2], seed: u64) -> (u32, u32) {
    let (nodes, told) = (Nodes::before(world.chain.url()).await, format!("{truth:?}, seed {seed}, {views:?}"));
    nodes.set(&views, seed);
    let one = facilitator(&world, &nodes, 1);
    let (mut refusals, mut payments) = (0, 0);
    match one.verify(&authorized).await {
        Err(VerifyError::Invalid(reason)) => {
            assert!(may_refuse(truth) && reason == Invalid::NonceUsed, "{told}: {reason}");
            refusals += 1;
        }
        Ok(Standing::Paid(_)) => {
            assert_eq!(truth, Truth::Paid, "{told}");
            payments += 1;
        }
        Ok(Standing::Payable) | Err(VerifyError::Unknown(_) | VerifyError::Unavailable(_)) => {}
    }
    match one.ended(authorized.transfer(), None, now()).await {
        Settlement::Rejected { .. } => assert!(may_refuse(truth), "{told}"),
        Settlement::Settled(_) => assert_eq!(truth, Truth::Paid, "{told}"),
        Settlement::Unknown { .. } | Settlement::Deferred(_) => {}
    }
    (refusals, payments)
}

#[tokio::test]
async fn of_two_nodes_at_random_one_that_lags_never_brings_a_wrong_answer() {
    let world = Arc::new(World::new().await);
    let (mut refusals, mut payments) = (0, 0);
    for (truth, nonce) in [Truth::Cancelled, Truth::SpentElsewhere, Truth::Payable, Truth::Paid].into_iter().zip(1..) {
        let before = height(&world).await;
        let authorized = tell(&world, truth, nonce).await;
        if truth == Truth::Paid {
            world.drain_payer().await;
        }
        mine(&world, 2).await;
        let (late, hidden) = (View { head: Some(before), ..View::default() }, hidden(before));
        let clusters = [[View::default(), late], [View::default(), hidden], [late, hidden]];
        let mut asked = JoinSet::new();
        for (views, seed) in (0..SEEDS).flat_map(|seed| clusters.map(|views| (views, seed))) {
            asked.spawn(ask_two(Arc::clone(&world), authorized.clone(), truth, views, seed));
        }
        for (refused, paid) in asked.join_all().await {
            refusals += refused;
            payments += paid;
        }
    }
    assert!(refusals > 0 && payments > 0, "an answer that is found is given: {refusals}, {payments}");
}

#[tokio::test]
async fn an_unspent_state_from_before_our_transaction_failed_refuses_nothing() {
    let world = World::new().await;
    let nodes = Nodes::before(world.chain.url()).await;
    let payload = world.payload(1);
    let authorized = world.check(&payload);
    let one = facilitator(&world, &nodes, 1);
    let prepared = one.prepare(&authorized).await.unwrap();
    // Somebody else is faster, so that ours reverts: in the eyes of a node that lags, nobody has used it.
    let before = height(&world).await;
    let hash = world.front_run(&payload).await;
    for seed in 0..SEEDS {
        nodes.set(&[View::default(), View { head: Some(before), ..View::default() }], seed);
        let settlement = if seed == 0 {
            let prepared = one.prepare(&authorized).await;
            prepared.map_or_else(|settlement| settlement, |_| Settlement::Unknown { transaction: None })
        } else {
            one.resume(authorized.transfer(), None, now()).await
        };
        match settlement {
            Settlement::Settled(found) => assert_eq!(found.transaction, hash),
            other => assert!(!matches!(other, Settlement::Rejected { .. }), "{seed}: {other:?}"),
        }
    }
    nodes.heal();
    assert_eq!(paid(one.broadcast(&authorized, prepared).await).transaction, hash);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_lapsed_spent_authorization_costs_few_calls_and_the_next_time_none() {
    let world = World::new().await;
    let nodes = Nodes::before(world.chain.url()).await;
    world.cancel(1).await;
    let (authorized, one) = (world.authorized(1), facilitator(&world, &nodes, 1));
    // It lapses, and two thousand blocks of two seconds go by.
    for _ in 0..2_000 {
        world.chain("evm_increaseTime", json!([2])).await;
        mine(&world, 1).await;
    }
    nodes.calls();
    assert_eq!(one.verify(&authorized).await, Err(VerifyError::Invalid(Invalid::NonceUsed)));
    let first = nodes.calls();
    assert!(first.len() <= 18, "{first:?}");
    assert_eq!(one.verify(&authorized).await, Err(VerifyError::Invalid(Invalid::NonceUsed)));
    assert_eq!(nodes.calls(), [] as [String; 0]);
    // Where nobody can tell, the node is not asked by everybody who asks.
    let hidden_one = facilitator(&world, &nodes, 1);
    nodes.set(&[hidden(0)], 0);
    assert_eq!(hidden_one.verify(&authorized).await, Err(VerifyError::Unknown(RpcError::NotIndexed)));
    let second = nodes.calls();
    assert!(second.len() <= 22, "{second:?}");
    assert_eq!(hidden_one.verify(&authorized).await, Err(VerifyError::Unknown(RpcError::NotIndexed)));
    assert_eq!(nodes.calls(), [] as [String; 0]);
}

#[tokio::test]
async fn an_endpoint_that_answers_at_its_latest_block_only_is_refused_at_the_start_and_never_judged_by() {
    let world = World::new().await;
    let nodes = Nodes::before(world.chain.url()).await;
    nodes.set(&[View { latest_only: true, ..View::default() }], 0);
    let view = world.view_through(&nodes.url);
    let refused = view.check_asset().await.unwrap_err();
    assert!(refused.to_string().contains("EIP-1898"), "{refused}");
    world.cancel(1).await;
    let found = view.reconcile(world.authorized(1).transfer(), now() - 600).await;
    assert!(matches!(found, Reconciled::Unknown(_)), "{found:?}");
    nodes.heal();
    assert_eq!(view.check_asset().await, Ok(()));
}
