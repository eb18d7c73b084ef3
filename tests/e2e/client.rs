//! The client's own record, against the real service and the real chain: one purchase is one charge, whatever the client is killed at.

use std::process::Stdio;

use anyhow::{Context as _, ensure};
use precis_tests::cli::Cli;
use precis_tests::story::Story;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::Scene;

const DOCUMENT: &str =
    "The ferry was built in 1912. It crosses the sound twice a day. In winter it stays in the harbour.";
const PRICE: u64 = 1500;

/// Runs a purchase and kills it once it says `words`. Whether it said them.
async fn killed_at(cli: &Cli, document: &str, words: &str) -> anyhow::Result<bool> {
    let mut child = cli.command(&["summarize", document])?.stderr(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("stderr")?).lines();
    let said = async {
        while let Some(line) = lines.next_line().await? {
            if line.contains(words) {
                return anyhow::Ok(true);
            }
        }
        Ok(false)
    };
    let said = tokio::time::timeout(cli.patience, said).await.context("it says nothing")??;
    child.kill().await?;
    Ok(said)
}

#[tokio::test]
async fn a_purchase_is_charged_once_whatever_its_client_is_killed_at() {
    let scene = Scene::set().await.unwrap();
    let cli = scene.stack.cli().unwrap();
    let mut story = Story::new();
    for (number, words) in ["verify: ", "price: ", "payment: signed", "paid: ", "receipt: kept"].into_iter().enumerate()
    {
        story
            .tell(
                &format!(
                    "killed three times at `{words}`, then bought under another receipt file, then asked for again"
                ),
                scene.moving(PRICE, async {
                    let document = scene.stack.file(&format!("ferry-{number}.txt"));
                    std::fs::write(&document, format!("{DOCUMENT} Crossing number {number} was late."))?;
                    let document = document.to_str().context("path")?;
                    ensure!(killed_at(&cli, document, words).await?, "it did not come to that");
                    for _ in 0..2 {
                        killed_at(&cli, document, words).await?;
                    }
                    let receipt = format!("ferry-{number}.receipt.json");
                    let bought = cli.run(&["summarize", document, "--receipt", &receipt]).await?.expect(0)?;
                    ensure!(!bought.stdout.is_empty(), "{}", bought.stderr);
                    let again = cli.run(&["summarize", document]).await?.expect(0)?;
                    ensure!(again.stderr.contains("already paid, nothing was charged"), "{}", again.stderr);
                    ensure!(again.stdout == bought.stdout, "another summary");
                    cli.run(&["receipt", "verify", &receipt, "--document", document]).await?.expect(0).map(drop)
                }),
            )
            .await;
    }
    story
        .tell(
            "five at once: one buys, the others are told to wait, and then all get it",
            scene.moving(PRICE, async {
                let document = scene.stack.file("ferry-all.txt");
                std::fs::write(&document, format!("{DOCUMENT} Everybody was on board."))?;
                let arguments = ["summarize", document.to_str().context("path")?];
                let runs = (0..5).map(|_| {
                    let cli = cli.clone();
                    let arguments = arguments.map(str::to_owned);
                    tokio::spawn(async move { cli.run(&arguments.each_ref().map(String::as_str)).await })
                });
                for run in runs.collect::<Vec<_>>() {
                    let ended = run.await??;
                    let told = ended.code == 3 && ended.stderr.contains("another precis ");
                    ensure!(ended.code == 0 || told, "{}: {}", ended.code, ended.stderr);
                }
                cli.run(&arguments).await?.expect(0).map(drop)
            }),
        )
        .await;
    story.end().unwrap();
}
