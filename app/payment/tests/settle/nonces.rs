//! The nonce manager: transactions go side by side, each is followed until it is mined, and what somebody left behind
//! blocks nobody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alloy_primitives::{B256, U256};
use async_trait::async_trait;
use precis_payment::authorize::address_of;
use precis_payment::exact::{Authorized, Transfer};
use precis_payment::facilitator::{Facilitator, Settlement, SignedTransaction};
use precis_payment::local::{LeaseError, LocalFacilitator, LocalOptions, NonceLeases};
use precis_payment::{AtomicUnits, own};
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};

use crate::world::*;

/// 20 gwei per gas, twenty times the usual and within the usual cap.
const DEAR: &str = "0x4a817c800";

/// What replicas share: who has which nonce, and until when.
type Register = Arc<Mutex<HashMap<u64, (u8, Instant)>>>;

struct Replica {
    register: Register,
    number: u8,
}

#[async_trait]
impl NonceLeases for Replica {
    async fn lease(&self, nonce: u64, time: Duration) -> Result<bool, LeaseError> {
        let (mut register, now) = (self.register.lock().unwrap(), Instant::now());
        let theirs = register.get(&nonce).is_some_and(|(holder, until)| *holder != self.number && *until > now);
        if !theirs {
            register.insert(nonce, (self.number, now + time));
        }
        Ok(!theirs)
    }

    async fn release(&self, nonce: u64) {
        self.register.lock().unwrap().retain(|held, (holder, _)| *held != nonce || *holder != self.number);
    }
}

fn replica(world: &World, register: &Register, number: u8, options: LocalOptions) -> Arc<LocalFacilitator> {
    let leases = Arc::new(Replica { register: register.clone(), number });
    Arc::new(LocalFacilitator::sharing(world.view(), wallet_key(), options, leases))
}

/// A replica is gone, and the time of its leases with it.
fn bury(register: &Register, number: u8) {
    register.lock().unwrap().retain(|_, (holder, _)| *holder != number);
}

/// Settles in the background; answers once the transaction waits at the node.
async fn send(
    world: &World,
    facilitator: &Arc<LocalFacilitator>,
    authorized: Authorized,
) -> (SignedTransaction, JoinHandle<Settlement>) {
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let stored = prepared.transaction().unwrap().clone();
    let facilitator = facilitator.clone();
    let task = tokio::spawn(async move { facilitator.broadcast(&authorized, prepared).await });
    world.known(stored.hash).await;
    (stored, task)
}

async fn gas_becomes_dear(world: &World) {
    world.chain("devnet_setBaseFee", json!([DEAR])).await;
    world.chain("evm_mine", json!([])).await;
    world.chain.set_block_interval(Some(Duration::from_millis(50)));
}

async fn earned(world: &World, payments: u64) {
    world.until(async || world.balance(world.payee).await == payments * PRICE).await;
}

#[tokio::test]
async fn nobody_waits_for_a_block_before_the_next_transaction_is_sent() {
    let world = World::new().await;
    let facilitator = Arc::new(world.facilitator());
    world.stop_blocks();
    let mut tasks = Vec::new();
    for nonce in 1..=5 {
        tasks.push(send(&world, &facilitator, world.authorized(nonce)).await.1);
    }
    world.chain("evm_mine", json!([])).await;
    let mut blocks = Vec::new();
    for task in tasks {
        blocks.push(paid(task.await.unwrap()).block);
    }
    blocks.dedup();
    assert_eq!(blocks.len(), 1, "all five in one block");
}

#[tokio::test]
async fn a_transaction_whose_caller_has_gone_is_followed_and_pays_what_gas_costs() {
    let world = World::new().await;
    let facilitator = Arc::new(world.facilitator_with(pushy()));
    world.stop_blocks();
    let (_, task) = send(&world, &facilitator, world.authorized(1)).await;
    task.abort();
    gas_becomes_dear(&world).await;
    earned(&world, 1).await;
}

#[tokio::test]
async fn a_kill_with_a_settlement_pending_and_a_base_fee_that_rises_blocks_nobody() {
    let world = World::new().await;
    let before = Arc::new(world.facilitator());
    world.stop_blocks();
    let authorized = world.authorized(1);
    let (stored, task) = send(&world, &before, authorized.clone()).await;
    task.abort();
    drop(before);
    gas_becomes_dear(&world).await;

    // Nothing tells this one of the transaction but the node's two counts.
    let after = world.facilitator_with(pushy());
    paid(settle(&after, &world.authorized(2)).await);
    assert_eq!(world.balance(world.payee).await, PRICE);
    // The first payment was displaced, and is made again.
    let resumed = after.resume(authorized.transfer(), Some(&stored), now()).await;
    assert!(matches!(resumed, Settlement::Deferred(_)), "{resumed:?}");
    paid(settle(&after, &authorized).await);
    assert_eq!(world.balance(world.payee).await, 2 * PRICE);
}

#[tokio::test]
async fn what_the_ledger_stored_of_an_earlier_life_is_followed_without_being_asked_for() {
    let world = World::new().await;
    let before = Arc::new(world.facilitator());
    world.stop_blocks();
    let (stored, task) = send(&world, &before, world.authorized(1)).await;
    task.abort();
    drop(before);
    gas_becomes_dear(&world).await;

    let after = world.facilitator_with(pushy());
    after.adopt(&stored);
    paid(settle(&after, &world.authorized(2)).await);
    // The same call was offered for more: both were paid, although nobody resumed the first.
    earned(&world, 2).await;
}

