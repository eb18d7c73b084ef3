//! Settlement with several replicas: they share a ledger and the enclave wallet, and the node is far away. Orders per second,
//! and how often the node refused a transaction for its account nonce. Started by scripts/bench.
//!
//! Clients, chain, database and servers share the machine's cores. The model takes no time.
#![allow(clippy::print_stdout)]

#[path = "../../../app/store/tests/server/mod.rs"]
mod database;
mod distant;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Parser;
use precis_tests::http::{self, Ask};
use precis_tests::payer::{Payer, send_paid};
use precis_tests::stack::Devnet;
use precis_tests::testbed::{Started, Testbed};
use serde_json::json;
use tokio::task::JoinSet;

use distant::Distant;

/// What is measured.
#[derive(Parser)]
struct Arguments {
    /// Servers that share ledger and wallet.
    #[arg(long, default_value_t = 2)]
    replicas: usize,
    /// Milliseconds from a server to the node and back.
    #[arg(long, default_value_t = 50)]
    distance: u64,
    /// Orders in all.
    #[arg(long, default_value_t = 400)]
    orders: usize,
    /// Orders at a time, over all servers.
    #[arg(long, default_value_t = 24)]
    concurrent: usize,
    /// Seconds between blocks; without it every transaction is mined at once.
    #[arg(long)]
    blocks: Option<String>,
}

/// Longest that one order may be tried again, as an honest client does.
const PATIENCE: Duration = Duration::from_secs(120);

/// One order at one server, until it is there; how often it had to be sent again.
async fn order(client: &reqwest::Client, payer: &Payer, origin: &str, number: usize) -> anyhow::Result<usize> {
    let ask =
        Ask::json(&format!("The canal is {number} kilometres long. A ship needs ten hours to pass it."), json!({}));
    let payment = payer.pay(client, origin, &ask).await?;
    let started = Instant::now();
    for again in 0.. {
        let answer = send_paid(client, origin, &ask, &payment).await?;
        match answer.status.as_u16() {
            200 => return Ok(again),
            429 | 503 => ensure!(started.elapsed() < PATIENCE, "{}: {}", answer.status, answer.text()),
            _ => anyhow::bail!("{}: {}", answer.status, answer.text()),
        }
    }
    Ok(0)
}

async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let database = database::Server::start().context("PostgreSQL is not installed")?;
    let dir = tempfile::tempdir()?;
    let interval = arguments.blocks.as_deref().map_or_else(Vec::new, |seconds| vec!["--block-interval", seconds]);
    let devnet = Devnet::start(dir.path(), &interval).await?;
    let node = Distant::start(devnet.get("PRECIS_RPC_URL")?, Duration::from_millis(arguments.distance)).await?;
    let mut env = devnet.env.clone();
    let settings = [
        ("PRECIS_PAYMENT__NETWORK__0__RPC_URLS", node.url.clone()),
        ("PRECIS_LEDGER__URL", database.url("postgres")),
        // One account stands for all payers.
        ("PRECIS_LIMITS__UNSETTLED_PER_PAYER", "256".into()),
        ("PRECIS_LIMITS__QUEUE", "256".into()),
    ];
    env.extend(settings.map(|(key, value)| (key.to_owned(), value)));
    let mut servers = Vec::new();
    for number in 0..arguments.replicas {
        let home = dir.path().join(number.to_string());
        std::fs::create_dir(&home)?;
        match Testbed::start(&home, &env).await? {
            Started::Ready(server) => servers.push(server),
            Started::Killed => anyhow::bail!("a server ended"),
        }
    }
    let payer = Arc::new(Payer::from_file(devnet.get("PRECIS_PAYER_KEY_FILE")?.as_ref())?);
    let client = http::client()?;
    for (number, server) in servers.iter().enumerate() {
        order(&client, &payer, &server.url, usize::MAX - number).await?;
    }
    node.forget();
    let started = Instant::now();
    let mut ordering = JoinSet::new();
    for lane in 0..arguments.concurrent {
        let origin = servers.get(lane % servers.len()).context("no server")?.url.clone();
        let (client, payer) = (client.clone(), Arc::clone(&payer));
        let numbers = (lane..arguments.orders).step_by(arguments.concurrent);
        ordering.spawn(async move {
            let mut again = 0;
            for number in numbers {
                again += order(&client, &payer, &origin, number).await?;
            }
            anyhow::Ok(again)
        });
    }
    let mut again = 0;
    while let Some(lane) = ordering.join_next().await {
        again += lane??;
    }
    let rate = arguments.orders as f64 / started.elapsed().as_secs_f64();
    let (replicas, distance) = (arguments.replicas, arguments.distance);
    let blocks = arguments.blocks.as_deref().map_or_else(|| "at once".to_owned(), |seconds| format!("{seconds} s"));
    println!("{replicas} replicas, node {distance} ms away, blocks: {blocks}, {} orders", arguments.orders);
    let seen = node.seen();
    for (what, value) in [
        ("settled orders", format!("{rate:.1} /s")),
        ("transactions refused for their nonce", seen.collisions.to_string()),
        ("transactions sent", seen.sent.to_string()),
        ("calls to the node per order", format!("{:.1}", seen.calls as f64 / arguments.orders as f64)),
        ("requests that had to be repeated", again.to_string()),
    ] {
        println!("  {what:<48} {value:>14}");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    measure(&Arguments::parse()).await
}
