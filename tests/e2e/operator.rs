//! What an operator sees and sets: the ledger, the sweep, and settings that the chain contradicts.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use anyhow::{Context as _, ensure};
use precis_tests::http::{self, Ask};
use precis_tests::payer::send_paid;
use precis_tests::process::{self, eventually};
use precis_tests::stack::{Devnet, Server, Stack};
use serde_json::{Value, json};

use super::Scene;

const DOCUMENT: &str = "The ferry leaves at nine. It takes an hour. The fare is two coins.";
const PRICE: u64 = 1500;

/// `precis-server ledger …` against a running server.
fn ledger(server: &Server, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = process::command("precis-server")?;
    command.args(["ledger", "--internal", &server.internal_url]).args(arguments);
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test]
async fn the_operator_sees_every_payment_and_nothing_of_the_documents() {
    let scene = Scene::set().await.unwrap();
    let ask = Ask::json(DOCUMENT, json!({}));
    let mut bodies = Vec::new();
    for _ in 0..3 {
        let payment = scene.payer.pay(&scene.client, scene.origin(), &ask).await.unwrap();
        bodies.push(send_paid(&scene.client, scene.origin(), &ask, &payment).await.unwrap());
    }
    let server = &scene.stack.server;
    let listed = ledger(server, &["list"]).unwrap();
    assert_eq!(listed.lines().filter(|line| line.contains("settled")).count(), 3, "{listed}");
    assert_eq!(ledger(server, &["list", "--state", "refunding"]).unwrap(), "");
    let id = bodies[0].json().unwrap()["result"]["id"].as_str().unwrap().to_owned();
    let shown: Value = serde_json::from_str(&ledger(server, &["show", &id]).unwrap()).unwrap();
    let receipt = bodies[0].json().unwrap()["receipt"].clone();
    assert_eq!((&shown["amount"], &shown["state"]), (&json!(PRICE.to_string()), &json!("settled")));
    assert_eq!(shown["transaction"], receipt["payment"]["transaction"]);
    assert_eq!(shown["nonce"], receipt["payment"]["nonce"]);
    let exported = ledger(server, &["export"]).unwrap();
    let columns: Vec<usize> = exported.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(columns, [15; 4], "{exported}");
    assert_eq!(ledger(server, &["reconcile"]).unwrap(), "");
    for text in [&listed, &exported, &shown.to_string()] {
        assert!(!text.contains("ferry") && !text.contains("token\""), "{text}");
    }
    assert!(ledger(server, &["show", &"0".repeat(32)]).is_err());
    // None of it is on the public address.
    let public = http::get(&scene.client, &format!("{}/ledger", scene.origin())).await.unwrap();
    public.refused(404, "not_found").unwrap();
}

#[tokio::test]
async fn a_state_or_an_id_that_does_not_exist_is_refused_with_what_there_is() {
    let scene = Scene::set().await.unwrap();
    let server = &scene.stack.server;
    let said = ledger(server, &["list", "--state", "nonsense"]).unwrap_err().to_string();
    for state in precis_store::Stage::ALL {
        assert!(said.contains(state.name()), "{said}");
    }
    let said = ledger(server, &["show", "zz"]).unwrap_err().to_string();
    assert!(said.contains("32 lowercase hex"), "{said}");
    let said = ledger(server, &["show", &"0".repeat(32)]).unwrap_err().to_string();
    assert!(said.contains("no job with this id") && !said.contains("oken"), "{said}");
    let asked = http::get(&scene.client, &format!("{}/ledger/zz", server.internal_url)).await.unwrap();
    let said = asked.text().to_string();
    asked.refused(400, "bad_job_id").unwrap();
    assert!(!said.contains("earer"), "{said}");
}

/// A settled payment for another document each time.
async fn bought(scene: &Scene, number: u32) -> anyhow::Result<(Ask, String)> {
    let ask = Ask::json(&format!("{DOCUMENT} Note {number}."), json!({}));
    let payment = scene.payer.pay(&scene.client, scene.origin(), &ask).await?;
    let answer = send_paid(&scene.client, scene.origin(), &ask, &payment).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    Ok((ask, payment))
}

/// The same service after a kill, with other settings, when `between` was done to its ledger.
async fn restarted(
    scene: Scene,
    settings: &[(&str, String)],
    between: impl FnOnce(&std::path::Path),
) -> anyhow::Result<Scene> {
    let Stack { dir, devnet, server } = scene.stack;
    server.process.kill()?;
    between(&dir.path().join("state/ledger.redb"));
    let mut server = Server::listening(dir.path(), &devnet.env, settings).await?;
    server.ready().await?;
    Scene::around(Stack { dir, devnet, server }).await
}

const SWEEP_TO: &str = "0x3333333333333333333333333333333333333333";

