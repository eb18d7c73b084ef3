//! What honest callers notice of floods that cost their senders nothing: latencies quiet and under each, and peak memory.
//! Started by `scripts/bench abuse`.
//!
//! Floods come from a process of their own that runs when nothing else does (SCHED_IDLE), since they stand for other machines, and from the same
//! address as the honest callers, as behind a proxy that the settings do not name. Everything is on loopback.
#![allow(clippy::print_stdout)]

mod flood;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use precis_tests::http::{self, Ask};
use precis_tests::paths;
use precis_tests::payer::{Payer, send_paid};
use precis_tests::stack::Stack;
use reqwest::Client;
use serde_json::Value;

use flood::Flood;

/// Questions whose latency is measured, each on a connection of its own.
const QUESTIONS: usize = 200;
/// Paid summaries whose latency is measured.
const PAID: usize = 20;
/// How often somebody who is told to come back does so.
const TRIES: u32 = 60;
/// What a flood is given before anything is measured.
const RISE: Duration = Duration::from_secs(4);
/// What the service is given after a flood.
const FALL: Duration = Duration::from_secs(3);
/// How many times as long as in quiet an honest caller may wait.
const TARGET: f64 = 2.0;

/// A flood in a process of its own.
struct Running(Child);

impl Running {
    fn start(flood: Flood, origin: &str) -> anyhow::Result<Self> {
        let mut command = Command::new("chrt");
        command.args(["--idle", "0"]).arg(std::env::current_exe()?).args(["flood", flood.name(), origin]);
        Ok(Self(command.stdout(Stdio::null()).spawn().context("flood")?))
    }

    fn runs(&mut self) -> anyhow::Result<()> {
        let ended = self.0.try_wait()?;
        ensure!(ended.is_none(), "the flood has ended: {ended:?}");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What honest callers saw.
struct Seen {
    question: Duration,
    paid: Duration,
    refusals: u32,
}

fn p95(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) * 95 / 100).copied().unwrap_or_default()
}

/// One question; how often it was told to come back.
async fn ask(client: &Client, origin: &str) -> anyhow::Result<u32> {
    for tries in 0..TRIES {
        // Cut off is as good as refused.
        match http::get(client, &format!("{origin}/v1/service")).await {
            Ok(answer) if answer.status == 200 => return Ok(tries),
            Ok(answer) => ensure!(answer.status == 503, "{}: {}", answer.status, answer.text()),
            Err(_) => {}
        }
    }
    anyhow::bail!("no answer after {TRIES} tries")
}

/// One paid summary, from the question for its price to the result.
async fn buy(client: &Client, stack: &Stack, payer: &Payer, text: &str) -> anyhow::Result<u32> {
    let ask = Ask::raw("text/plain", text.as_bytes());
    let mut payment = None;
    for tries in 0..TRIES {
        if payment.is_none() {
            payment = payer.pay(client, &stack.server.url, &ask).await.ok();
        }
        if let Some(payment) = &payment {
            match send_paid(client, &stack.server.url, &ask, payment).await {
                Ok(answer) if answer.status == 200 => return Ok(tries),
                Ok(answer) => ensure!(answer.status == 503, "{}: {}", answer.status, answer.text()),
                Err(_) => {}
            }
        }
    }
    anyhow::bail!("no summary after {TRIES} tries")
}

async fn look(stack: &Stack, payer: &Payer, name: &str) -> anyhow::Result<Seen> {
    let notice = std::fs::read_to_string(paths::document("notice.txt"))?;
    let (mut questions, mut paid, mut refusals) = (Vec::new(), Vec::new(), 0);
    for _ in 0..QUESTIONS {
        // A connection of its own, as somebody has who comes for the first time.
        let client = http::client()?;
        let started = Instant::now();
        refusals += ask(&client, &stack.server.url).await?;
        questions.push(started.elapsed());
    }
    for number in 0..PAID {
        let text = format!("{notice}\nNotice number {number}, {name}.");
        let client = http::client()?;
        let started = Instant::now();
        refusals += buy(&client, stack, payer, &text).await?;
        paid.push(started.elapsed());
    }
    Ok(Seen { question: p95(questions), paid: p95(paid), refusals })
}

