//! Two servers on one database: one job, one charge, whichever of them is asked.

#[path = "../../app/store/tests/server/mod.rs"]
mod database;

use anyhow::{Context as _, ensure};
use precis_payment::wire;
use precis_protocol::headers;
use precis_tests::cli::Cli;
use precis_tests::http::{self, Ask};
use precis_tests::payer::send_paid;
use precis_tests::process::{GLANCE, PATIENCE, eventually};
use precis_tests::proxy::Proxy;
use precis_tests::stack::{Devnet, Server, Stack};
use precis_tests::story::Story;
use serde_json::json;

use super::Scene;

const DOCUMENT: &str = "The mill was built in 1785. Four sails turn its stones. It grinds on Saturdays.";
const PRICE: u64 = 1500;

struct Replicas {
    database: database::Server,
    /// The first of them, with everything around it.
    scene: Scene,
    second: Server,
}

impl Replicas {
    /// None, and said so, without PostgreSQL.
    async fn start() -> anyhow::Result<Option<Self>> {
        let Some(database) = database::Server::start() else { return Ok(None) };
        let dir = tempfile::tempdir()?;
        let devnet = Devnet::start(dir.path(), &[]).await?;
        let mut env = devnet.env.clone();
        env.insert("PRECIS_LEDGER__URL".into(), database.url("postgres"));
        let mut servers = Vec::new();
        for name in ["first", "second"] {
            let home = dir.path().join(name);
            std::fs::create_dir(&home)?;
            servers.push(Server::listening(&home, &env, &[]).await?);
        }
        for server in &mut servers {
            server.ready().await?;
        }
        let (second, server) = (servers.pop().context("second")?, servers.pop().context("first")?);
        let scene = Scene::around(Stack { dir, devnet, server }).await?;
        Ok(Some(Self { database, scene, second }))
    }

    fn claims(&self) -> usize {
        let of = |server: &Server| server.process.output().matches("payment.claimed").count();
        of(&self.scene.stack.server) + of(&self.second)
    }
}