fn sweeping() -> [(&'static str, String); 1] {
    [("PRECIS_PAYMENT__SWEEP__TO", SWEEP_TO.into())]
}

#[tokio::test]
async fn after_the_loss_of_the_ledger_a_sweep_leaves_what_may_be_owed() {
    let to: Address = SWEEP_TO.parse().unwrap();
    let scene = Scene::set().await.unwrap();
    for number in 0..2 {
        bought(&scene, number).await.unwrap();
    }
    let lost = |path: &std::path::Path| std::fs::remove_file(path).unwrap();
    // A ledger that knows nothing proves nothing: not even that the chain's logs are shown.
    let scene = restarted(scene, &sweeping(), lost).await.unwrap();
    let deferred = async || scene.stack.server.process.output().contains("sweep.deferred").then_some(());
    eventually("deferral", deferred).await.unwrap();
    assert_eq!(scene.chain.tokens(to).await.unwrap(), 0u64);
    bought(&scene, 3).await.unwrap();
    let scene = restarted(scene, &sweeping(), |_| {}).await.unwrap();
    let swept = eventually("sweep", async || {
        let units = scene.chain.tokens(to).await.ok()?;
        (!units.is_zero()).then_some(units)
    });
    // What this ledger knows to be delivered, and nothing of what the lost one knew.
    assert_eq!(swept.await.unwrap(), PRICE);
    assert_eq!(scene.chain.tokens(scene.pay_to).await.unwrap(), 2 * PRICE);
}

#[tokio::test]
async fn one_damaged_row_stops_nobody_else_and_nothing_is_swept_over_it() {
    let to: Address = SWEEP_TO.parse().unwrap();
    let scene = Scene::set().await.unwrap();
    let (ask, payment) = bought(&scene, 0).await.unwrap();
    let damage = |path: &std::path::Path| {
        let table: redb::TableDefinition<'_, &[u8; 32], &[u8]> = redb::TableDefinition::new("records");
        let database = redb::Database::open(path).unwrap();
        let transaction = database.begin_write().unwrap();
        {
            use redb::ReadableTable as _;
            let mut table = transaction.open_table(table).unwrap();
            let (row, mut value) = {
                let first = table.first().unwrap().unwrap();
                (*first.0.value(), first.1.value().to_vec())
            };
            value[40] ^= 1;
            table.insert(&row, &value[..]).unwrap();
        }
        transaction.commit().unwrap();
    };
    let scene = restarted(scene, &sweeping(), damage).await.unwrap();
    // Everybody else is served, and the operator sees the others, and that there is damage.
    bought(&scene, 1).await.unwrap();
    let server = &scene.stack.server;
    let listed = ledger(server, &["list"]).unwrap();
    assert_eq!(listed.lines().filter(|line| line.contains("settled")).count(), 1, "{listed}");
    assert_eq!(listed.lines().filter(|line| line.starts_with("DAMAGED row ")).count(), 1, "{listed}");
    let ready = http::get(&scene.client, &format!("{}/readyz", server.internal_url)).await.unwrap();
    assert_eq!((ready.status.as_u16(), &ready.json().unwrap()["damagedRows"]), (200, &json!(1)));
    let reconciled = ledger(server, &["reconcile"]).unwrap();
    assert!(reconciled.contains("DAMAGED row "), "{reconciled}");
    // Its own payment is no news to be charged again, and nobody says that it was not charged.
    let again = send_paid(&scene.client, scene.origin(), &ask, &payment).await.unwrap();
    assert_eq!(again.status, 500, "{}", again.text());
    assert_eq!(again.json().unwrap()["charged"], json!("unknown"));
    // What is owed for it nobody knows.
    let deferred = async || server.process.output().contains("the ledger has damaged rows").then_some(());
    eventually("deferral", deferred).await.unwrap();
    assert_eq!(scene.chain.tokens(to).await.unwrap(), 0u64);
    assert_eq!(scene.chain.tokens(scene.pay_to).await.unwrap(), 2 * PRICE);
}

#[tokio::test]
async fn surplus_is_swept_to_the_configured_address_and_what_is_kept_stays() {
    const KEEP: u64 = 2000;
    let to: Address = "0x2222222222222222222222222222222222222222".parse().unwrap();
    let settings = [("PRECIS_PAYMENT__SWEEP__TO", to.to_string()), ("PRECIS_PAYMENT__SWEEP__KEEP", KEEP.to_string())];
    let dir = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(dir.path(), &[]).await.unwrap();
    let mut server = Server::listening(dir.path(), &devnet.env, &settings).await.unwrap();
    server.ready().await.unwrap();
    let scene = Scene::around(Stack { dir, devnet, server }).await.unwrap();
    for number in 0..3 {
        let ask = Ask::json(&format!("{DOCUMENT} Note {number}."), json!({}));
        let payment = scene.payer.pay(&scene.client, scene.origin(), &ask).await.unwrap();
        assert_eq!(send_paid(&scene.client, scene.origin(), &ask, &payment).await.unwrap().status, 200);
    }
    // It sweeps at its start, too.
    let Stack { dir, devnet, server } = scene.stack;
    server.process.kill().unwrap();
    let mut server = Server::listening(dir.path(), &devnet.env, &settings).await.unwrap();
    server.ready().await.unwrap();
    let swept = eventually("sweep", async || {
        let units = scene.chain.tokens(to).await.ok()?;
        (!units.is_zero()).then_some(units)
    })
    .await
    .unwrap();
    assert_eq!(swept, 3 * PRICE - KEEP);
    assert_eq!(scene.chain.tokens(scene.pay_to).await.unwrap(), KEEP);
}

/// What a server that must not start says when it ends.
async fn refusal(devnet: &Devnet, dir: &std::path::Path, variable: &str, value: &str) -> anyhow::Result<String> {
    let mut env: BTreeMap<String, String> = devnet.env.clone();
    env.insert(variable.to_owned(), value.to_owned());
    let mut server = Server::listening(dir, &env, &[]).await?;
    let ended = server.ready().await.err().with_context(|| format!("it started with {variable}={value}"))?;
    Ok(ended.to_string())
}

#[tokio::test]
async fn a_misspelled_setting_is_refused_with_the_one_that_was_meant() {
    let dir = tempfile::tempdir().unwrap();
    // What a shell may hold for the client, the devnet and the tests is no mistake: the refusal is about the other name alone.
    let others = precis_server::names::OF_OTHERS.iter().map(|name| ((*name).to_owned(), "x".to_owned()));
    let mut env: BTreeMap<String, String> = others.collect();
    env.insert("PRECIS_PAYTO".into(), "0x1111111111111111111111111111111111111111".into());
    let ended = Server::listening(dir.path(), &env, &[]).await.err().unwrap().to_string();
    assert!(ended.contains("exit status: 78"), "{ended}");
    assert!(
        ended.contains("PRECIS_PAYTO: there is no such setting; PRECIS_PAYMENT__NETWORK__0__PAY_TO was probably meant"),
        "{ended}"
    );
}

#[tokio::test]
async fn a_setting_that_cannot_be_read_ends_the_start_as_any_other_wrong_setting() {
    let dir = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("PRECIS_PAYMENT__SWEEP__EVERY", "soon"),
        ("PRECIS_PAYMENT__NETWORK__0__PAY_TO", "0x00"),
        ("PRECIS_PAYMENT__NETWORK__0__NETWORK", "base"),
    ] {
        let env = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let ended = Server::listening(dir.path(), &env, &[]).await.err().unwrap().to_string();
        assert!(ended.contains("exit status: 78"), "{name}: {ended}");
    }
}

