//! Clients that others wrote: the official x402 SDKs pay for every task, the official ROFL client speaks to our devnet.
//!
//! They need node, Python and the packages that scripts/setup installs. Where those are absent the tests say that they are
//! skipped; with PRECIS_REQUIRE_CONFORMANCE set, as scripts/test sets it, absence is a failure.
#![allow(clippy::unwrap_used)]

mod browser;
mod nginx;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use precis_protocol::attestation::Attestation;
use precis_protocol::headers;
use precis_protocol::keyset::Keyset;
use precis_protocol::limits::MAX_PAYMENT_HEADER_BYTES;
use precis_tests::http::{self, Ask};
use precis_tests::paths;
use precis_tests::payer::send_paid;
use precis_tests::process::PATIENCE;
use precis_tests::stack::{Devnet, Stack};
use precis_tests::tasks::{EXTRACT, Row, TASKS};
use serde_json::{Value, json};

/// The interpreter, if what it runs is installed.
fn interpreter(python: bool) -> Option<PathBuf> {
    let root = paths::root();
    let (program, package) = if python {
        (root.join(".precis/venv/bin/python"), root.join(".precis/venv"))
    } else {
        (PathBuf::from("node"), root.join("tests/conformance/node_modules/cohere-ai"))
    };
    if package.is_dir() {
        return Some(program);
    }
    assert!(
        std::env::var_os("PRECIS_REQUIRE_CONFORMANCE").is_none(),
        "{} is missing; run scripts/setup",
        package.display()
    );
    eprintln!("SKIPPED: {} is missing; run scripts/setup", package.display());
    None
}

/// Runs a script of this directory; its standard output.
async fn run(program: PathBuf, script: &str, arguments: &[&str], env: &[(&str, &str)]) -> anyhow::Result<String> {
    let mut command = tokio::process::Command::new(program);
    command
        .arg(paths::root().join("tests/conformance").join(script))
        .args(arguments)
        .envs(env.iter().copied())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .with_context(|| format!("{script} takes too long"))??;
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{script}: {}\n{stdout}\n{stderr}", output.status);
    Ok(stdout)
}

/// One SDK buys one result of each task with one request, as its users would write it.
async fn buys(python: bool, script: &str, settings: &[(&str, String)]) -> anyhow::Result<()> {
    let Some(program) = interpreter(python) else { return Ok(()) };
    let stack = Stack::start_with(&[], settings).await?;
    for row in TASKS {
        buys_one(&stack, &program, script, row).await.with_context(|| row.task.to_string())?;
    }
    Ok(())
}

async fn buys_one(stack: &Stack, program: &Path, script: &str, row: &Row) -> anyhow::Result<()> {
    let (chain, payer) = (stack.chain()?, stack.payer()?);
    let before = chain.tokens(payer.address).await?;
    let text = std::fs::read_to_string(paths::document("notice.txt"))?;
    let (ask, body) = (row.ask(&text), stack.file("order.json"));
    std::fs::write(&body, &ask.body)?;
    let env = [
        ("PRECIS_URL", stack.server.url.as_str()),
        ("PRECIS_KEY_FILE", stack.devnet.get("PRECIS_PAYER_KEY_FILE")?),
        ("PRECIS_RPC_URL", stack.devnet.get("PRECIS_RPC_URL")?),
    ];
    let arguments = [body.to_str().context("path")?, &ask.path, &ask.media_type];
    let said = run(program.to_owned(), script, &arguments, &env).await?;
    let said: Value = serde_json::from_str(said.lines().last().context("no output")?).with_context(|| said.clone())?;
    ensure!(said["status"] == 200 && said["settlement"]["success"] == true, "{said}");
    if row.task == EXTRACT.task {
        for sentence in said["body"]["result"]["sentences"].as_array().context("sentences")? {
            ensure!(text.contains(sentence["text"].as_str().context("text")?), "not in the document: {sentence}");
        }
    }
    let price: alloy_primitives::U256 =
        said["body"]["receipt"]["payment"]["amount"].as_str().context("amount")?.parse()?;
    ensure!(before - chain.tokens(payer.address).await? == price, "charged other than {price}");
    ensure!(chain.gas(payer.address).await?.is_zero(), "the payer holds gas");
    let mined = chain.rpc("eth_getTransactionReceipt", json!([said["settlement"]["transaction"]])).await?;
    ensure!(mined["status"] == "0x1", "not settled: {mined}");
    Ok(())
}

#[tokio::test]
async fn the_official_javascript_client_buys_every_task() {
    buys(false, "x402_fetch.mjs", &[]).await.unwrap();
}

#[tokio::test]
async fn the_official_python_client_buys_every_task() {
    buys(true, "x402_httpx.py", &[]).await.unwrap();
}

#[tokio::test]
async fn both_official_clients_buy_where_the_payment_comes_first() {
    for (python, script) in [(false, "x402_fetch.mjs"), (true, "x402_httpx.py")] {
        buys(python, script, &[("PRECIS_PAYMENT__UPFRONT_ABOVE", "0s".into())]).await.unwrap();
    }
}