#[tokio::test]
async fn a_call_that_has_lapsed_gives_way_to_one_that_only_uses_its_nonce() {
    let world = World::new().await;
    let facilitator = Arc::new(world.facilitator_with(pushy()));
    world.stop_blocks();
    let (_, task) = send(&world, &facilitator, world.authorized(1)).await;
    task.abort();
    world.chain("evm_increaseTime", json!([3600])).await;
    gas_becomes_dear(&world).await;
    let wallet = facilitator.address();
    world
        .until(async || {
            let mined = world.rpc.call::<U256>("eth_getTransactionCount", json!([wallet, "latest"])).await.unwrap();
            mined == U256::from(1)
        })
        .await;
    assert_eq!(world.balance(world.payee).await, 0);
    // It did nothing: a transfer that reverts costs more gas than that.
    let block: serde_json::Value = world.rpc.call("eth_getBlockByNumber", json!(["latest", false])).await.unwrap();
    let number: U256 = serde_json::from_value(block["number"].clone()).unwrap();
    let mut used = U256::ZERO;
    for number in 0..=number.to::<u64>() {
        let tag = format!("{number:#x}");
        let receipts: Vec<serde_json::Value> = world.rpc.call("eth_getBlockReceipts", json!([tag])).await.unwrap();
        let of_wallet = receipts.iter().filter(|receipt| receipt["from"] == json!(wallet));
        used +=
            of_wallet.map(|receipt| serde_json::from_value::<U256>(receipt["gasUsed"].clone()).unwrap()).sum::<U256>();
    }
    assert_eq!(used, U256::from(21_000));
}

#[tokio::test]
async fn replicas_that_share_a_register_never_use_one_nonce_twice() {
    let world = Arc::new(World::new().await);
    world.chain.set_block_interval(Some(Duration::from_millis(100)));
    let register = Register::default();
    let mut settling = JoinSet::new();
    for number in 0..3u8 {
        let facilitator = replica(&world, &register, number, LocalOptions::default());
        for payment in 0..12u8 {
            let (facilitator, authorized) = (facilitator.clone(), world.authorized(1 + 12 * number + payment));
            // Once, not anew: a collision would be a settlement that is displaced.
            settling.spawn(async move { paid(settle(&*facilitator, &authorized).await).transaction });
        }
    }
    let mut hashes: Vec<B256> = settling.join_all().await;
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 36);
    assert_eq!(world.balance(world.payee).await, 36 * PRICE);
}

#[tokio::test]
async fn a_nonce_gap_that_a_dead_replica_left_is_closed() {
    let world = World::new().await;
    let register = Register::default();
    let (dead, alive) = (replica(&world, &register, 1, pushy()), replica(&world, &register, 2, pushy()));
    // It has its nonce, and dies before it sends.
    let prepared = dead.prepare(&world.authorized(1)).await.unwrap();
    let authorized = world.authorized(2);
    let waiting = alive.prepare(&authorized).await.unwrap();
    std::mem::forget(prepared);
    drop(dead);
    bury(&register, 1);
    paid(alive.broadcast(&authorized, waiting).await);
    paid(settle(&*alive, &world.authorized(1)).await);
    assert_eq!(world.balance(world.payee).await, 2 * PRICE);
}

#[tokio::test]
async fn a_replica_that_dies_with_a_transaction_stuck_leaves_it_to_the_others() {
    let world = World::new().await;
    let register = Register::default();
    let (dead, alive) = (replica(&world, &register, 1, pushy()), replica(&world, &register, 2, pushy()));
    world.stop_blocks();
    let (_, task) = send(&world, &dead, world.authorized(1)).await;
    let (_, behind) = send(&world, &alive, world.authorized(2)).await;
    task.abort();
    drop(dead);
    bury(&register, 1);
    gas_becomes_dear(&world).await;
    paid(behind.await.unwrap());
    paid(settle(&*alive, &world.authorized(1)).await);
    assert_eq!(world.balance(world.payee).await, 2 * PRICE);
}

#[tokio::test]
async fn settlements_of_jobs_that_have_ended_survive_a_reorganization() {
    let world = World::new().await;
    let facilitator = world.facilitator_with(pushy());
    for nonce in 1..=3 {
        paid(settle(&facilitator, &world.authorized(nonce)).await);
    }
    world.chain("devnet_reorg", json!(["0x3", false])).await;
    world.chain("evm_mine", json!([])).await;
    // Nobody asks for them any more.
    earned(&world, 3).await;
    paid(settle(&facilitator, &world.authorized(4)).await);
    assert_eq!(world.balance(world.payee).await, 4 * PRICE);
}

#[tokio::test]
async fn refunds_sweeps_and_settlements_share_the_nonces_of_one_owner() {
    let world = World::new().await;
    let facilitator = Arc::new(world.facilitator());
    let wallet = wallet_key();
    world.mint(address_of(&wallet), PURSE).await;
    world.stop_blocks();
    let asset = world.asset();
    let own = |nonce: u8, to| {
        let transfer = Transfer {
            network: asset.network,
            asset: asset.address,
            from: address_of(&wallet),
            to,
            value: AtomicUnits::from(u128::from(PRICE)),
            valid_after: U256::ZERO,
            valid_before: U256::from(now() + 3600),
            nonce: B256::repeat_byte(nonce),
        };
        own::sign(&wallet, &asset.domain, transfer).unwrap()
    };
    let orders =
        [world.authorized(1), own(0x2f, address_of(&world.payer)), own(0x3f, world.payee), world.authorized(2)];
    let mut tasks = Vec::new();
    for order in orders {
        tasks.push(send(&world, &facilitator, order).await.1);
    }
    world.chain("evm_mine", json!([])).await;
    for task in tasks {
        paid(task.await.unwrap());
    }
    assert_eq!(world.balance(world.payee).await, 3 * PRICE);
    assert_eq!(world.balance(address_of(&world.payer)).await, PURSE - PRICE);
}
