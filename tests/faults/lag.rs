//! Nodes whose receipts and logs, or whose whole state, are behind: while the chain does not show what became of a payment,
//! nobody is told that it did not happen.

use std::sync::Arc;

use alloy_primitives::U256;
use anyhow::{Context as _, ensure};
use precis_payment::wire::{self, SettleResponse};
use precis_protocol::headers;
use precis_tests::http::Answer;
use precis_tests::rpc_faults::{Behind, Node};
use precis_tests::testbed::town::Town;

use super::steps::Document::{Failing, Good};
use super::steps::Play;
use super::steps::Step::{Ask, Boot, Cancel, Lapse, Order, Submit};
use super::{FLOWS, none, town};

/// Blocks that must show a settlement.
const CONFIRMATIONS: [&str; 2] = ["1", "3"];

/// A town whose blocks come by themselves, with settings of a case.
async fn place(upfront: &str, confirmations: &str) -> anyhow::Result<Arc<Town>> {
    let town = town(&["--block-interval", "0.2"]).await?;
    town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", upfront);
    town.set("PRECIS_PAYMENT__NETWORK__0__CONFIRMATIONS", confirmations);
    Ok(town)
}

/// From now on no receipt and no log of a later block is shown.
async fn hide(town: &Town) -> anyhow::Result<()> {
    town.rpc.nodes(&[Node::indexed(Behind::At(town.height().await?))], 0);
    Ok(())
}

/// The answer while nobody can tell: the same payment again, and no other.
fn told_to_wait(answer: &Answer) -> anyhow::Result<()> {
    ensure!(answer.status == 503, "{}: {}", answer.status, answer.text());
    let problem = answer.json()?;
    ensure!(problem["code"] == "settlement_unknown" && problem["charged"] == "unknown", "{problem}");
    ensure!(problem["next"].as_str().is_some_and(|next| next.contains("do not sign another payment")), "{problem}");
    ensure!(!answer.header("retry-after").is_empty(), "no Retry-After");
    ensure!(answer.header(headers::PAYMENT_REQUIRED).is_empty(), "asked to pay again");
    let settlement = answer.header(headers::PAYMENT_RESPONSE);
    if !settlement.is_empty() {
        let settlement: SettleResponse = wire::decode(settlement.as_bytes())?;
        ensure!(settlement.error_reason.as_deref() == Some("settlement_pending"), "{settlement:?}");
    }
    Ok(())
}

/// No job has an end that says anything of its payment.
async fn undecided(town: &Town) -> anyhow::Result<()> {
    let ended = ["void", "rejected", "refunding", "refunded", "settled"];
    for entry in town.ledger().await? {
        ensure!(!ended.contains(&entry.state.as_str()), "{} without evidence", entry.state);
    }
    Ok(())
}

async fn hidden_for_ever(flow: &'static str, upfront: &'static str, confirmations: &'static str) -> anyhow::Result<()> {
    let town = place(upfront, confirmations).await?;
    let mut play = Play::begin(&town, None).await?;
    play.play(&[Boot, Order(Good)]).await?;
    hide(&town).await?;
    for _ in 0..2 {
        told_to_wait(&town.send(&play.orders[0]).await?)?;
        undecided(&town).await?;
    }
    none(&town.audit(false).await?)?;
    ensure!(town.books(false).await?.uses.len() == 1, "{flow}: it is not charged");
    // It lapses, the process starts again, and still nobody can tell.
    play.play(&[Lapse, Boot]).await?;
    for _ in 0..2 {
        town.reconcile().await?;
        undecided(&town).await?;
    }
    told_to_wait(&town.send(&play.orders[0]).await?)?;
    town.rpc.pass();
    let answer = town.insist(&play.orders[0]).await?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    none(&town.conclude(&play.orders).await?)
}

