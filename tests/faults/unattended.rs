//! The service runs by itself: keysets are replaced, readiness follows the facts, a stop signal ends nothing half-done.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use precis_protocol::headers;
use precis_tests::gate::Gate;
use precis_tests::http::{self, Answer, Ask};
use precis_tests::process::eventually;
use precis_tests::tasks::EXTRACT;
use precis_tests::testbed::model::DELAY;
use precis_tests::testbed::orders::Order;
use precis_tests::testbed::rotation::{KEYSET_SECONDS, Plan, rotate, settings};
use precis_tests::testbed::town::Town;
use serde_json::{Value, json};

use super::none;

/// Money of a payer, atomic units.
const UNITS: u64 = 1_000_000_000;
/// Callers who hang up.
const CALLERS: u64 = 80;

async fn readiness(town: &Town) -> anyhow::Result<(u16, Value)> {
    let answer = http::get(&town.client, &format!("{}/readyz", town.internal_url())).await?;
    Ok((answer.status.as_u16(), answer.json()?))
}

/// Waits until `/readyz` names `check` among those that fail.
async fn fails(town: &Town, check: &str) -> anyhow::Result<()> {
    eventually(check, async || {
        let (status, told) = readiness(town).await.ok()?;
        let named = told["failing"].as_array()?.iter().any(|failing| failing["check"] == check);
        (status == 503 && named).then_some(())
    })
    .await
}

async fn is_ready(town: &Town) -> anyhow::Result<()> {
    eventually("readiness", async || (readiness(town).await.ok()?.0 == 200).then_some(())).await
}

async fn ask(town: &Town, sentence: &str) -> anyhow::Result<Answer> {
    let ask = http::Ask::json(&format!("{sentence} The rest is not quoted."), json!({}));
    ask.send(&town.client, &town.url(), &[]).await
}

/// Sends an order that is not waited for; gives the path and the token of its job.
async fn ordered(town: &Town, order: &Order) -> anyhow::Result<(String, String)> {
    let answer = town.send_as(order, order, &[("prefer", "respond-async")]).await?;
    ensure!(answer.status == 202, "{}: {}", answer.status, answer.text());
    let told = answer.json()?;
    let text = |name: &str| told[name].as_str().map(str::to_owned).context("no ticket");
    Ok((format!("/v1/summaries/{}", text("id")?), text("token")?))
}

async fn fetch(town: &Town, (path, token): &(String, String)) -> anyhow::Result<Answer> {
    http::answer(town.client.get(format!("{}{path}", town.url())).bearer_auth(token)).await
}

#[tokio::test]
async fn keysets_are_replaced_under_load_and_every_receipt_verifies() {
    let town = Town::start(&[], &settings()).await.unwrap();
    town.boot(None).await.unwrap();
    let figures = rotate(&town, Plan::Jumping(4)).await.unwrap();
    assert!(figures.failures.is_empty() && figures.keysets >= 4, "{figures}\n{}", town.log());
    assert!(town.log().contains("config.short_keyset"), "nobody was warned");
}