#[tokio::test]
async fn two_servers_on_one_database_do_one_job_for_one_payment_and_charge_once() {
    let Some(replicas) = Replicas::start().await.unwrap() else { return };
    let mut story = Story::new();
    let (scene, second) = (&replicas.scene, &replicas.second.url);
    let (client, first) = (&scene.client, scene.origin());
    story
        .tell(
            "a payment sent to both at once is one job: both give the same bytes",
            scene.moving(PRICE, async {
                let ask = Ask::json(DOCUMENT, json!({}));
                let payment = scene.payer.pay(client, first, &ask).await?;
                let (one, other) =
                    tokio::join!(send_paid(client, first, &ask, &payment), send_paid(client, second, &ask, &payment));
                let (one, other) = (one?, other?);
                ensure!(one.status == 200 && other.status == 200, "{} and {}", one.text(), other.text());
                ensure!(one.body == other.body, "{}\n{}", one.text(), other.text());
                ensure!(replicas.claims() == 1, "{} claims", replicas.claims());
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "a quote of one is paid at the other, and a payment spent at one is spent at the other",
            scene.moving(PRICE, async {
                let ask = Ask::json(&format!("{DOCUMENT} It is open to all."), json!({}));
                let payment = scene.payer.pay(client, first, &ask).await?;
                let answer = send_paid(client, second, &ask, &payment).await?;
                ensure!(answer.status == 200, "{}", answer.text());
                let changed = Ask::json(&format!("{DOCUMENT} It is closed to all."), json!({}));
                send_paid(client, first, &changed, &payment).await?.refused_and_charged(
                    409,
                    "payment_reused",
                    &json!("unknown"),
                )
            }),
        )
        .await;
    story
        .tell(
            "eight payments, half to each, all settle with the one wallet they share",
            scene.moving(8 * PRICE, async {
                let mut paying = Vec::new();
                for number in 0..8 {
                    let origin = if number % 2 == 0 { first.to_owned() } else { second.clone() };
                    let ask = Ask::json(&format!("{DOCUMENT} Visit number {number}."), json!({}));
                    let payment = scene.payer.pay(client, &origin, &ask).await?;
                    let client = client.clone();
                    paying.push(tokio::spawn(async move {
                        loop {
                            let answer = send_paid(&client, &origin, &ask, &payment).await?;
                            // The cap on unsettled jobs of a payer holds over both.
                            if !matches!(answer.status.as_u16(), 429 | 503) {
                                return anyhow::Ok(answer);
                            }
                            tokio::time::sleep(GLANCE).await;
                        }
                    }));
                }
                for paying in paying {
                    let answer = paying.await??;
                    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
                }
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "a receipt that one signed is judged by the attestation that the other hands out",
            scene.moving(PRICE, async {
                let stack = &scene.stack;
                let (document, receipt) = (stack.file("mill.txt"), stack.file("mill.receipt.json"));
                std::fs::write(&document, format!("{DOCUMENT} A map is at the door."))?;
                let receipt = receipt.to_str().context("path")?;
                // The first one's answer to the payment is lost on the way.
                let proxy = Proxy::start(first).await?;
                let mut sent = 0;
                proxy.alter(move |request, body| {
                    if request.method == "POST" {
                        sent += 1;
                        if sent > 1 {
                            body.truncate(body.len() / 2);
                        }
                    }
                });
                let cut = stack.cli_at(&proxy.url)?.summarize(&document, &["--receipt", receipt]).await?;
                ensure!(cut.code == 5, "{}: {}", cut.code, cut.stderr);
                let bought = stack.cli_at(second)?.summarize(&document, &["--receipt", receipt]).await?;
                bought.expect(0)?;
                let cli: Cli = stack.cli_at(second)?;
                cli.run(&["receipt", "verify", receipt, "--document", document.to_str().context("path")?])
                    .await?
                    .expect(0)
                    .map(drop)
            }),
        )
        .await;
    story.end().unwrap();
}

#[tokio::test]
async fn a_server_takes_over_the_jobs_of_one_that_is_gone() {
    let Some(replicas) = Replicas::start().await.unwrap() else { return };
    let Replicas { database: _database, scene, second } = replicas;
    let ask = Ask::json(include_str!("../documents/metre.txt"), json!({ "mode": "abstractive" }));
    let quote = ask.send(&scene.client, scene.origin(), &[]).await.unwrap().quote().unwrap();
    let required = &quote.accepts[0];
    let (price, payment) = (required.amount.get(), wire::encode(&scene.payer.authorize(required).unwrap()).unwrap());
    let before = scene.balances().await.unwrap();
    let extra = [(headers::PAYMENT_SIGNATURE, payment.as_str()), (headers::PREFER, "respond-async")];
    let ordered = ask.send(&scene.client, scene.origin(), &extra).await.unwrap();
    assert_eq!(ordered.status, 202, "{}", ordered.text());
    let Scene { stack, client, chain, payer, .. } = scene;
    let Stack { dir: _dir, devnet: _devnet, server } = stack;
    eventually("work", async || server.process.output().contains("payment.claimed").then_some(())).await.unwrap();
    server.process.kill().unwrap();
    // While the hold of the dead one lasts, the job waits; then the living one does it, with the document sent again.
    let deadline = std::time::Instant::now() + 2 * PATIENCE;
    let answer = loop {
        let answer = send_paid(&client, &second.url, &ask, &payment).await.unwrap();
        if !matches!(answer.status.as_u16(), 202 | 503) {
            break answer;
        }
        assert!(std::time::Instant::now() < deadline, "{}", answer.text());
    };
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(before.0 - chain.tokens(payer.address).await.unwrap(), price);
    // The job token works at any replica.
    let ticket = ordered.json().unwrap();
    let request = client.get(format!("{}{}", second.url, ordered.header("location")));
    let bearer = format!("Bearer {}", ticket["token"].as_str().unwrap());
    let fetched = http::answer(request.header("authorization", bearer)).await.unwrap();
    assert!(fetched.status == 200 && fetched.body == answer.body, "{}", fetched.text());
}
