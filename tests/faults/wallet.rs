//! The gas of a settlement is the service's: what it may cost, and who may make it cost something.

use std::sync::Arc;

use alloy_primitives::{Address, Bytes, U64};
use anyhow::ensure;
use precis_payment::wire::{self, PaymentPayload, PaymentRequirements};
use precis_tests::http::Ask;
use precis_tests::payer::{now, send_paid};
use precis_tests::process::eventually;
use precis_tests::testbed::account::Account;
use precis_tests::testbed::bank::Purse;
use precis_tests::testbed::contracts::{NO, YES};
use precis_tests::testbed::town::Town;
use serde_json::json;

use super::scenarios::{hold_sent, hold_simulation};
use super::steps::Document::Good;
use super::steps::Play;
use super::steps::Step::{Boot, Order};
use super::{none, town};

/// From the next block on, which comes now.
async fn gas_costs(town: &Town, gwei: u64) {
    town.chain.rpc("devnet_setBaseFee", json!([U64::from(gwei * 1_000_000_000)])).await.unwrap();
    town.chain.rpc("evm_mine", json!([])).await.unwrap();
}

#[tokio::test]
async fn while_gas_costs_more_than_its_share_of_the_price_nothing_new_is_sold_and_what_is_sold_is_settled() {
    let town = town(&[]).await.unwrap();
    // A coin is worth 3 dollars: a settlement costs 0.0006 at 2 gwei and 0.0033 at 11, of a price of 0.0015.
    town.set("PRECIS_PAYMENT__NETWORK__0__COIN_UNITS", "3000000");
    let mut play = Play::begin(&town, None).await.unwrap();
    play.play(&[Boot, Order(Good), Order(Good)]).await.unwrap();
    let (sold, signed) = (play.orders[0].clone(), play.orders[1].clone());

    town.rpc.rule(hold_simulation);
    let sending = tokio::spawn({
        let (town, sold) = (Arc::clone(&town), sold.clone());
        async move { town.send(&sold).await }
    });
    town.rpc.held().await.unwrap();
    gas_costs(&town, 10).await;
    town.rpc.release();
    drop(sending.await.unwrap().unwrap());
    let answer = town.insist(&sold).await.unwrap();
    assert_eq!(answer.status, 200, "it was claimed before: {}\n{}", answer.text(), town.log());

    let (client, url) = (&town.client, town.url());
    let unpaid = sold.ask.send(client, &url, &[]).await.unwrap();
    unpaid.refused(503, "gas_price").unwrap();
    assert_eq!(unpaid.header("retry-after"), "60");
    let quote = Ask { path: "/v1/quotes".into(), ..sold.ask.clone() };
    quote.send(client, &url, &[]).await.unwrap().refused(503, "gas_price").unwrap();
    town.send(&signed).await.unwrap().refused(503, "gas_price").unwrap();
    assert_eq!(town.ledger().await.unwrap().len(), 1, "nothing was claimed");

    gas_costs(&town, 1).await;
    let sold_again = async || (sold.ask.send(client, &url, &[]).await.ok()?.status == 402).then_some(());
    eventually("quotes", sold_again).await.unwrap();
    assert_eq!(town.send(&signed).await.unwrap().status, 200, "the same payment");
    none(&town.conclude(&play.orders).await.unwrap()).unwrap();
}

/// A contract account with money and `code`.
async fn account(town: &Town, byte: u8, code: &str) -> anyhow::Result<Address> {
    let account = Address::repeat_byte(byte);
    town.bank.mint(account, 1_000_000).await?;
    town.chain.rpc("anvil_setCode", json!([account, code])).await?;
    Ok(account)
}

/// Its payment of `required`: its signature is what it accepts.
fn payment(purse: &Purse, required: &PaymentRequirements, account: Address) -> anyhow::Result<String> {
    let mut payload: PaymentPayload = purse.payer.authorize_at(required, now()?)?;
    payload.payload.authorization.from = account;
    payload.payload.signature = Bytes::from(vec![7; 96]);
    Ok(wire::encode(&payload)?)
}

