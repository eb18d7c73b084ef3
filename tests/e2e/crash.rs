//! Kill -9 at an inconvenient moment: the payment is good for one summary, and for one charge.

use anyhow::{Context as _, ensure};
use precis_payment::wire;
use precis_tests::http::Ask;
use precis_tests::payer::send_paid;
use precis_tests::process::eventually;
use precis_tests::proxy::Proxy;
use precis_tests::stack::Stack;
use serde_json::json;

use super::Scene;

const DOCUMENT: &str = include_str!("../documents/metre.txt");

/// Sends a paid request, kills the service once its log shows `event`, restarts it, and comes back with the same payment.
async fn killed_at(event: &str, mode: &str, devnet: &[&str]) -> anyhow::Result<()> {
    let scene = Scene::around(Stack::start_with(devnet, &[]).await?).await?;
    let ask = Ask::json(DOCUMENT, json!({ "mode": mode }));
    let quote = ask.send(&scene.client, scene.origin(), &[]).await?.quote()?;
    let required = quote.accepts.first().context("no requirements")?;
    let (price, payment) = (required.amount.get(), wire::encode(&scene.payer.authorize(required)?)?);
    let before = scene.balances().await?;
    let lost = tokio::spawn({
        let (client, origin, ask, payment) =
            (scene.client.clone(), scene.origin().to_owned(), ask.clone(), payment.clone());
        async move { send_paid(&client, &origin, &ask, &payment).await }
    });
    eventually(event, async || scene.stack.server.process.output().contains(event).then_some(())).await?;
    let scene = Scene::around(scene.stack.crash_and_restart().await?).await?;
    // Whether it was answered is a race that the power cut may lose; what counts is the same either way.
    drop(lost.await?);

    // Until the work is done and the chain has confirmed, the service says: wait, or the same payment again.
    let answer = eventually("summary", async || {
        let answer = send_paid(&scene.client, scene.origin(), &ask, &payment).await.ok()?;
        (!matches!(answer.status.as_u16(), 202 | 503)).then_some(answer)
    })
    .await?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let again = send_paid(&scene.client, scene.origin(), &ask, &payment).await?;
    ensure!(
        again.status == 200 && again.json()?["result"] == answer.json()?["result"],
        "another result: {}",
        again.text()
    );
    let after = scene.balances().await?;
    ensure!(before.0 - after.0 == price, "the payer paid {} instead of {price}", before.0 - after.0);
    ensure!(after.1 - before.1 == price, "the service got {} instead of {price}", after.1 - before.1);
    Ok(())
}

#[tokio::test]
async fn a_service_killed_in_mid_job_charges_once_for_the_same_payment() {
    killed_at("payment.claimed", "abstractive", &[]).await.unwrap();
}

#[tokio::test]
async fn a_service_killed_while_a_settlement_is_pending_charges_once() {
    // Blocks come every other second, so that the transaction is out and not mined when the power goes.
    killed_at("work.finished", "extractive", &["--block-interval", "2"]).await.unwrap();
}

#[tokio::test]
async fn a_client_whose_answer_was_lost_accepts_the_receipt_of_the_boot_that_is_gone() {
    let scene = Scene::set().await.unwrap();
    let (document, receipt) = (scene.stack.file("document.txt"), scene.stack.file("receipt.json"));
    std::fs::write(&document, DOCUMENT).unwrap();
    let receipt = receipt.to_str().unwrap();
    let before = scene.balances().await.unwrap();

    // Whatever comes back for the payment is cut short on the way.
    let proxy = Proxy::start(scene.origin()).await.unwrap();
    let mut sent = 0;
    proxy.alter(move |request, body| {
        if request.method == "POST" {
            sent += 1;
            // The first exchange asks for the price.
            if sent > 1 {
                body.truncate(body.len() / 2);
            }
        }
    });
    let cut = scene.stack.cli_at(&proxy.url).unwrap().summarize(&document, &["--receipt", receipt]).await.unwrap();
    assert_eq!(cut.code, 5, "{}", cut.stderr);
    let after = scene.balances().await.unwrap();
    assert!(after.0 < before.0, "nothing was paid: {}", cut.stderr);

    let scene = Scene::around(scene.stack.crash_and_restart().await.unwrap()).await.unwrap();
    let cli = scene.stack.cli().unwrap();
    let bought = cli.summarize(&document, &["--receipt", receipt]).await.unwrap().expect(0).unwrap();
    assert!(bought.stderr.contains("payment: an unfinished one of"), "{}", bought.stderr);
    assert_eq!(scene.balances().await.unwrap(), after, "paid twice");
    // The saved receipt carries the evidence of the boot that signed it.
    cli.run(&["receipt", "verify", receipt, "--document", document.to_str().unwrap()])
        .await
        .unwrap()
        .expect(0)
        .unwrap();
}