#[tokio::test]
async fn a_keyset_that_cannot_be_replaced_stops_payments_before_it_is_over_and_signs_nothing_after() {
    let town = Town::start(&[], &settings()).await.unwrap();
    let (gate, nexus) = Gate::before(town.devnet.get("PRECIS_DEVNET_NEXUS_URL").unwrap()).await.unwrap();
    town.set("PRECIS_ATTESTATION__NEXUS_URL", &nexus);
    town.set(DELAY, "15000");
    town.boot(None).await.unwrap();
    let purse = town.purse(2, UNITS).await.unwrap();
    gate.close();
    let order = town.order(&purse, "This was ordered in time.", true, &EXTRACT).await.unwrap();
    let ticket = ordered(&town, &order).await.unwrap();
    // Past three quarters of its life, and the successor cannot be found on chain.
    town.jump(KEYSET_SECONDS * 3 / 4).await.unwrap();
    fails(&town, "keyset").await.unwrap();
    ask(&town, "This comes too late.").await.unwrap().refused(503, "not_ready").unwrap();
    let service = http::get(&town.client, &format!("{}/v1/service", town.url())).await.unwrap();
    assert_eq!(service.status, 200, "what is free goes on");
    // The work ends when the keyset is over: neither is the payment taken, nor a receipt signed.
    town.jump(KEYSET_SECONDS).await.unwrap();
    let refused = eventually("the end of the work", async || {
        let answer = fetch(&town, &ticket).await.ok()?;
        (answer.status == 503).then_some(answer)
    });
    refused.await.unwrap().refused(503, "cannot_sign").unwrap();
    gate.open();
    is_ready(&town).await.unwrap();
    let delivered = eventually("the summary", async || {
        let answer = fetch(&town, &ticket).await.ok()?;
        (answer.status == 200).then_some(answer)
    });
    let receipt = delivered.await.unwrap().json().unwrap()["receipt"]["receipt"].clone();
    let kept = format!("{}/v1/attestation?keyset={}", town.url(), receipt["keysetDigest"].as_str().unwrap());
    assert_eq!(http::get(&town.client, &kept).await.unwrap().status, 200);
    none(&town.conclude(&[order]).await.unwrap()).unwrap();
}

#[tokio::test]
async fn readiness_follows_chain_and_wallet_and_comes_back_with_them() {
    let town = Town::start(
        &[],
        &[("PRECIS_PAYMENT__NETWORK__0__HEAD_AGE", "10s"), ("PRECIS_PAYMENT__NETWORK__0__CONFIRM_WITHIN", "5s")],
    )
    .await
    .unwrap();
    town.boot(None).await.unwrap();
    let purse = town.purse(3, UNITS).await.unwrap();
    let order = town.order(&purse, "This is bought while all is well.", true, &EXTRACT).await.unwrap();
    let ticket = ordered(&town, &order).await.unwrap();
    let done = async || (fetch(&town, &ticket).await.ok()?.status == 200).then_some(());
    eventually("the summary", done).await.unwrap();
    // No block comes any more, as far as this node knows.
    fails(&town, "chain").await.unwrap();
    ask(&town, "No node is in step.").await.unwrap().refused(503, "not_ready").unwrap();
    let price = Ask { path: headers::QUOTES_PATH.into(), ..Ask::json("No node is in step.", json!({})) };
    price.send(&town.client, &town.url(), &[]).await.unwrap().refused(503, "not_ready").unwrap();
    assert_eq!(fetch(&town, &ticket).await.unwrap().status, 200, "what was bought is there");
    town.chain.rpc("evm_mine", json!([])).await.unwrap();
    is_ready(&town).await.unwrap();

    let wallet = town.order(&purse, "This is not sent.", true, &EXTRACT).await.unwrap().required.pay_to;
    let held = town.chain.rpc("eth_getBalance", json!([wallet, "latest"])).await.unwrap();
    town.chain.rpc("anvil_setBalance", json!([wallet, "0x1"])).await.unwrap();
    let mine = async || town.chain.rpc("evm_mine", json!([])).await.unwrap();
    eventually("settlement", async || {
        // The node stays in step meanwhile.
        mine().await;
        let (status, told) = readiness(&town).await.ok()?;
        (status == 503 && told["failing"].to_string().contains("settlement")).then_some(())
    })
    .await
    .unwrap();
    town.chain.rpc("anvil_setBalance", json!([wallet, held])).await.unwrap();
    eventually("readiness", async || {
        mine().await;
        (readiness(&town).await.ok()?.0 == 200).then_some(())
    })
    .await
    .unwrap();
    none(&town.conclude(&[order]).await.unwrap()).unwrap();
}

