//! The same on a chain and a token that others wrote: anvil with a mempool and blocks every two seconds, Circle's token.

use std::path::Path;
use std::sync::Arc;

use alloy_primitives::{Address, B256};
use anyhow::Context as _;
use precis_tests::anvil::{Anvil, FiatToken, devnet, installed};
use precis_tests::process::eventually;
use precis_tests::tasks::EXTRACT;
use precis_tests::testbed::bank::Purse;
use precis_tests::testbed::town::Town;

use super::none;
use super::scenarios::hold_simulation;

/// Seconds between two blocks, as on Base.
const BLOCK_TIME: u64 = 2;

struct Place {
    town: Arc<Town>,
    purse: Purse,
    anvil: Anvil,
    token: FiatToken,
}

impl Place {
    async fn find() -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("precis-faults-").tempdir()?;
        let (anvil, token, devnet) = devnet(dir.path(), BLOCK_TIME).await?;
        let purse = Purse::from_file(Path::new(devnet.get("PRECIS_PAYER_KEY_FILE")?))?;
        let town = Arc::new(Town::around(dir, devnet, &[("PRECIS_PAYMENT__NETWORK__0__CONFIRM_WITHIN", "6s")]).await?);
        Ok(Self { town, purse, anvil, token })
    }

    async fn wallet(&self, to: Address) -> anyhow::Result<Vec<B256>> {
        self.anvil.waiting(to).await
    }
}

async fn paused() -> anyhow::Result<()> {
    let place = Place::find().await?;
    let town = &place.town;
    town.boot(None).await?;
    let order = town.order(&place.purse, "The token is paused.", true, &EXTRACT).await?;
    town.rpc.rule(hold_simulation);
    let sent = tokio::spawn({
        let (town, order) = (Arc::clone(town), order.clone());
        async move { town.send(&order).await }
    });
    town.rpc.held().await?;
    place.anvil.pause_token(&place.token).await?;
    town.rpc.release();
    let answer = sent.await??;
    anyhow::ensure!(answer.status != 200, "paid in a paused token");
    none(&town.audit(false).await?)?;
    place.anvil.unpause_token(&place.token).await?;
    none(&town.conclude(&[order]).await?)
}

#[tokio::test]
async fn a_token_that_is_paused_after_the_claim_charges_nobody_for_nothing() {
    if installed() {
        paused().await.unwrap();
    }
}

async fn reorganized() -> anyhow::Result<()> {
    let place = Place::find().await?;
    let (town, anvil) = (&place.town, &place.anvil);
    town.boot(None).await?;
    anvil.set_interval_mining(0).await?;
    let order = town.order(&place.purse, "The block goes again.", true, &EXTRACT).await?;
    // The settlement is mined while its receipt is held back; then its block goes, and the node has forgotten it.
    town.rpc.rule(|call| {
        use precis_tests::rpc_faults::Fault::{Hold, Pass};
        if call.method == "eth_getTransactionReceipt" { Hold } else { Pass }
    });
    let sent = tokio::spawn({
        let (town, order) = (Arc::clone(town), order.clone());
        async move { town.send(&order).await }
    });
    town.rpc.held().await?;
    let wallet = order.required.pay_to;
    eventually("settlement", async || place.wallet(wallet).await.ok().filter(|waiting| !waiting.is_empty())).await?;
    anvil.mine(1).await?;
    anvil.reorg(1, &[]).await?;
    town.rpc.release();
    anvil.set_interval_mining(BLOCK_TIME).await?;
    sent.await?.context("answer")?;
    none(&town.conclude(&[order]).await?)?;
    anyhow::ensure!(town.ledger().await?[0].state == "settled", "not settled");
    Ok(())
}

#[tokio::test]
async fn a_settlement_whose_block_goes_is_sent_again() {
    if installed() {
        reorganized().await.unwrap();
    }
}

async fn dropped() -> anyhow::Result<()> {
    let place = Place::find().await?;
    let (town, anvil) = (&place.town, &place.anvil);
    town.boot(None).await?;
    anvil.set_interval_mining(0).await?;
    let mut orders = Vec::new();
    let mut sent = Vec::new();
    for count in 0..3 {
        let order = town.order(&place.purse, &format!("This is number {count} in the pool."), true, &EXTRACT).await?;
        orders.push(order.clone());
        let town = Arc::clone(town);
        sent.push(tokio::spawn(async move { town.send(&order).await }));
    }
    let wallet = orders[0].required.pay_to;
    let waiting = async || place.wallet(wallet).await.ok().filter(|waiting| waiting.len() == 3);
    let waiting = eventually("three settlements", waiting).await?;
    // A gap: the first is forgotten, the others wait behind it. And gas becomes dear.
    anvil.drop_transaction(waiting[0]).await?;
    anvil.set_interval_mining(BLOCK_TIME).await?;
    for sent in sent {
        drop(sent.await?);
    }
    none(&town.conclude(&orders).await?)?;
    anyhow::ensure!(town.ledger().await?.iter().all(|entry| entry.state == "settled"), "not all settled");
    Ok(())
}

#[tokio::test]
async fn a_settlement_that_the_pool_forgets_holds_up_the_others_and_loses_nothing() {
    if installed() {
        dropped().await.unwrap();
    }
}