/// Carries out `case` for both flows and both numbers of confirmations, side by side.
async fn in_every_case<F>(case: impl Fn(&'static str, &'static str, &'static str) -> F)
where
    F: Future<Output = anyhow::Result<()>>,
{
    let cases = FLOWS.into_iter().flat_map(|(flow, upfront)| CONFIRMATIONS.map(|number| (flow, upfront, number)));
    let run = cases.map(|(flow, upfront, confirmations)| {
        let case = case(flow, upfront, confirmations);
        async move { case.await.with_context(|| format!("{flow}, {confirmations} confirmations")) }
    });
    let outcomes = futures::future::join_all(run).await;
    let failed: Vec<String> =
        outcomes.into_iter().filter_map(|outcome| Some(format!("{:#}", outcome.err()?))).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn a_payer_is_never_told_a_refusal_while_the_index_lags() {
    in_every_case(hidden_for_ever).await;
}

async fn taken_by_others(_: &'static str, upfront: &'static str, confirmations: &'static str) -> anyhow::Result<()> {
    let town = place(upfront, confirmations).await?;
    let mut play = Play::begin(&town, None).await?;
    play.play(&[Boot, Order(Good)]).await?;
    hide(&town).await?;
    play.play(&[Submit]).await?;
    for _ in 0..2 {
        told_to_wait(&town.send(&play.orders[0]).await?)?;
        ensure!(town.ledger().await?.is_empty(), "claimed without a look");
    }
    town.rpc.pass();
    let answer = town.insist(&play.orders[0]).await?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    // One that fails ends without a charge, as far as anybody can see; then somebody takes it.
    play.play(&[Order(Failing), Ask]).await?;
    hide(&town).await?;
    if town.ledger().await?.iter().any(|entry| entry.state == "failed") {
        play.play(&[Submit]).await?;
    }
    play.play(&[Lapse, Boot]).await?;
    for _ in 0..2 {
        town.reconcile().await?;
        let void = town.ledger().await?.iter().any(|entry| entry.state == "void");
        ensure!(!void, "void without evidence");
    }
    none(&town.conclude(&play.orders).await?)
}

#[tokio::test]
async fn what_somebody_else_took_is_neither_refused_nor_void_while_the_index_lags() {
    in_every_case(taken_by_others).await;
}

async fn two_nodes(_: &'static str, upfront: &'static str, confirmations: &'static str) -> anyhow::Result<()> {
    let town = place(upfront, confirmations).await?;
    let behind = Behind::Blocks(3);
    let clusters = [
        [Node::HONEST, Node::late(behind)],
        [Node::HONEST, Node::indexed(behind)],
        [Node::indexed(Behind::Blocks(1)), Node::late(behind)],
    ];
    let mut play = Play::begin(&town, None).await?;
    play.play(&[Boot]).await?;
    for (nodes, seed) in clusters.iter().zip(0..) {
        town.rpc.nodes(nodes, seed);
        play.play(&[Order(Good)]).await?;
        let answer = town.insist(play.orders.last().context("order")?).await?;
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
        // Refused, or not yet; charged in no case.
        play.play(&[Order(Good), Cancel]).await?;
        let answer = town.insist(play.orders.last().context("order")?).await?;
        ensure!(answer.status == 402, "{}: {}", answer.status, answer.text());
        none(&town.audit(false).await?)?;
    }
    none(&town.conclude(&play.orders).await?)
}

/// Blocks that an index is behind, of 0.2 s each: 0.5, 1, 1.5 and 3 s.
const LATE: [u64; 4] = [3, 5, 8, 15];
/// The same of 30 s, which one order has to sit out.
const VERY_LATE: u64 = 150;

async fn late_index(flow: &'static str, upfront: &'static str, confirmations: &'static str) -> anyhow::Result<()> {
    let town = place(upfront, confirmations).await?;
    let mut play = Play::begin(&town, None).await?;
    play.play(&[Boot]).await?;
    let longest = (flow == "upfront" && confirmations == "1").then_some(VERY_LATE);
    for (blocks, nth) in LATE.into_iter().chain(longest).zip(1..) {
        town.rpc.nodes(&[Node::indexed(Behind::Blocks(blocks))], 0);
        play.play(&[Order(Good)]).await?;
        let answer = town.insist(play.orders.last().context("order")?).await?;
        ensure!(answer.status == 200, "{blocks} blocks late: {}: {}", answer.status, answer.text());
        ensure!(town.books(false).await?.uses.len() == nth, "{blocks} blocks late: charged other than once an order");
    }
    none(&town.conclude(&play.orders).await?)
}

#[tokio::test]
async fn an_index_that_is_seconds_late_delays_an_answer_and_changes_none() {
    in_every_case(late_index).await;
}

#[tokio::test]
async fn two_nodes_at_random_of_which_one_is_late_change_no_answer() {
    in_every_case(two_nodes).await;
}

mod clients {
    use std::path::PathBuf;

    use precis_tests::cli::Cli;
    use precis_tests::paths;
    use precis_tests::process::{PATIENCE, eventually};
    use serde_json::Value;

    use super::*;

    const SETTLED: &str = "The lighthouse was built in 1811. It stands on a rock in the sea.";

    fn payer(town: &Town) -> anyhow::Result<precis_tests::payer::Payer> {
        precis_tests::payer::Payer::from_file(town.devnet.get("PRECIS_PAYER_KEY_FILE")?.as_ref())
    }

    async fn held(town: &Town) -> anyhow::Result<U256> {
        town.chain.tokens(payer(town)?.address).await
    }

    /// Waits until somebody was told to come back with the same payment.
    async fn waits(town: &Town, before: usize) -> anyhow::Result<()> {
        let told = || town.log().matches("settlement_unknown").count();
        eventually("503 settlement_unknown", async || (told() > before).then_some(())).await
    }

    async fn ours(_: &'static str, upfront: &'static str, confirmations: &'static str) -> anyhow::Result<()> {
        let town = place(upfront, confirmations).await?;
        town.boot(None).await?;
        let document = town.dir().join("document.txt");
        std::fs::write(&document, SETTLED)?;
        let cli = Cli {
            url: town.url(),
            policy: PathBuf::from(town.devnet.get("PRECIS_POLICY")?),
            key_file: PathBuf::from(town.devnet.get("PRECIS_PAYER_KEY_FILE")?),
            dir: town.dir().to_path_buf(),
            patience: PATIENCE,
        };
        let before = held(&town).await?;
        hide(&town).await?;
        let buying = tokio::spawn(async move { cli.summarize(&document, &[]).await });
        waits(&town, 0).await?;
        let charged = before - held(&town).await?;
        ensure!(!charged.is_zero() && !buying.is_finished(), "it gave up, or was not charged");
        town.rpc.pass();
        buying.await??.expect(0)?;
        ensure!(before - held(&town).await? == charged, "charged again");
        Ok(())
    }

    #[tokio::test]
    async fn our_client_waits_behind_a_lagging_index_and_pays_once() {
        in_every_case(ours).await;
    }

    /// Node, if the official client is installed.
    fn installed() -> bool {
        let there = paths::root().join("tests/conformance/node_modules/@x402/fetch").is_dir();
        assert!(
            there || std::env::var_os("PRECIS_REQUIRE_CONFORMANCE").is_none(),
            "the official client is missing; run scripts/setup"
        );
        if !there {
            eprintln!("SKIPPED: the official client is missing; run scripts/setup");
        }
        there
    }

    /// One purchase of the official client, which comes back after a 503 or not.
    async fn bought(town: &Arc<Town>, patience: &str) -> anyhow::Result<Value> {
        let document = town.dir().join(format!("{patience}.txt"));
        std::fs::write(&document, format!("This one is {patience}. {SETTLED}"))?;
        let mut command = tokio::process::Command::new("node");
        command
            .arg(paths::root().join("tests/conformance/x402_fetch_again.mjs"))
            .args([document.as_os_str(), patience.as_ref()])
            .env("PRECIS_URL", town.url())
            .env("PRECIS_KEY_FILE", town.devnet.get("PRECIS_PAYER_KEY_FILE")?)
            .env("PRECIS_RPC_URL", town.devnet.get("PRECIS_RPC_URL")?)
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output()).await??;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_str(said.lines().last().context("no output")?)?)
    }

    async fn official(_: &'static str, upfront: &'static str, confirmations: &'static str) -> anyhow::Result<()> {
        let town = place(upfront, confirmations).await?;
        town.boot(None).await?;
        let before = held(&town).await?;
        hide(&town).await?;
        // By itself it takes the 503 for an answer, and signs nothing else.
        let said = bought(&town, "impatient").await?;
        ensure!(said["status"] == 503 && said["body"]["code"] == "settlement_unknown", "{said}");
        ensure!(said["signatures"] == 1 && said["sent"] == 1, "{said}");
        let price = before - held(&town).await?;
        ensure!(!price.is_zero(), "not charged");

        let told = town.log().matches("settlement_unknown").count();
        let buying = tokio::spawn({
            let town = Arc::clone(&town);
            async move { bought(&town, "patient").await }
        });
        waits(&town, told).await?;
        town.rpc.pass();
        let said = buying.await??;
        ensure!(said["status"] == 200 && said["settlement"]["success"] == true, "{said}");
        ensure!(said["signatures"] == 1 && said["sent"].as_u64() > Some(1), "{said}");
        ensure!(before - held(&town).await? == price + price, "charged other than twice for two orders");
        Ok(())
    }

    #[tokio::test]
    async fn the_official_client_behind_a_lagging_index_signs_once_and_pays_once() {
        if installed() {
            in_every_case(official).await;
        }
    }
}
