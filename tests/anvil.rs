//! The service on a chain and a token that others wrote: a mempool, blocks that come when they come, the code behind USDC.
//!
//! Needs node and the packages that scripts/setup installs, like the conformance tests.
#![allow(clippy::unwrap_used)]

use alloy_primitives::{Address, B256, U256};
use anyhow::{Context as _, ensure};
use precis_payment::wire;
use precis_tests::anvil::{Anvil, AnvilStack, installed};
use precis_tests::http::{self, Ask};
use precis_tests::payer::send_paid;
use serde_json::{Value, json};

/// Seconds between two blocks, as on Base.
const BLOCK_TIME: u64 = 2;
const DOCUMENT: &str =
    "The canal is 82 kilometres long. A ship needs about ten hours to pass it. Locks lift it 26 metres above the sea.";

async fn pays() -> anyhow::Result<()> {
    let town = AnvilStack::start(BLOCK_TIME, &[]).await?;
    let (stack, client, payer) = (&town.stack, http::client()?, town.stack.payer()?);
    let (chain, origin) = (town.anvil.chain(&town.token)?, stack.server.url.as_str());
    let ask = Ask::json(DOCUMENT, json!({}));
    let quote = ask.send(&client, origin, &[]).await?.quote()?;
    let required = quote.accepts.first().context("no requirements")?;
    ensure!(required.asset == town.token.address, "asset {}", required.asset);
    let price = required.amount.get();
    let pay_to = required.pay_to;
    let balances = async || anyhow::Ok((chain.tokens(payer.address).await?, chain.tokens(pay_to).await?));
    let before = balances().await?;

    let payment = wire::encode(&payer.authorize(required)?)?;
    let first = send_paid(&client, origin, &ask, &payment).await?;
    ensure!(first.status == 200, "{}: {}", first.status, first.text());
    let settled = balances().await?;
    ensure!(before.0 - settled.0 == price && settled.1 - before.1 == price, "{before:?}, {settled:?}, price {price}");
    ensure!(chain.gas(payer.address).await?.is_zero(), "the payer holds gas");
    let transaction = first.json()?["receipt"]["payment"]["transaction"].clone();
    let mined = town.anvil.rpc("eth_getTransactionReceipt", json!([transaction])).await?;
    let called: Address = serde_json::from_value(mined["to"].clone())?;
    ensure!(mined["status"] == "0x1" && called == town.token.address, "{mined}");

    // Two more blocks: whatever a replay might have sent would be in them.
    let again = send_paid(&client, origin, &ask, &payment).await?;
    town.anvil.mine(2).await?;
    ensure!(again.status == 200 && again.body == first.body, "{}: {}", again.status, again.text());
    ensure!(balances().await? == settled, "the replay was charged");
    Ok(())
}

#[tokio::test]
async fn a_payment_in_circles_token_settles_in_the_next_block_and_its_replay_is_free() {
    if installed() {
        pays().await.unwrap();
    }
}

/// Sends one wei from the token's administrator to `to`.
async fn wei(anvil: &Anvil, from: Address, to: Address) -> anyhow::Result<B256> {
    let hash = anvil.rpc("eth_sendTransaction", json!([{ "from": from, "to": to, "value": "0x1" }])).await?;
    Ok(serde_json::from_value(hash)?)
}

async fn does_as_told() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let anvil = Anvil::start(dir.path(), None).await?;
    let (payer, other) = (Address::repeat_byte(0xaa), Address::repeat_byte(0xbb));
    let token = anvil.fiat_token(payer, 5).await?;
    let chain = anvil.chain(&token)?;
    anvil.mint(&token, payer, 2).await?;
    ensure!(chain.tokens(payer).await? == U256::from(7) && token.name == "USDC" && token.version == "2", "{token:?}");
    anvil.pause_token(&token).await?;
    ensure!(anvil.mint(&token, payer, 1).await.is_err(), "mints while paused");
    anvil.unpause_token(&token).await?;
    anvil.blacklist(&token, payer).await?;
    ensure!(anvil.mint(&token, payer, 1).await.is_err(), "mints for a blacklisted account");
    anvil.unblacklist(&token, payer).await?;
    anvil.mint(&token, payer, 1).await?;

    anvil.set_interval_mining(0).await?;
    let height = anvil.block_number().await?;
    let (first, second) = (wei(&anvil, token.admin, other).await?, wei(&anvil, token.admin, other).await?);
    ensure!(anvil.waiting(token.admin).await? == [first, second], "the mempool has another order");
    anvil.drop_transaction(second).await?;
    ensure!(anvil.waiting(token.admin).await? == [first] && anvil.block_number().await? == height, "mined unasked");
    anvil.set_next_base_fee(20_000_000_000).await?;
    anvil.mine(1).await?;
    let receipt = async |hash: B256| anvil.rpc("eth_getTransactionReceipt", json!([hash])).await;
    let block = anvil.rpc("eth_getBlockByNumber", json!(["latest", false])).await?;
    ensure!(block["baseFeePerGas"] == "0x4a817c800", "{block}");

    // What offers less than the base fee is not mined, and forgotten.
    ensure!(receipt(first).await?.is_null() && anvil.waiting(token.admin).await?.is_empty(), "mined, or kept");
    anvil.set_next_base_fee(7).await?;
    let first = wei(&anvil, token.admin, other).await?;
    anvil.mine(2).await?;
    ensure!(receipt(first).await?["status"] == "0x1" && chain.gas(other).await? == U256::ONE, "not mined");
    anvil.reorg(2, &[first]).await?;
    ensure!(receipt(first).await?["status"] == "0x1" && chain.gas(other).await? == U256::ONE, "not kept");
    anvil.reorg(2, &[]).await?;
    ensure!(receipt(first).await? == Value::Null && chain.gas(other).await?.is_zero(), "kept");
    ensure!(anvil.block_number().await? == height + 3, "another height");
    Ok(())
}

#[tokio::test]
async fn the_node_does_what_the_tests_ask_of_it() {
    if installed() {
        does_as_told().await.unwrap();
    }
}
