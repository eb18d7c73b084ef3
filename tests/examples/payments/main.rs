//! What a payment costs: the service with a model that takes no time, beside the official Express middleware, on one chain in
//! one run. Started by scripts/bench.
//!
//! Client, chain and server share the machine's cores; the client is the same for both servers.
#![allow(clippy::print_stdout)]

mod peer;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use precis_payment::wire;
use precis_tests::anvil;
use precis_tests::chain::Chain;
use precis_tests::http::{self, Ask};
use precis_tests::payer::{Payer, send_paid};
use precis_tests::stack::Devnet;
use precis_tests::testbed::{Started, Testbed};
use serde_json::json;

use peer::Peer;

/// Payments at a time.
const CONCURRENT: usize = 8;
/// Paid requests that are counted.
const PAID: usize = 320;
/// How long 402 answers are counted.
const COUNTING: Duration = Duration::from_secs(4);
/// Paid requests, one after another, whose latency is taken.
const TIMED: usize = 9;
/// Seconds between blocks where latency is measured.
const BLOCK_SECONDS: u64 = 2;

/// A server under measurement: where it is, and what it is asked.
#[derive(Clone)]
struct Subject {
    name: &'static str,
    url: String,
    ask: Ask,
}

fn print(subject: &str, what: &str, value: &str) {
    println!("{subject:<10} {what:<58} {value:>14}");
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Answers without payment per second.
async fn quotes(subject: &Subject) -> anyhow::Result<f64> {
    let (client, until) = (http::client()?, Instant::now() + COUNTING);
    let asking: Vec<_> = (0..CONCURRENT)
        .map(|_| {
            let (client, subject) = (client.clone(), subject.clone());
            tokio::spawn(async move {
                let mut count = 0_u32;
                while Instant::now() < until {
                    let answer = subject.ask.send(&client, &subject.url, &[]).await?;
                    ensure!(answer.status == 402, "{}", answer.status);
                    count += 1;
                }
                Ok(count)
            })
        })
        .collect();
    let mut count = 0;
    for asking in asking {
        count += asking.await??;
    }
    Ok(f64::from(count) / COUNTING.as_secs_f64())
}

/// Pays once; the time from sending the payment to the answer. The price is asked for first, and is not counted.
async fn pay(client: &reqwest::Client, payer: &Payer, subject: &Subject) -> anyhow::Result<Duration> {
    let payment = payer.pay(client, &subject.url, &subject.ask).await?;
    let started = Instant::now();
    let answer = send_paid(client, &subject.url, &subject.ask, &payment).await?;
    ensure!(answer.status == 200, "{}: {}: {}", subject.name, answer.status, answer.text());
    Ok(started.elapsed())
}

/// Paid requests per second with [`CONCURRENT`] at a time, each with its quote; and the median time of the paid one.
async fn payments(payer: &Arc<Payer>, subject: &Subject) -> anyhow::Result<(f64, Duration)> {
    let client = http::client()?;
    pay(&client, payer, subject).await?;
    let started = Instant::now();
    let paying: Vec<_> = (0..CONCURRENT)
        .map(|_| {
            let (client, payer, subject) = (client.clone(), Arc::clone(payer), subject.clone());
            tokio::spawn(async move {
                let mut took = Vec::new();
                for _ in 0..PAID / CONCURRENT {
                    took.push(pay(&client, &payer, &subject).await?);
                }
                anyhow::Ok(took)
            })
        })
        .collect();
    let mut took = Vec::new();
    for paying in paying {
        took.extend(paying.await??);
    }
    Ok((PAID as f64 / started.elapsed().as_secs_f64(), median(took)))
}

/// The median time of a paid request that is sent as soon as a block has been seen, over the time between blocks.
async fn added(chain: &Chain, payer: &Payer, subject: &Subject) -> anyhow::Result<f64> {
    let client = http::client()?;
    let height = async || -> anyhow::Result<String> {
        Ok(chain.rpc("eth_blockNumber", json!([])).await?.as_str().context("height")?.to_owned())
    };
    let mut took = Vec::new();
    for _ in 0..TIMED {
        let quote = subject.ask.send(&client, &subject.url, &[]).await?.quote()?;
        let payment = wire::encode(&payer.authorize(quote.accepts.first().context("no requirements")?)?)?;
        let before = height().await?;
        while height().await? == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let started = Instant::now();
        let answer = send_paid(&client, &subject.url, &subject.ask, &payment).await?;
        ensure!(answer.status == 200, "{}: {}: {}", subject.name, answer.status, answer.text());
        took.push(started.elapsed());
    }
    Ok((median(took).as_secs_f64() - Duration::from_secs(BLOCK_SECONDS).as_secs_f64()) * 1000.0)
}

/// Both servers on one chain, with a payer that has tokens.
struct Side {
    devnet: Devnet,
    testbed: Testbed,
    peer: Peer,
    payer: Arc<Payer>,
    _dir: tempfile::TempDir,
}

impl Side {
    async fn start(dir: tempfile::TempDir, devnet: Devnet) -> anyhow::Result<Self> {
        let mut env = devnet.env.clone();
        // One account stands for all payers.
        env.extend(
            [("PRECIS_LIMITS__UNSETTLED_PER_PAYER", "64"), ("PRECIS_LIMITS__QUEUE", "64")]
                .map(|(k, v)| (k.to_owned(), v.to_owned())),
        );
        let Started::Ready(testbed) = Testbed::start(dir.path(), &env).await? else {
            anyhow::bail!("the testbed ended")
        };
        let peer = Peer::start(dir.path(), &devnet).await?;
        let payer = Arc::new(Payer::from_file(devnet.get("PRECIS_PAYER_KEY_FILE")?.as_ref())?);
        Ok(Self { devnet, testbed, peer, payer, _dir: dir })
    }

    fn subjects(&self) -> [Subject; 2] {
        const DOCUMENT: &str = "The canal is 82 kilometres long. A ship needs about ten hours to pass it.";
        let ask = Ask::json(DOCUMENT, json!({}));
        let peer = Ask { path: "/v1/summarize".into(), ..ask.clone() };
        [
            Subject { name: "precis", url: self.testbed.url.clone(), ask },
            Subject { name: "express", url: self.peer.url.clone(), ask: peer },
        ]
    }
}

async fn measure() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let devnet = Devnet::start(dir.path(), &[]).await?;
    let side = Side::start(dir, devnet).await?;
    let mut rates = Vec::new();
    for subject in side.subjects() {
        let rate = quotes(&subject).await?;
        print(subject.name, "402 answers, 8 connections", &format!("{rate:.0} /s"));
        let (rate, took) = payments(&side.payer, &subject).await?;
        rates.push(rate);
        print(subject.name, "paid requests, 8 at a time, devnet chain, work of no time", &format!("{rate:.1} /s"));
        print(subject.name, "  median time of the paid request", &format!("{} ms", took.as_millis()));
    }
    if let [ours, theirs] = rates[..] {
        print("ratio", "paid requests, precis to express", &format!("{:.1}", ours / theirs));
    }
    drop(side);
    if !anvil::installed() {
        println!("SKIPPED: anvil is missing; run scripts/setup");
        return Ok(());
    }
    let dir = tempfile::tempdir()?;
    let (anvil, _, devnet) = anvil::devnet(dir.path(), BLOCK_SECONDS).await?;
    let side = Side::start(dir, devnet).await?;
    let chain = Chain::new(&anvil.url, side.devnet.get("PRECIS_DEVNET_ASSET")?)?;
    for subject in side.subjects() {
        let added = added(&chain, &side.payer, &subject).await?;
        print(subject.name, "settled request over one block, anvil with 2 s, FiatTokenV2_2", &format!("{added:.0} ms"));
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    measure().await
}
