//! The chain from outside: what a client may rely on.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use crate::support::{CHAIN_ID, World, chain, fund, key, world};
use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::network::{TransactionBuilder, TxSignerSync};
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::providers::Provider;
use alloy::rpc::types::{Filter, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy_sol_types::SolEvent;
use precis_devnet::chain::MAX_REORG;
use precis_devnet::chain::client::{ClientError, RpcClient};
use precis_devnet::chain::contracts::{DOLLAR, PrecisDollar};
use serde_json::{Value, json};

/// A signed transfer of one wei.
fn raw(signer: &PrivateKeySigner, nonce: u64) -> (B256, Bytes) {
    let mut body = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 3_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(Address::repeat_byte(0x77)),
        value: U256::from(1),
        ..Default::default()
    };
    let signature = signer.sign_transaction_sync(&mut body).unwrap();
    let envelope = TxEnvelope::from(body.into_signed(signature));
    (*envelope.tx_hash(), envelope.encoded_2718().into())
}

async fn receipt(rpc: &RpcClient, hash: B256) -> Option<Value> {
    rpc.call("eth_getTransactionReceipt", json!([hash])).await.unwrap()
}

/// Posts `body` as it is and answers the parsed response.
async fn post(url: &str, body: Vec<u8>) -> (u16, Value) {
    let response = reqwest::Client::new().post(url).body(body).send().await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_relayer_settles_for_a_payer_without_gas() {
    let world = world().await;
    let provider = world.provider(world.relayer.clone());
    let authorization = world.authorization(3, 1);
    let request =
        TransactionRequest::default().with_to(world.token).with_input(world.transfer(&authorization, &world.payer));

    let sent = provider.send_transaction(request).await.unwrap();
    let receipt = sent.get_receipt().await.unwrap();

    assert!(receipt.status());
    assert_eq!(receipt.from, world.relayer.address());
    assert!(receipt.gas_used < 120_000, "{}", receipt.gas_used);
    assert_eq!(world.balance(world.payee).await, U256::from(3 * DOLLAR));
    assert_eq!(world.balance(world.payer.address()).await, U256::from(97 * DOLLAR));
    assert_eq!(provider.get_balance(world.payer.address()).await.unwrap(), U256::ZERO);
    let transfer = receipt.logs().iter().find_map(|log| PrecisDollar::Transfer::decode_log(&log.inner).ok()).unwrap();
    assert_eq!(
        (transfer.from, transfer.to, transfer.value),
        (authorization.from, authorization.to, authorization.value)
    );
}

#[tokio::test]
async fn a_replayed_authorization_reverts_with_its_reason() {
    let world = world().await;
    let input = world.transfer(&world.authorization(1, 1), &world.payer);
    world.owner.send(world.token.into(), input.clone()).await.unwrap();

    let refusal = world.refusal(world.token, input.clone()).await;
    assert_eq!(refusal, (3, "execution reverted: FiatTokenV2: authorization is used or canceled".to_owned()));

    // Forced into a block all the same, it fails there and moves nothing.
    let provider = world.provider(world.relayer.clone());
    let request = TransactionRequest::default().with_to(world.token).with_input(input).with_gas_limit(200_000);
    let receipt = provider.send_transaction(request).await.unwrap().get_receipt().await.unwrap();
    assert!(!receipt.status());
    assert!(receipt.logs().is_empty());
    assert_eq!(world.balance(world.payee).await, U256::from(DOLLAR));
}

#[tokio::test]
async fn alloy_sees_a_revert_as_a_revert() {
    let world = world().await;
    let provider = world.provider(world.relayer.clone());
    let input = world.transfer(&world.authorization(500, 1), &world.payer);
    let request = TransactionRequest::default().with_to(world.token).with_input(input);
    let error = provider.call(request.clone()).await.unwrap_err();
    let payload = error.as_error_resp().unwrap();
    assert_eq!(payload.code, 3);
    assert!(payload.message.contains("transfer amount exceeds balance"), "{}", payload.message);
    let data = payload.as_revert_data().unwrap();
    assert_eq!(data[..4], [0x08, 0xc3, 0x79, 0xa0]);
    assert!(provider.estimate_gas(request).await.unwrap_err().as_error_resp().unwrap().as_revert_data().is_some());
}

#[tokio::test]
async fn future_nonces_wait_until_the_gap_closes() {
    let chain = chain().await;
    let rpc = RpcClient::new(chain.url()).unwrap();
    let signer = key(5);
    fund(&rpc, signer.address()).await;
    let count = async |tag: &str| -> String {
        rpc.call("eth_getTransactionCount", json!([signer.address(), tag])).await.unwrap()
    };

    let later: Vec<(B256, Bytes)> = [2, 1].into_iter().map(|nonce| raw(&signer, nonce)).collect();
    for (hash, bytes) in &later {
        let answered: B256 = rpc.call("eth_sendRawTransaction", json!([bytes])).await.unwrap();
        assert_eq!(answered, *hash);
        assert!(receipt(&rpc, *hash).await.is_none());
        let waiting: Value = rpc.call("eth_getTransactionByHash", json!([hash])).await.unwrap();
        assert_eq!(waiting["blockHash"], Value::Null);
    }
    assert_eq!((count("latest").await.as_str(), count("pending").await.as_str()), ("0x0", "0x0"));

    let (first, bytes) = raw(&signer, 0);
    let _: B256 = rpc.call("eth_sendRawTransaction", json!([bytes])).await.unwrap();
    for hash in [first, later[0].0, later[1].0] {
        assert_eq!(receipt(&rpc, hash).await.unwrap()["status"], "0x1");
    }
    assert_eq!((count("latest").await.as_str(), count("pending").await.as_str()), ("0x3", "0x3"));
    let again = rpc.call::<B256>("eth_sendRawTransaction", json!([bytes])).await.unwrap_err();
    assert!(again.to_string().contains("already known"), "{again}");
}

#[tokio::test]
async fn interval_mining_hides_the_receipt_until_the_block() {
    let chain = chain().await;
    let rpc = RpcClient::new(chain.url()).unwrap();
    let signer = key(5);
    fund(&rpc, signer.address()).await;
    chain.set_block_interval(Some(Duration::from_secs(3_600)));

    let (hash, bytes) = raw(&signer, 0);
    let _: B256 = rpc.call("eth_sendRawTransaction", json!([bytes])).await.unwrap();
    assert!(receipt(&rpc, hash).await.is_none());
    let count = |tag: &'static str| rpc.call::<String>("eth_getTransactionCount", json!([signer.address(), tag]));
    assert_eq!((count("latest").await.unwrap(), count("pending").await.unwrap()), ("0x0".into(), "0x1".into()));
    let pending: Value = rpc.call("eth_getBlockByNumber", json!(["pending", false])).await.unwrap();
    assert_eq!(pending["transactions"], json!([hash]));

    let _: Value = rpc.call("evm_mine", json!([])).await.unwrap();
    assert_eq!(receipt(&rpc, hash).await.unwrap()["blockNumber"], "0x1");
}

#[tokio::test]
async fn a_short_interval_mines_by_itself_and_its_end_mines_at_once() {
    let world = world().await;
    world.chain.set_block_interval(Some(Duration::from_millis(20)));
    let provider = world.provider(world.relayer.clone());
    let request = TransactionRequest::default().with_to(world.payee).with_value(U256::from(1));
    let sent = provider.send_transaction(request).await.unwrap();
    let mined = tokio::time::timeout(Duration::from_secs(20), sent.get_receipt()).await.unwrap().unwrap();
    assert!(mined.status());

    world.chain.set_block_interval(Some(Duration::from_secs(3_600)));
    let (hash, bytes) = raw(&world.relayer, 1);
    let _: B256 = world.rpc.call("eth_sendRawTransaction", json!([bytes])).await.unwrap();
    world.chain.set_block_interval(None);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while receipt(&world.rpc, hash).await.is_none() {
        assert!(tokio::time::Instant::now() < deadline, "the end of the interval did not mine what waited");
    }
}

#[tokio::test]
async fn logs_are_selected_by_address_range_topic_and_block_hash() {
    let world = world().await;
    let provider = world.provider(world.relayer.clone());
    let mut receipts = Vec::new();
    for nonce in [1, 2, 3] {
        let input = world.transfer(&world.authorization(u64::from(nonce), nonce), &world.payer);
        let request = TransactionRequest::default().with_to(world.token).with_input(input);
        receipts.push(provider.send_transaction(request).await.unwrap().get_receipt().await.unwrap());
    }
    let used = Filter::new().address(world.token).event_signature(PrecisDollar::AuthorizationUsed::SIGNATURE_HASH);
    let count = async |filter: Filter| provider.get_logs(&filter).await.unwrap().len();

    // Topics: one value, any of several, any value before a fixed one, and a value that never was.
    let all = used.clone().from_block(0);
    assert_eq!(count(all.clone()).await, 3);
    assert_eq!(count(all.clone().topic2(B256::repeat_byte(2))).await, 1);
    assert_eq!(count(all.clone().topic2(vec![B256::repeat_byte(1), B256::repeat_byte(3)])).await, 2);
    assert_eq!(count(all.clone().topic2(B256::repeat_byte(9))).await, 0);
    assert_eq!(count(Filter::new().from_block(0).topic2(B256::repeat_byte(2))).await, 1);

    // Range and hash.
    let second = &receipts[1];
    let number = second.block_number.unwrap();
    assert_eq!(count(used.clone().select(number..=number)).await, 1);
    assert_eq!(count(used.clone().from_block(number)).await, 2);
    assert_eq!(count(used.clone()).await, 1);
    assert_eq!(count(used.clone().at_block_hash(second.block_hash.unwrap())).await, 1);
    assert_eq!(count(all.clone().address(Address::repeat_byte(1))).await, 0);

    let log = provider.get_logs(&all.topic2(B256::repeat_byte(2))).await.unwrap().remove(0);
    assert_eq!(log.transaction_hash, Some(second.transaction_hash));
    assert_eq!(log.block_hash, second.block_hash);
    assert!(log.block_timestamp.is_some());

    let unknown = Filter::new().at_block_hash(B256::repeat_byte(7));
    assert!(provider.get_logs(&unknown).await.is_err());
    let reversed = world.rpc.call::<Value>("eth_getLogs", json!([{"fromBlock": "0x3", "toBlock": "0x1"}])).await;
    assert!(matches!(reversed, Err(ClientError::Refused { code: -32602, .. })), "{reversed:?}");
}

#[tokio::test]
async fn blocks_link_up_and_hash_to_what_they_say() {
    let world = world().await;
    let provider = world.provider(world.relayer.clone());
    let latest = provider.get_block_number().await.unwrap();
    let mut parent = B256::ZERO;
    for number in 0..=latest {
        let block = provider.get_block_by_number(number.into()).full().await.unwrap().unwrap();
        assert_eq!(block.header.inner.hash_slow(), block.header.hash);
        assert_eq!(block.header.parent_hash, parent);
        parent = block.header.hash;
        if !block.transactions.is_empty() {
            let root = block.header.transactions_root;
            let bodies = block.map_transactions(|transaction| transaction.into_inner());
            assert_eq!(bodies.calculate_transactions_root(), Some(root));
        }
    }
    for tag in ["latest", "safe", "finalized"] {
        let block: Value = world.rpc.call("eth_getBlockByNumber", json!([tag, false])).await.unwrap();
        assert_eq!(block["hash"], json!(parent));
    }
    let missing: Value = world.rpc.call("eth_getBlockByNumber", json!(["0xffff", false])).await.unwrap();
    assert_eq!(missing, Value::Null);
}

#[tokio::test]
async fn a_call_at_a_block_is_answered_from_its_state_and_refused_where_that_is_not_kept() {
    let world = world().await;
    let balance = async |block: Value| {
        let params = json!([Address::repeat_byte(0x42), block]);
        world.rpc.call::<U256>("eth_getBalance", params).await
    };
    let block = async || world.rpc.call::<Value>("eth_getBlockByNumber", json!(["latest", false])).await.unwrap();
    let mine = async || drop(world.rpc.call::<Value>("evm_mine", json!([])).await.unwrap());
    let before = block().await;
    mine().await;
    let gift = json!([Address::repeat_byte(0x42), U256::from(7)]);
    let _: Value = world.rpc.call("anvil_setBalance", gift).await.unwrap();
    for old in [before["number"].clone(), json!({"blockHash": before["hash"], "requireCanonical": true})] {
        assert_eq!(balance(old).await.unwrap(), U256::ZERO);
    }
    let now = block().await;
    for latest in [now["number"].clone(), json!({"blockHash": now["hash"]}), json!("finalized")] {
        assert_eq!(balance(latest).await.unwrap(), U256::from(7));
    }
    for _ in 0..MAX_REORG {
        mine().await;
    }
    assert_eq!(balance(now["number"].clone()).await.unwrap(), U256::from(7), "the oldest that is kept");
    for refused in [before["number"].clone(), json!("0xffff"), json!({"blockHash": B256::repeat_byte(1)})] {
        assert!(matches!(balance(refused).await, Err(ClientError::Refused { code: -32000, .. })));
    }
}

#[tokio::test]
async fn a_transaction_that_cannot_be_executed_is_refused_at_once() {
    let world = world().await;
    let send = async |bytes: Bytes| match world.rpc.call::<B256>("eth_sendRawTransaction", json!([bytes])).await {
        Err(ClientError::Refused { code, message, .. }) => (code, message),
        other => panic!("{other:?}"),
    };
    let (code, message) = send(raw(&world.payer, 0).1).await;
    assert!(code == -32000 && message.contains("insufficient funds"), "{message}");
    let (code, message) = send(raw(&world.payer, 0).1.slice(..40)).await;
    assert!(code == -32602 && message.contains("undecodable"), "{message}");

    let sign = |change: fn(&mut TxEip1559)| {
        let mut body = TxEip1559 {
            chain_id: CHAIN_ID,
            gas_limit: 21_000,
            max_fee_per_gas: 3_000_000_000,
            to: TxKind::Call(Address::ZERO),
            ..Default::default()
        };
        change(&mut body);
        let signature = world.relayer.sign_transaction_sync(&mut body).unwrap();
        Bytes::from(TxEnvelope::from(body.into_signed(signature)).encoded_2718())
    };
    type Change = fn(&mut TxEip1559);
    let cases: [(Change, &str); 4] = [
        (|body| body.chain_id = 1, "chain id"),
        (|body| body.gas_limit = 20_999, "intrinsic gas too low"),
        (|body| body.gas_limit = 30_000_001, "exceeds block gas limit"),
        (|body| body.max_fee_per_gas = 999_999_999, "less than block base fee"),
    ];
    for (change, words) in cases {
        let (code, message) = send(sign(change)).await;
        assert!(code == -32000 && message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn a_plain_payment_costs_its_value_and_21000_gas() {
    let world = world().await;
    let before: U256 = world.rpc.call("eth_getBalance", json!([world.owner.address()])).await.unwrap();
    let receipt = world.owner.pay(world.payee, U256::from(5)).await.unwrap();
    let after: U256 = world.rpc.call("eth_getBalance", json!([world.owner.address()])).await.unwrap();
    assert_eq!((receipt.gas_used, receipt.effective_gas_price), (21_000, 2_000_000_000));
    assert_eq!(before - after, U256::from(5 + 21_000 * 2_000_000_000u64));
}

#[tokio::test]
async fn the_clock_can_be_moved_ahead() {
    let world = world().await;
    let input = world.transfer(&world.authorization(1, 1), &world.payer);
    let ahead: u64 = world.rpc.call("evm_increaseTime", json!([7_200])).await.unwrap();
    assert_eq!(ahead, 7_200);
    let (_, message) = world.refusal(world.token, input).await;
    assert!(message.ends_with("authorization is expired"), "{message}");
}

#[tokio::test]
async fn a_batch_is_answered_in_order_with_one_answer_each() {
    let chain = chain().await;
    let batch = json!([
        {"jsonrpc": "2.0", "id": 7, "method": "eth_chainId"},
        {"jsonrpc": "2.0", "id": "x", "method": "eth_sendTransaction", "params": [{}]},
        {"jsonrpc": "2.0", "id": 9, "method": "eth_getBalance", "params": ["0x12"]},
    ]);
    let (status, answers) = post(chain.url(), batch.to_string().into_bytes()).await;
    assert_eq!(status, 200);
    assert_eq!(answers[0], json!({"jsonrpc": "2.0", "id": 7, "result": "0x7a69"}));
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!("x"), &json!(-32601)));
    assert_eq!((&answers[2]["id"], &answers[2]["error"]["code"]), (&json!(9), &json!(-32602)));
}

#[tokio::test]
async fn garbage_gets_an_error_and_the_next_request_an_answer() {
    let chain = chain().await;
    let deep = [b"[".repeat(50_000), b"]".repeat(50_000)].concat();
    for body in [b"".to_vec(), b"{".to_vec(), vec![0xff; 64], deep] {
        let (status, answer) = post(chain.url(), body).await;
        assert_eq!((status, &answer["error"]["code"]), (200, &json!(-32700)));
    }
    let (status, _) = post(chain.url(), vec![b' '; (4 << 20) + 1]).await;
    assert_eq!(status, 413);
    // Parameters of wrong kinds, for every method that takes some.
    let methods = [
        "eth_feeHistory",
        "eth_getBalance",
        "eth_getCode",
        "eth_getStorageAt",
        "eth_getTransactionCount",
        "eth_call",
        "eth_estimateGas",
        "eth_sendRawTransaction",
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
        "eth_getBlockReceipts",
        "eth_getBlockByNumber",
        "eth_getBlockByHash",
        "eth_getLogs",
        "anvil_setBalance",
        "anvil_setCode",
        "evm_increaseTime",
        "evm_setIntervalMining",
        "devnet_setBaseFee",
        "devnet_reorg",
    ];
    for method in methods {
        for params in [json!([]), json!([[], {}]), json!(["0xzz", "0xzz"]), json!([-1, 1e300, true]), json!("no")] {
            let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
            let (status, answer) = post(chain.url(), request.to_string().into_bytes()).await;
            assert_eq!((status, &answer["error"]["code"]), (200, &json!(-32602)), "{request}");
        }
    }
    // Code that never ends.
    let endless = json!([{"input": "0x5b600056"}]);
    let rpc = RpcClient::new(chain.url()).unwrap();
    assert!(matches!(rpc.call::<Bytes>("eth_call", endless).await, Err(ClientError::Refused { code: -32000, .. })));
    let id: String = rpc.call("eth_chainId", json!([])).await.unwrap();
    assert_eq!(id, "0x7a69");
}

#[tokio::test]
async fn a_dropped_chain_stops_listening() {
    let World { chain, rpc, .. } = world().await;
    drop(chain);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while rpc.call::<String>("eth_chainId", json!([])).await.is_ok() {
        assert!(tokio::time::Instant::now() < deadline, "the chain still answers");
    }
}
