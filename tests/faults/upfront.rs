//! Work that is paid first: its payer can name the transaction that took the money, and without the document no money is taken.

use std::sync::Arc;

use alloy_primitives::B256;
use anyhow::{Context as _, ensure};
use precis_payment::wire::{self, SettleResponse};
use precis_protocol::headers;
use precis_tests::http::{self, Answer};
use precis_tests::process::eventually;
use precis_tests::rpc_faults::{Call, Fault};
use precis_tests::testbed::model::DELAY;
use precis_tests::testbed::orders::Order as Bought;
use precis_tests::testbed::town::Town;
use serde_json::json;

use super::scenarios::{hold_simulation, unsent};
use super::steps::Document::{Failing, Good};
use super::steps::Play;
use super::steps::Step::{Ask, Boot, Fail, Order};
use super::{none, town};

/// What a ticket says: the job and its token.
struct Ticket(String, String);

async fn ticket(town: &Town, order: &Bought) -> anyhow::Result<(Ticket, Answer)> {
    let answer = town.send_as(order, order, &[("prefer", "respond-async")]).await?;
    ensure!(answer.status == 202, "{}: {}", answer.status, answer.text());
    let body = answer.json()?;
    let told = |name: &str| body[name].as_str().map(str::to_owned).context("ticket");
    Ok((Ticket(told("id")?, told("token")?), answer))
}

async fn look(town: &Town, Ticket(id, token): &Ticket) -> anyhow::Result<Answer> {
    let asked = town.client.get(format!("{}/v1/summaries/{id}", town.url())).bearer_auth(token);
    http::answer(asked).await
}

/// The transaction that an answer says has taken the money.
fn named(answer: &Answer) -> anyhow::Result<Option<B256>> {
    let header = answer.header(headers::PAYMENT_RESPONSE);
    if header.is_empty() {
        return Ok(None);
    }
    let settlement: SettleResponse = wire::decode(header.as_bytes())?;
    ensure!(settlement.success, "{settlement:?}");
    Ok(settlement.transaction)
}

async fn forgotten(town: &Arc<Town>, rule: fn(&Call) -> Fault, stage: &str) -> anyhow::Result<()> {
    let mut play = Play::begin(town, None).await?;
    play.play(&[Boot, Order(Good), Fail(rule)]).await?;
    let (ticket, _) = ticket(town, &play.orders[0]).await?;
    let stands = async || {
        let entries = town.ledger().await.ok()?;
        entries.iter().any(|entry| entry.state == stage).then_some(())
    };
    eventually(stage, stands).await?;
    town.stop().await?;
    town.rpc.release();
    play.play(&[Boot]).await?;
    for _ in 0..3 {
        let answer = look(town, &ticket).await?;
        ensure!(matches!(answer.status.as_u16(), 409 | 503), "{}: {}", answer.status, answer.text());
        town.reconcile().await?;
        ensure!(town.books(false).await?.uses.is_empty(), "charged for a document that is gone");
    }
    // With the document it goes on where it stood.
    let answer = town.insist(&play.orders[0]).await?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    none(&town.conclude(&play.orders).await?)
}

#[tokio::test]
async fn a_job_whose_document_is_gone_is_not_charged_upfront_by_whoever_asks_for_it() {
    let town = town(&[]).await.unwrap();
    town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", "0s");
    for (rule, stage) in [(hold_simulation as fn(&Call) -> Fault, "claimed"), (unsent, "settling")] {
        forgotten(&town, rule, stage).await.unwrap_or_else(|error| panic!("{stage}: {error:#}\n{}", town.log()));
    }
}