#[tokio::test]
async fn a_stop_signal_lets_jobs_end_takes_no_new_ones_and_tells_pollers() {
    let town =
        Town::start(&[], &[(DELAY, "6000"), ("PRECIS_PAYMENT__NETWORK__0__CONFIRM_WITHIN", "5s")]).await.unwrap();
    town.boot(None).await.unwrap();
    let purse = town.purse(4, UNITS).await.unwrap();
    let waited = town.order(&purse, "Somebody waits for this.", true, &EXTRACT).await.unwrap();
    let polled = town.order(&purse, "Somebody asks for this.", true, &EXTRACT).await.unwrap();
    let late = town.order(&purse, "This is sent too late.", true, &EXTRACT).await.unwrap();
    let ticket = ordered(&town, &polled).await.unwrap();
    let stop = async {
        eventually("both jobs", async || (town.ledger().await.ok()?.len() == 2).then_some(())).await?;
        town.signal("TERM").await?;
        eventually("the drain", async || (readiness(&town).await.ok()?.0 == 503).then_some(())).await?;
        let (_, told) = readiness(&town).await?;
        ensure!(told["failing"].to_string().contains("stopping"), "{told}");
        let answer = town.send(&late).await?;
        answer.refused(503, "stopping")?;
        ensure!(!answer.header("retry-after").is_empty(), "no Retry-After");
        let answer = fetch(&town, &ticket).await?;
        ensure!(answer.status == 202 || answer.status == 200, "{}: {}", answer.status, answer.text());
        anyhow::Ok(())
    };
    let (answer, stopped) = tokio::join!(town.send(&waited), stop);
    stopped.unwrap();
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    town.ended().await.unwrap();
    assert!(town.log().contains(r#""event":"drain.ended","unfinished":0"#), "{}", town.log());
    town.boot(None).await.unwrap();
    assert_eq!(fetch(&town, &ticket).await.unwrap().status, 200, "it was finished before");
    none(&town.conclude(&[waited, polled, late]).await.unwrap()).unwrap();
}

#[tokio::test]
async fn what_is_not_finished_when_patience_ends_is_said_and_gone_on_with() {
    let settings =
        [(DELAY, "60000"), ("PRECIS_SERVER__DRAIN", "1s"), ("PRECIS_PAYMENT__NETWORK__0__CONFIRM_WITHIN", "5s")];
    let town = Town::start(&[], &settings).await.unwrap();
    town.boot(None).await.unwrap();
    let purse = town.purse(5, UNITS).await.unwrap();
    let order = town.order(&purse, "This takes far too long.", true, &EXTRACT).await.unwrap();
    let (path, _) = ordered(&town, &order).await.unwrap();
    town.signal("TERM").await.unwrap();
    town.ended().await.unwrap();
    let (log, id) = (town.log(), path.rsplit('/').next().unwrap_or_default().to_owned());
    assert!(log.contains(r#""event":"drain.ended","unfinished":1"#), "{log}");
    assert!(log.lines().any(|line| line.contains("drain.unfinished") && line.contains(&id)), "{log}");
    town.set(DELAY, "0");
    none(&town.conclude(&[order]).await.unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_hang_up_leave_no_job_that_nobody_runs() {
    let settings = [
        ("PRECIS_LIMITS__UNSETTLED_PER_PAYER", "100"),
        ("PRECIS_LIMITS__QUEUE", "200"),
        ("PRECIS_PAYMENT__NETWORK__0__CONFIRM_WITHIN", "5s"),
    ];
    let town = Arc::new(Town::start(&[], &settings).await.unwrap());
    town.boot(None).await.unwrap();
    let purse = town.purse(6, UNITS).await.unwrap();
    let mut orders = Vec::new();
    for number in 0..CALLERS {
        let sentence = format!("Caller {number} does not wait.");
        orders.push(town.order(&purse, &sentence, true, &EXTRACT).await.unwrap());
    }
    let calls = orders.iter().zip(0..).map(|(order, number)| {
        let town = Arc::clone(&town);
        async move {
            // Somewhere on the way from the first byte to the answer.
            drop(tokio::time::timeout(Duration::from_millis(number * 2), town.send(order)).await);
        }
    });
    futures::future::join_all(calls).await;
    eventually("the end of every job", async || {
        let open = town.ledger().await.ok()?.into_iter().filter(|entry| entry.state != "settled").count();
        (open == 0).then_some(())
    })
    .await
    .unwrap_or_else(|error| panic!("{error}\n{}", town.log()));
    assert!(!town.ledger().await.unwrap().is_empty(), "all hung up before they were heard");
    none(&town.conclude(&orders).await.unwrap()).unwrap();
}