/// MiB of a line of /proc/PID/status.
fn memory(process: u32, line: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = status.lines().find_map(|l| l.strip_prefix(line)).with_context(|| line.to_owned())?;
    Ok(value.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse::<u64>()? / 1024)
}

fn stated(log: &str) -> anyhow::Result<u64> {
    let line = log.lines().find(|line| line.contains(r#""edge.memory""#)).context("no bound is stated")?;
    serde_json::from_str::<Value>(line)?["total_mib"].as_u64().context("total_mib")
}

fn row(name: &str, seen: &Seen, quiet: Option<&Seen>, memory: (u64, u64)) {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let ratio = |time: Duration, quiet: Option<Duration>| {
        quiet.map_or_else(String::new, |quiet| format!("{:.1}x", milliseconds(time) / milliseconds(quiet).max(0.001)))
    };
    println!(
        "{name:<34} {:>8.1} ms {:>6} {:>8.1} ms {:>6} {:>9} {:>7} {:>7}",
        milliseconds(seen.question),
        ratio(seen.question, quiet.map(|quiet| quiet.question)),
        milliseconds(seen.paid),
        ratio(seen.paid, quiet.map(|quiet| quiet.paid)),
        seen.refusals,
        memory.0,
        memory.1,
    );
}

async fn bench(only: Option<&str>) -> anyhow::Result<()> {
    let stack = Stack::start().await?;
    let (process, payer) = (stack.server.process.id(), stack.payer()?);
    let bound = stated(&stack.server.process.output())?;
    let now = |process| anyhow::Ok((memory(process, "VmRSS")?, memory(process, "VmHWM")?));
    println!(
        "{:<34} {:>11} {:>6} {:>11} {:>6} {:>9} {:>7} {:>7}",
        "p95 of honest callers", "service", "", "paid", "", "refusals", "MiB now", "peak"
    );
    look(&stack, &payer, "first").await?;
    let quiet = look(&stack, &payer, "quiet").await?;
    row("quiet", &quiet, None, now(process)?);
    let mut worst: f64 = 0.0;
    for flood in Flood::ALL.into_iter().filter(|flood| only.is_none_or(|only| only == flood.name())) {
        let mut running = Running::start(flood, &stack.server.url)?;
        tokio::time::sleep(RISE).await;
        let seen = look(&stack, &payer, flood.name()).await.with_context(|| flood.name().to_owned())?;
        running.runs()?;
        row(flood.describe(), &seen, Some(&quiet), now(process)?);
        drop(running);
        tokio::time::sleep(FALL).await;
        for (time, quiet) in [(seen.question, quiet.question), (seen.paid, quiet.paid)] {
            worst = worst.max(time.as_secs_f64() / quiet.as_secs_f64().max(0.000_001));
        }
    }
    let after = look(&stack, &payer, "after").await?;
    row("quiet again", &after, Some(&quiet), now(process)?);
    let peak = memory(process, "VmHWM")?;
    println!("memory: {peak} MiB at the peak, {bound} MiB stated: {}", if peak <= bound { "within" } else { "OVER" });
    println!(
        "latency: at most {worst:.1} times quiet, {TARGET:.0} wanted: {}",
        if worst <= TARGET { "met" } else { "NOT MET" }
    );
    ensure!(peak <= bound, "over the stated bound");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["flood", name, origin] => runtime.block_on(Flood::named(name).context("flood")?.run(origin)),
        [] => runtime.block_on(bench(None)),
        [only] => runtime.block_on(bench(Some(only))),
        _ => anyhow::bail!("usage: abuse [FLOOD]"),
    }
}