#[tokio::test]
async fn a_service_does_not_start_on_settings_that_chain_or_facilitator_contradict() {
    let dir = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(dir.path(), &[]).await.unwrap();
    // A facilitator that settles on another chain only.
    let app =
        facilitator_that_supports(json!({ "kinds": [{ "x402Version": 2, "scheme": "exact", "network": "eip155:1" }] }))
            .await;
    let verifier = devnet.get("PRECIS_RECEIPT_VERIFIER").unwrap_or("0x1111111111111111111111111111111111111111");
    for (variable, value, says) in [
        ("PRECIS_PAYMENT__NETWORK__0__NETWORK", "eip155:8453", "serves chain 31337"),
        ("PRECIS_PAYMENT__NETWORK__0__ASSET", "0x1111111111111111111111111111111111111111", "there is no contract"),
        ("PRECIS_PAYMENT__NETWORK__0__ASSET", verifier, "contract"),
        ("PRECIS_PAYMENT__NETWORK__0__ASSET_NAME", "Another Dollar", "EIP-712 domain"),
        ("PRECIS_PAYMENT__NETWORK__0__ASSET_VERSION", "99", "EIP-712 domain"),
        ("PRECIS_PAYMENT__FACILITATOR__URL", app.as_str(), "does not support exact payments"),
    ] {
        let said = refusal(&devnet, dir.path(), variable, value).await.unwrap();
        assert!(said.contains(says), "{variable}={value}: {said}");
    }
}

/// Answers every request with one JSON document.
async fn facilitator_that_supports(document: Value) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let body = document.to_string();
            let mut request = [0; 4096];
            // One read takes a GET of a few lines; whoever sends more gets the same answer.
            drop(stream.read(&mut request).await);
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    url
}