async fn buys(town: &Town, purse: &Purse) -> anyhow::Result<()> {
    let (client, url) = (&town.client, town.url());
    let ask = Ask::json("The account is a contract. It has an owner. The owner signs.", json!({}));
    let quote = ask.send(client, &url, &[]).await?.quote()?;
    let honest = account(town, 0x44, YES).await?;
    let refused = send_paid(client, &url, &ask, &payment(purse, &quote.accepts[0], honest)?).await?;
    refused.refused(402, "pays before the work")?;
    let first = refused.quote()?.accepts[0].clone();
    ensure!(first.extra_text("paymentFlow") == Some("upfront"), "{first:?}");
    let before = town.chain.tokens(honest).await?;
    let bought = send_paid(client, &url, &ask, &payment(purse, &first, honest)?).await?;
    ensure!(bought.status == 200, "{}", bought.text());
    ensure!(before - town.chain.tokens(honest).await? == first.amount.get(), "not charged");
    let entry = &town.ledger().await?[0];
    ensure!(entry.flow == "upfront" && entry.state == "settled", "{} {}", entry.flow, entry.state);

    // One that says yes until its payment has been simulated makes the service pay once, and for no work.
    let hostile = account(town, 0x55, YES).await?;
    let ask = Ask::json("The account is hostile. It says yes. Then it says no.", json!({}));
    let refused = send_paid(client, &url, &ask, &payment(purse, &quote_of(town, &ask).await?, hostile)?).await?;
    let first = refused.quote()?.accepts[0].clone();
    town.rpc.rule(hold_sent);
    let sending = tokio::spawn({
        let (client, url, ask, header) = (client.clone(), url.clone(), ask.clone(), payment(purse, &first, hostile)?);
        async move { send_paid(&client, &url, &ask, &header).await }
    });
    town.rpc.held().await?;
    town.chain.rpc("anvil_setCode", json!([hostile, NO])).await?;
    town.rpc.release();
    let reverted = sending.await??;
    ensure!(reverted.status == 402, "{}", reverted.text());
    ensure!(town.log().matches("work.finished").count() == 1, "it worked for the hostile one");
    town.chain.rpc("anvil_setCode", json!([hostile, YES])).await?;
    let again = send_paid(client, &url, &ask, &payment(purse, &first, hostile)?).await?;
    again.refused(402, "reverted on chain")
}

async fn quote_of(town: &Town, ask: &Ask) -> anyhow::Result<PaymentRequirements> {
    Ok(ask.send(&town.client, &town.url(), &[]).await?.quote()?.accepts[0].clone())
}

#[tokio::test]
async fn contract_accounts_pay_before_the_work_and_a_revert_costs_none_and_happens_once() {
    let town = town(&[]).await.unwrap();
    town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", "1000000s");
    town.set("PRECIS_PAYMENT__CONTRACT_ACCOUNTS", "true");
    town.boot(None).await.unwrap();
    let purse = town.purse(3, 1).await.unwrap();
    buys(&town, &purse).await.unwrap_or_else(|error| panic!("{error:#}\n{}", town.log()));
}

#[tokio::test]
async fn contract_accounts_are_not_taken_by_default() {
    let town = town(&[]).await.unwrap();
    town.boot(None).await.unwrap();
    let purse = town.purse(3, 1).await.unwrap();
    let ask = Ask::json("The account is a contract. It has an owner. The owner signs.", json!({}));
    let (account, required) = (account(&town, 0x44, YES).await.unwrap(), quote_of(&town, &ask).await.unwrap());
    let header = payment(&purse, &required, account).unwrap();
    let refused = send_paid(&town.client, &town.url(), &ask, &header).await.unwrap();
    refused.refused(402, "not accepted here").unwrap();
    assert!(town.ledger().await.unwrap().is_empty());
}

/// Pays twice at once and again after a restart, from an account that changes its mind after the first simulation.
async fn reverts_once(town: &Town, purse: &Purse) -> anyhow::Result<()> {
    let (client, hostile) = (&town.client, account(town, 0x66, YES).await?);
    let asks = ["first", "second", "third"].map(|word| {
        Ask::json(&format!("This is the {word} request. The account is hostile. It pays as it likes."), json!({}))
    });
    let mut headers = Vec::new();
    for ask in &asks {
        let first = Account::terms(quote_of(town, ask).await?);
        headers.push(payment(purse, &first, hostile)?);
    }
    town.rpc.rule(hold_sent);
    let sending = tokio::spawn({
        let (client, url, ask, header) = (client.clone(), town.url(), asks[0].clone(), headers[0].clone());
        async move { send_paid(&client, &url, &ask, &header).await }
    });
    town.rpc.held().await?;
    let second = send_paid(client, &town.url(), &asks[1], &headers[1]).await?;
    second.refused(429, "too_many_unsettled")?;
    town.chain.rpc("anvil_setCode", json!([hostile, NO])).await?;
    town.rpc.release();
    let reverted = sending.await??;
    ensure!(reverted.status == 402, "{}", reverted.text());
    town.chain.rpc("anvil_setCode", json!([hostile, YES])).await?;
    for _ in 0..2 {
        for (ask, header) in asks.iter().zip(&headers).skip(1) {
            send_paid(client, &town.url(), ask, header).await?.refused(402, "reverted on chain")?;
        }
        town.boot(None).await?;
    }
    // What somebody else submits for the account was paid all the same, and nobody is told that it was not.
    town.bank.submit(&wire::decode(headers[2].as_bytes())?).await?;
    let honoured = send_paid(client, &town.url(), &asks[2], &headers[2]).await?;
    ensure!(honoured.status == 200, "{}", honoured.text());
    Ok(())
}

#[tokio::test]
async fn a_contract_account_costs_one_revert_whatever_it_sends_at_once_and_after_a_restart() {
    let town = town(&[]).await.unwrap();
    town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", "1000000s");
    town.set("PRECIS_PAYMENT__CONTRACT_ACCOUNTS", "true");
    town.boot(None).await.unwrap();
    let purse = town.purse(3, 1).await.unwrap();
    reverts_once(&town, &purse).await.unwrap_or_else(|error| panic!("{error:#}\n{}", town.log()));
}
