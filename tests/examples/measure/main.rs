//! What the service costs outside of the model, measured on the running programs. Started by scripts/bench.
//!
//! How each number is obtained stands beside it in the output. CPU time is the kernel's own count per thread: the model's
//! threads have names of their own, everything else of the server is counted as outside the model.
#![allow(clippy::print_stdout)]

mod verifier;

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use precis_tests::http::{self, Ask};
use precis_tests::paths;
use precis_tests::payer::send_paid;
use precis_tests::stack::{Devnet, Server, Stack};

/// How long 402 answers are counted.
const COUNTING: Duration = Duration::from_secs(5);
/// Connections that ask at the same time.
const CONNECTIONS: usize = 8;
/// Paid requests whose CPU time is averaged.
const PAID: u32 = 40;
/// Threads of the model, as the kernel shortens their names.
const MODEL_THREADS: &str = "precis-";

fn print(what: &str, value: &str, how: &str) {
    println!("{what:<44} {value:>12}   {how}");
}

/// CPU time so far: outside the model's threads, and inside.
fn cpu(process: u32) -> anyhow::Result<(Duration, Duration)> {
    let (mut outside, mut inside) = (Duration::ZERO, Duration::ZERO);
    for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let path = task?.path();
        let name = std::fs::read_to_string(path.join("comm"))?;
        let spent = std::fs::read_to_string(path.join("schedstat"))?;
        let spent = Duration::from_nanos(spent.split_whitespace().next().context("schedstat")?.parse()?);
        if name.starts_with(MODEL_THREADS) { inside += spent } else { outside += spent }
    }
    Ok((outside, inside))
}

/// A line of /proc/PID/status in MiB.
fn memory(process: &str, line: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = status.lines().find_map(|l| l.strip_prefix(line)).with_context(|| line.to_owned())?;
    Ok(value.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}

async fn unpaid_per_second(origin: &str, ask: &Ask) -> anyhow::Result<f64> {
    let client = http::client()?;
    let until = Instant::now() + COUNTING;
    let asking = std::array::from_fn::<_, CONNECTIONS, _>(|_| {
        let (client, origin, ask) = (client.clone(), origin.to_owned(), ask.clone());
        tokio::spawn(async move {
            let mut count = 0_u32;
            while Instant::now() < until {
                let answer = ask.send(&client, &origin, &[]).await?;
                ensure!(answer.status == 402, "{}", answer.status);
                count += 1;
            }
            Ok(count)
        })
    });
    let mut count = 0;
    for asking in asking {
        count += asking.await??;
    }
    Ok(f64::from(count) / COUNTING.as_secs_f64())
}

/// Mean CPU per request outside and inside the model, for requests that `work` makes one at a time.
async fn cpu_per_request(
    stack: &Stack,
    count: u32,
    mut work: impl AsyncFnMut(u32) -> anyhow::Result<()>,
) -> anyhow::Result<(f64, f64)> {
    let before = cpu(stack.server.process.id())?;
    for number in 0..count {
        work(number).await?;
    }
    let after = cpu(stack.server.process.id())?;
    let mean = |spent: Duration| spent.as_secs_f64() * 1000.0 / f64::from(count);
    Ok((mean(after.0 - before.0), mean(after.1 - before.1)))
}

/// Loads the models and makes the same summaries as the service, in a process without one; prints its peak memory.
fn model_alone() -> anyhow::Result<()> {
    let models = precis_summarize::load_named(&paths::models()?, precis_summarize::SMALLEST_MODEL)?;
    let text = std::fs::read_to_string(paths::document("metre.txt"))?;
    let (options, control) = (precis_summarize::Options::default(), precis_summarize::Control::new());
    models.extractive.summarize(&text, &options, &control)?;
    models.abstractive.summarize(&text, &options, &control)?;
    println!("{}", memory("self", "VmHWM")?);
    Ok(())
}

fn model_memory() -> anyhow::Result<f64> {
    let output = std::process::Command::new(std::env::current_exe()?).arg("model-alone").output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

async fn measure() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let devnet = Devnet::start(dir.path(), &[]).await?;
    let started = Instant::now();
    let mut server = Server::listening(dir.path(), &devnet.env, &[]).await?;
    server.ready().await?;
    print(
        "boot to ready",
        &format!("{} ms", started.elapsed().as_millis()),
        "process start to /readyz 200, looked at every 50 ms",
    );
    let stack = Stack { dir, devnet, server };
    let (client, payer) = (http::client()?, stack.payer()?);
    let (short, long) = (std::fs::read(paths::document("notice.txt"))?, std::fs::read(paths::document("metre.txt"))?);

    for (name, document) in [("402 answers, 46 words", &short), ("402 answers, 749 words", &long)] {
        let ask = Ask::raw("text/plain", document.clone());
        let rate = unpaid_per_second(&stack.server.url, &ask).await?;
        print(name, &format!("{rate:.0} /s"), "plain HTTP, 8 connections, devnet and client on the same cores");
    }
    let paid = async |number: u32| {
        let text = [&short[..], format!("\nNotice number {number}.").as_bytes()].concat();
        let ask = Ask::raw("text/plain", text);
        let payment = payer.pay(&client, &stack.server.url, &ask).await?;
        let answer = send_paid(&client, &stack.server.url, &ask, &payment).await?;
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
        Ok(())
    };
    let (outside, inside) = cpu_per_request(&stack, PAID, paid).await?;
    print(
        "CPU per paid request, outside the model",
        &format!("{outside:.1} ms"),
        "quote, payment, settlement, receipt over plain HTTP; all threads but the model's",
    );
    print(
        "CPU per paid request, inside the model",
        &format!("{inside:.1} ms"),
        "extractive summary of 50 words; the model's threads",
    );
    let cli = stack.cli()?;
    let over_channel = async |number: u32| {
        let path = stack.file("bench.txt");
        std::fs::write(&path, [&short[..], format!("\nSecond notice number {number}.").as_bytes()].concat())?;
        cli.summarize(&path, &[]).await?.expect(0)?;
        Ok(())
    };
    let (outside, _) = cpu_per_request(&stack, PAID / 4, over_channel).await?;
    print(
        "CPU per `precis summarize`, outside the model",
        &format!("{outside:.1} ms"),
        "the same with attestation and the encrypted channel",
    );
    verifier::measure(&stack).await?;

    cli.summarize(&paths::document("metre.txt"), &["--mode", "abstractive"]).await?.expect(0)?;
    cli.summarize(&paths::document("metre.txt"), &[]).await?.expect(0)?;
    let peak = memory(&stack.server.process.id().to_string(), "VmHWM")?;
    let model = model_memory()?;
    print("peak memory", &format!("{peak:.0} MiB"), "resident, after everything above and both modes on 749 words");
    print(
        "peak memory without the model",
        &format!("{:.0} MiB", peak - model),
        &format!("the same less {model:.0} MiB: a process that only loads the models and makes the same summaries"),
    );
    Ok(())
}

fn main() -> anyhow::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("model-alone") {
        return model_alone();
    }
    if let [_, what, evidence, policy] = std::env::args().collect::<Vec<_>>().as_slice()
        && what == "verify-alone"
    {
        return verifier::alone(evidence, policy);
    }
    tokio::runtime::Runtime::new()?.block_on(measure())
}