async fn told_of_the_transaction(town: &Arc<Town>) -> anyhow::Result<()> {
    town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", "0s");
    // Longer than the test: the work does not end before the process does.
    town.set(DELAY, "600000");
    let mut play = Play::begin(town, None).await?;
    play.play(&[Boot, Order(Good)]).await?;
    let (ticket, _) = ticket(town, &play.orders[0]).await?;
    let shown = async || {
        let answer = look(town, &ticket).await.ok().filter(|answer| answer.status == 202)?;
        named(&answer).ok()?
    };
    let transaction = eventually("PAYMENT-RESPONSE", shown).await?;
    ensure!(town.books(false).await?.uses[0].transaction == transaction, "another transaction");
    let (_, again) = self::ticket(town, &play.orders[0]).await?;
    ensure!(named(&again)? == Some(transaction), "not in the ticket: {:?}", again.headers);

    // Interrupted, delivered, and paid back: each answer names it.
    town.set(DELAY, "0");
    play.play(&[Boot]).await?;
    let answer = look(town, &ticket).await?;
    ensure!(answer.status == 409 && named(&answer)? == Some(transaction), "{}: {:?}", answer.text(), answer.headers);
    let answer = town.insist(&play.orders[0]).await?;
    ensure!(answer.status == 200 && named(&answer)? == Some(transaction), "{}", answer.text());
    play.play(&[Order(Failing), Ask]).await?;
    let answer = town.insist(&play.orders[1]).await?;
    let nonce = play.orders[1].payload.payload.authorization.nonce;
    let uses = town.books(false).await?.uses;
    let charge = uses.iter().find(|used| used.nonce == nonce).context("not charged")?.transaction;
    ensure!(answer.status == 500 && named(&answer)? == Some(charge), "{}: {:?}", answer.text(), answer.headers);
    none(&town.conclude(&play.orders).await?)
}

#[tokio::test]
async fn work_paid_first_names_its_transaction_in_every_answer() {
    let town = town(&[]).await.unwrap();
    told_of_the_transaction(&town).await.unwrap_or_else(|error| panic!("{error:#}\n{}", town.log()));
}

mod tokens {
    use alloy_primitives::U256;
    use precis_devnet::chain::client::RpcClient;
    use precis_devnet::chain::contracts::{TOKEN_NAME, TOKEN_SYMBOL, TOKEN_VERSION, token_creation_code};
    use precis_devnet::chain::wallet::Wallet;
    use serde_json::Value;

    use super::*;
    use crate::steps::Step::{ArmAt, Dead, Send};

    /// A second token on the same chain, from a new account.
    async fn another(town: &Town) -> anyhow::Result<alloy_primitives::Address> {
        let url = town.devnet.get("PRECIS_RPC_URL")?;
        let signer = "0x4242424242424242424242424242424242424242424242424242424242424242".parse()?;
        let wallet = Wallet::new(RpcClient::new(url)?, signer).await?;
        let gas = json!([wallet.address(), U256::from(10).pow(U256::from(18))]);
        RpcClient::new(url)?.call::<Value>("anvil_setBalance", gas).await?;
        Ok(wallet.deploy(token_creation_code(TOKEN_NAME, TOKEN_VERSION, TOKEN_SYMBOL)?).await?)
    }

    async fn refused(town: &Arc<Town>) -> anyhow::Result<()> {
        town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", "0s");
        let mut play = Play::begin(town, None).await?;
        // A refund is owed when the process ends.
        play.play(&[ArmAt("paid>refunding:after"), Order(Failing), Send, Dead]).await?;
        let owed = play.orders[0].required.asset;
        let other = another(town).await?;
        let started = town.boot_with(None, &[("PRECIS_PAYMENT__NETWORK__0__ASSET", &other.to_string())], None).await;
        let Err(error) = started else { anyhow::bail!("it started") };
        let error = format!("{error:#}");
        ensure!(error.contains("open jobs") && error.contains(&owed.to_string()), "{error}");
        let held = async || town.chain.tokens(play.orders[0].payload.payload.authorization.from).await;
        let before = held().await?;
        // In the token that was paid, the refund comes.
        let found = town.conclude(&play.orders).await?;
        ensure!(held().await? > before, "not paid back");
        none(&found)
    }

    #[tokio::test]
    async fn settings_that_lack_the_token_of_an_open_job_refuse_the_start_and_name_it() {
        let town = town(&[]).await.unwrap();
        refused(&town).await.unwrap_or_else(|error| panic!("{error:#}\n{}", town.log()));
    }
}
