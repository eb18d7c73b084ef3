//! The chain's faults on demand: what tests of settlement stand on.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use crate::support::{World, world};
use alloy::primitives::{B256, U256};
use alloy_sol_types::SolCall;
use precis_devnet::chain::client::{ClientError, RpcClient};
use precis_devnet::chain::contracts::PrecisDollar;
use precis_devnet::chain::wallet::Wallet;
use precis_devnet::chain::{BASE_FEE, MAX_REORG};
use serde_json::{Value, json};

async fn receipt(rpc: &RpcClient, hash: B256) -> Option<Value> {
    rpc.call("eth_getTransactionReceipt", json!([hash])).await.unwrap()
}

async fn block(world: &World, tag: &str) -> Value {
    world.rpc.call("eth_getBlockByNumber", json!([tag, false])).await.unwrap()
}

async fn fault(world: &World, method: &'static str, params: Value) -> Value {
    world.rpc.call(method, params).await.unwrap()
}

/// Mints one unit to the payee in a block of its own; the transaction.
async fn mint(world: &World) -> B256 {
    let input = PrecisDollar::mintCall { to: world.payee, value: U256::from(1) }.abi_encode();
    world.owner.send(world.token.into(), input.into()).await.unwrap().transaction_hash
}

#[tokio::test]
async fn a_base_fee_that_jumps_is_quoted_and_paid_and_leaves_lower_offers_waiting() {
    let world = world().await;
    world.chain.set_block_interval(Some(Duration::from_secs(3_600)));
    let wallet = Wallet::new(RpcClient::new(world.chain.url()).unwrap(), world.relayer.clone()).await.unwrap();
    let payee = world.payee;
    let cheap = tokio::spawn(async move { wallet.pay(payee, U256::from(1)).await });
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while block(&world, "pending").await["transactions"].as_array().unwrap().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "nothing waits");
    }

    fault(&world, "devnet_setBaseFee", json!([U256::from(50 * BASE_FEE)])).await;
    let _: Value = world.rpc.call("evm_mine", json!([])).await.unwrap();
    let mined = block(&world, "latest").await;
    assert_eq!((&mined["baseFeePerGas"], &mined["transactions"]), (&json!("0xba43b7400"), &json!([])));
    let price: U256 = world.rpc.call("eth_gasPrice", json!([])).await.unwrap();
    assert_eq!(price, U256::from(51 * BASE_FEE));
    let history: Value = world.rpc.call("eth_feeHistory", json!(["0x1", "latest", []])).await.unwrap();
    assert_eq!(history["baseFeePerGas"], json!(["0xba43b7400", "0xba43b7400"]));

    fault(&world, "devnet_setBaseFee", json!([U256::from(BASE_FEE)])).await;
    let _: Value = world.rpc.call("evm_mine", json!([])).await.unwrap();
    assert_eq!(cheap.await.unwrap().unwrap().effective_gas_price, u128::from(2 * BASE_FEE));
}

#[tokio::test]
async fn a_reorganization_takes_blocks_state_and_transactions_back() {
    let world = world().await;
    let first = mint(&world).await;
    let before = block(&world, "latest").await;
    let (second, third) = (mint(&world).await, mint(&world).await);
    let replaced = block(&world, "latest").await;

    fault(&world, "devnet_reorg", json!(["0x2"])).await;
    assert_eq!(block(&world, "latest").await, before);
    assert_eq!(world.balance(world.payee).await, U256::from(1));
    assert!(receipt(&world.rpc, first).await.is_some());
    for gone in [second, third] {
        assert!(receipt(&world.rpc, gone).await.is_none());
        let forgotten: Value = world.rpc.call("eth_getTransactionByHash", json!([gone])).await.unwrap();
        assert_eq!(forgotten, Value::Null);
    }
    let unknown: Value = world.rpc.call("eth_getBlockByHash", json!([replaced["hash"], false])).await.unwrap();
    assert_eq!(unknown, Value::Null);

    assert_eq!(mint(&world).await, second, "the same transaction again");
    let again = block(&world, "latest").await;
    assert_eq!(again["parentHash"], before["hash"]);
    assert_eq!(world.balance(world.payee).await, U256::from(2));
}

#[tokio::test]
async fn transactions_of_blocks_that_go_can_wait_again_for_another_block() {
    let world = world().await;
    let hash = mint(&world).await;
    let first = block(&world, "latest").await;
    fault(&world, "devnet_reorg", json!(["0x1", true])).await;
    assert!(receipt(&world.rpc, hash).await.is_none());
    let _: Value = world.rpc.call("evm_mine", json!([])).await.unwrap();
    let second = block(&world, "latest").await;
    assert_eq!(receipt(&world.rpc, hash).await.unwrap()["blockHash"], second["hash"]);
    assert_eq!(second["number"], first["number"]);
    assert_ne!(second["hash"], first["hash"], "another block");
    let _: Value = world.rpc.call("devnet_reorg", json!(["0x1", true])).await.unwrap();
    assert_eq!(fault(&world, "devnet_dropPending", json!([])).await, json!(1));
    let _: Value = world.rpc.call("evm_mine", json!([])).await.unwrap();
    assert!(receipt(&world.rpc, hash).await.is_none());
}

#[tokio::test]
async fn a_reorganization_deeper_than_what_is_kept_is_refused_and_changes_nothing() {
    let world = world().await;
    for _ in 0..MAX_REORG {
        mint(&world).await;
    }
    let before = block(&world, "latest").await;
    let deep = world.rpc.call::<Value>("devnet_reorg", json!([U256::from(MAX_REORG + 1)])).await;
    assert!(matches!(deep, Err(ClientError::Refused { code: -32000, .. })), "{deep:?}");
    assert_eq!(block(&world, "latest").await, before);
    fault(&world, "devnet_reorg", json!([U256::from(MAX_REORG)])).await;
    assert_eq!(world.balance(world.payee).await, U256::ZERO);
}
