//! Several facilitators with one wallet: they displace each other's transactions and lose no payment.

use std::sync::Arc;
use std::time::Duration;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::signers::{SignerSync, local::PrivateKeySigner};
use alloy_primitives::{Address, B256, Bytes, TxKind};
use precis_payment::exact::Invalid;
use precis_payment::facilitator::{Facilitator, Settlement, Unavailable};
use serde_json::json;

use crate::world::*;

#[tokio::test]
async fn two_processes_with_one_wallet_do_not_lose_payments() {
    let world = World::new().await;
    let (one, two) = (world.facilitator(), world.facilitator());
    let (first, second) = (world.authorized(1), world.authorized(2));
    let (left, right) = (one.prepare(&first).await.unwrap(), two.prepare(&second).await.unwrap());
    paid(one.broadcast(&first, left).await);
    let collided = two.broadcast(&second, right).await;
    assert_eq!(collided, Settlement::Deferred(Unavailable::Displaced), "both took the same nonce");
    paid(settle(&two, &second).await);
    assert_eq!(world.balance(world.payee).await, 2 * PRICE);
    assert!(!matches!(collided, Settlement::Rejected { reason: Invalid::Transaction, .. }));
}

#[tokio::test]
async fn a_transaction_that_the_node_refuses_for_a_waiting_one_is_displaced_at_once() {
    let world = World::new().await;
    let (one, two) = (Arc::new(world.facilitator()), world.facilitator());
    let (first, second) = (world.authorized(1), world.authorized(2));
    let (left, right) = (one.prepare(&first).await.unwrap(), two.prepare(&second).await.unwrap());
    let hash = left.transaction().unwrap().hash;
    world.stop_blocks();
    let waiting = tokio::spawn(async move { one.broadcast(&first, left).await });
    world.known(hash).await;

    assert_eq!(two.broadcast(&second, right).await, Settlement::Deferred(Unavailable::Displaced));
    world.chain.set_block_interval(None);
    paid(settle(&two, &second).await);
    paid(waiting.await.unwrap());
    assert_eq!(world.balance(world.payee).await, 2 * PRICE);
}

/// A transaction of the facilitator's wallet that does nothing and pays three times as much as its settlements.
fn rival(nonce: u64) -> (B256, Bytes) {
    let body = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 9_000_000_000,
        max_priority_fee_per_gas: 9_000_000_000,
        to: TxKind::Call(Address::repeat_byte(0x55)),
        ..Default::default()
    };
    let signer = PrivateKeySigner::from_slice(&wallet_key().to_bytes()).unwrap();
    let signature = signer.sign_hash_sync(&body.signature_hash()).unwrap();
    let signed = TxEnvelope::from(body.into_signed(signature));
    (*signed.tx_hash(), signed.encoded_2718().into())
}

#[tokio::test]
async fn a_waiting_transaction_that_a_dearer_one_replaced_is_displaced_once_that_is_mined() {
    let world = World::new().await;
    let facilitator = Arc::new(world.facilitator());
    let authorized = world.authorized(1);
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let stored = prepared.transaction().unwrap().clone();
    world.stop_blocks();
    let waiting = tokio::spawn({
        let (facilitator, authorized) = (facilitator.clone(), authorized.clone());
        async move { facilitator.broadcast(&authorized, prepared).await }
    });
    world.known(stored.hash).await;
    let (hash, raw) = rival(0);
    world.chain("eth_sendRawTransaction", json!([raw])).await;
    world.known(hash).await;
    assert!(!waiting.is_finished(), "as long as it may still be mined, nobody knows");
    world.chain("evm_mine", json!([])).await;

    assert_eq!(waiting.await.unwrap(), Settlement::Deferred(Unavailable::Displaced));
    let resumed = facilitator.resume(authorized.transfer(), Some(&stored), now()).await;
    assert_eq!(resumed, Settlement::Deferred(Unavailable::Displaced));
    world.chain.set_block_interval(None);
    paid(settle(&*facilitator, &authorized).await);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_stored_transaction_beside_a_dearer_waiting_one_is_unknown_until_a_block_decides() {
    let world = World::new().await;
    let facilitator = world.impatient(world.chain.url());
    let authorized = world.authorized(1);
    let stored = facilitator.prepare(&authorized).await.unwrap().transaction().unwrap().clone();
    world.stop_blocks();
    world.chain("eth_sendRawTransaction", json!([rival(0).1])).await;
    let undecided = facilitator.resume(authorized.transfer(), Some(&stored), now()).await;
    assert_eq!(undecided, Settlement::Unknown { transaction: Some(stored.hash) });
    world.chain("evm_mine", json!([])).await;
    let decided = facilitator.resume(authorized.transfer(), Some(&stored), now()).await;
    assert_eq!(decided, Settlement::Deferred(Unavailable::Displaced));
}

/// Two facilitators with one wallet settle eight payments each, all at once.
async fn two_settle_eight_each(interval: Option<Duration>) {
    let world = World::new().await;
    world.chain.set_block_interval(interval);
    let mut settling = tokio::task::JoinSet::new();
    for (half, facilitator) in [world.facilitator(), world.facilitator()].into_iter().map(Arc::new).enumerate() {
        for nonce in 1..=8u8 {
            let authorized = world.authorized(nonce + 8 * u8::try_from(half).unwrap());
            let facilitator = facilitator.clone();
            settling.spawn(async move { paid(settle_anew(&*facilitator, &authorized).await).transaction });
        }
    }
    let mut hashes = settling.join_all().await;
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 16, "sixteen transactions");
    assert_eq!(world.balance(world.payee).await, 16 * PRICE);
}

#[tokio::test]
async fn two_facilitators_with_one_wallet_settle_everything_where_blocks_come_at_once() {
    two_settle_eight_each(None).await;
}

#[tokio::test]
async fn two_facilitators_with_one_wallet_settle_everything_where_blocks_take_time() {
    two_settle_eight_each(Some(Duration::from_millis(100))).await;
}