/// Vectors and an order of documents by clients that know nothing of payments.
async fn sold_to_clients_of_other_services() -> anyhow::Result<()> {
    let Some(program) = interpreter(false) else { return Ok(()) };
    let stack = Stack::start().await?;
    let service: Value = http::get(&http::client()?, &format!("{}/v1/service", stack.server.url)).await?.json()?;
    let task = &service["tasks"]["embeddings"];
    let model = task["model"]["name"].as_str().context("model")?;
    let env = [
        ("PRECIS_URL", stack.server.url.as_str()),
        ("PRECIS_KEY_FILE", stack.devnet.get("PRECIS_PAYER_KEY_FILE")?),
        ("PRECIS_RPC_URL", stack.devnet.get("PRECIS_RPC_URL")?),
        ("PRECIS_EMBEDDINGS_MODEL", model),
    ];
    let said = run(program, "openai_cohere.mjs", &[], &env).await?;
    let said: Value = serde_json::from_str(said.lines().last().context("no output")?)?;
    for vectors in [&said["embeddings"], &said["floats"]] {
        let data = vectors["data"].as_array().context("data")?;
        ensure!(data.len() == 3 && vectors["usage"]["total_tokens"].as_u64() > Some(10), "{vectors}");
        ensure!(vectors["receipt"]["signature"].is_string(), "no receipt");
        for entry in data {
            let values: Vec<f64> =
                entry["embedding"].as_array().context("values")?.iter().filter_map(Value::as_f64).collect();
            let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
            ensure!(values.len() == 384 && (length - 1.0).abs() < 1e-3, "{} values of length {length}", values.len());
        }
    }
    let ranked = said["ranked"]["results"].as_array().context("results")?;
    ensure!(ranked.len() == 2 && ranked[0]["index"] == 2, "the bread is not first: {}", said["ranked"]);
    ensure!(ranked[0]["document"]["text"].as_str().is_some_and(|text| text.starts_with("Bread")), "{}", said["ranked"]);
    Ok(())
}

#[tokio::test]
async fn the_official_openai_and_cohere_clients_buy_vectors_and_an_order_of_documents() {
    sold_to_clients_of_other_services().await.unwrap();
}

/// The account of the receipt key that the service attests.
async fn receipt_signer(client: &reqwest::Client, origin: &str) -> anyhow::Result<String> {
    let url = format!("{origin}{}?nonce={}", headers::ATTESTATION_PATH, "00".repeat(32));
    let attestation = Attestation::parse(&http::get(client, &url).await?.body)?;
    Ok(Keyset::parse(&attestation.keyset)?.receipt_address()?.to_string())
}

async fn judged_by_the_extensions_package() -> anyhow::Result<()> {
    let Some(program) = interpreter(false) else { return Ok(()) };
    let (stack, client) = (Stack::start().await?, http::client()?);
    let document = paths::document("notice.txt");
    let signer = receipt_signer(&client, &stack.server.url).await?;
    let env = [
        ("PRECIS_URL", stack.server.url.as_str()),
        ("PRECIS_KEY_FILE", stack.devnet.get("PRECIS_PAYER_KEY_FILE")?),
        ("PRECIS_RPC_URL", stack.devnet.get("PRECIS_RPC_URL")?),
        ("PRECIS_RECEIPT_SIGNER", signer.as_str()),
    ];
    let said = run(program, "offer_receipt.mjs", &[document.to_str().context("path")?], &env).await?;
    let said: Value = serde_json::from_str(said.lines().last().context("no output")?).with_context(|| said.clone())?;
    let text = |name: &str| said[name].as_str().with_context(|| format!("no {name}: {said}"));
    for header in ["required", "payment", "settlement"] {
        let length = text(header)?.len();
        ensure!(length < MAX_PAYMENT_HEADER_BYTES / 2, "{header} has {length} bytes");
    }

    // Another boot has other keys: what was delivered is kept, not made again.
    let stack = stack.crash_and_restart().await?;
    ensure!(receipt_signer(&client, &stack.server.url).await? != signer, "the receipt key outlived its boot");
    let ask = Ask::raw("text/plain", std::fs::read(&document)?);
    let again = send_paid(&client, &stack.server.url, &ask, text("payment")?).await?;
    ensure!(again.status == 200, "{}: {}", again.status, again.text());
    ensure!(again.header(headers::PAYMENT_RESPONSE) == text("settlement")?, "another settlement: {:?}", again.headers);
    ensure!(again.text() == text("body")?, "another answer: {}", again.text());
    Ok(())
}

#[tokio::test]
async fn the_official_extensions_package_verifies_offer_and_receipt() {
    judged_by_the_extensions_package().await.unwrap();
}

async fn judged_as_a_catalogue_would() -> anyhow::Result<()> {
    let Some(program) = interpreter(false) else { return Ok(()) };
    let stack = Stack::start().await?;
    let document = paths::document("notice.txt");
    let env = [
        ("PRECIS_URL", stack.server.url.as_str()),
        ("PRECIS_KEY_FILE", stack.devnet.get("PRECIS_PAYER_KEY_FILE")?),
        ("PRECIS_RPC_URL", stack.devnet.get("PRECIS_RPC_URL")?),
    ];
    run(program, "extensions.mjs", &[document.to_str().context("path")?], &env).await.map(drop)
}

#[tokio::test]
async fn the_official_extensions_package_catalogues_the_route_and_names_its_payments() {
    judged_as_a_catalogue_would().await.unwrap();
}

#[tokio::test]
async fn the_official_rofl_client_speaks_to_the_devnets_appd() {
    let Some(program) = interpreter(true) else { return };
    let dir = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(dir.path(), &[]).await.unwrap();
    let said = run(program, "rofl_client.py", &[devnet.get("PRECIS_DEVNET_APPD_SOCKET").unwrap()], &[]).await.unwrap();
    assert!(said.lines().any(|line| line.starts_with("ok")), "{said}");
}
