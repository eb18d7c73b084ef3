//! What a caller gets.

use alloy_primitives::U256;
use anyhow::{Context as _, ensure};
use precis_payment::wire::{self, SettleResponse};
use precis_protocol::Style;
use precis_protocol::attestation::Attestation;
use precis_protocol::headers;
use precis_protocol::keyset::Keyset;
use precis_protocol::service::ServiceDescription;
use precis_tests::http::{self, Ask};
use precis_tests::paths;
use precis_tests::payer::send_paid;
use precis_tests::story::Story;
use serde_json::{Value, json};

use super::Scene;

const DEFAULT_PRICES: [(&str, u64, u64); 2] = [("extractive", 1000, 500), ("abstractive", 2000, 3000)];

/// Price list applied to a result's metering.
fn price_of(mode: &str, result: &Value) -> u64 {
    let tokens = result["usage"]["inputTokens"].as_u64().unwrap();
    let (_, base, per_1k) = DEFAULT_PRICES.into_iter().find(|(name, ..)| *name == mode).unwrap();
    base + per_1k * tokens.div_ceil(1000)
}

/// Buys a summary with the command and checks what was said, paid and saved.
async fn bought(scene: &Scene, mode: &str, document: &str, extra: &[&str], channel: &str) -> anyhow::Result<()> {
    let (path, text) = (paths::document(document), std::fs::read_to_string(paths::document(document))?);
    let saved = scene.stack.file(&format!("{mode}-{channel}-{document}.receipt.json"));
    let receipt = saved.to_str().context("path")?;
    let (before, gas) = (scene.balances().await?, scene.chain.gas(scene.payer.address).await?);
    ensure!(gas.is_zero(), "the payer holds gas");
    let arguments = [&["--mode", mode, "--receipt", receipt, "--format", "json"], extra].concat();
    let said = scene.stack.cli()?.summarize(&path, &arguments).await?.expect(0)?.json()?;
    let (result, after) = (&said["result"], scene.balances().await?);

    ensure!(
        result["mode"] == mode && !result["summary"].as_str().unwrap_or_default().is_empty(),
        "no summary: {result}"
    );
    ensure!(result["coverage"]["complete"] == true, "not all was read: {}", result["coverage"]);
    for sentence in result["sentences"].as_array().context("sentences")? {
        // A sentence of an abstract that failed is replaced by a quotation.
        if mode == "extractive" || sentence["start"].is_u64() {
            let at = |name: &str| sentence[name].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
            ensure!(text.get(at("start")..at("end")) == sentence["text"].as_str(), "not in the document: {sentence}");
        } else {
            ensure!(sentence["grounding"]["support"].is_u64(), "no grounding: {sentence}");
        }
    }
    let price = price_of(mode, result);
    ensure!(
        before.0 - after.0 == U256::from(price) && after.1 - before.1 == U256::from(price),
        "charged other than {price}"
    );
    ensure!(scene.chain.gas(scene.payer.address).await?.is_zero(), "the payer holds gas");
    ensure!(
        said["receiptFile"]["receipt"]["receipt"]["channel"] == channel,
        "channel: {}",
        said["receiptFile"]["receipt"]["receipt"]
    );
    ensure!(said["insecure"] == true, "a mock root must be called insecure");
    let transaction = said["payment"]["transaction"].clone();
    let mined = scene.chain.rpc("eth_getTransactionReceipt", json!([transaction])).await?;
    ensure!(mined["status"] == "0x1", "the settlement is not on chain: {mined}");

    let document = path.to_str().context("path")?;
    scene.stack.cli()?.verify_receipt(&saved, &["--document", document]).await?.expect(0)?;
    Ok(())
}

/// Minutes in which something was decided, among what was not.
const MINUTES: &str = "Minutes of the garden club. The weather was mild and most members came by bicycle. The roses have been pruned. \
    The club decided to buy a new pump for the well. Somebody brought a cake with plums. Ms Okafor must order the pump by 12 March 2027. \
    The old shed still stands, and nobody knows who built it. The fee is due on 1 April 2027 at the latest.\n";

/// Buys a summary in a style, and checks that its text is its sentences as that style has them.
async fn styled(scene: &Scene, mode: &str, style: Style) -> anyhow::Result<()> {
    let path = scene.stack.file("minutes.txt");
    std::fs::write(&path, MINUTES)?;
    let receipt = scene.stack.file(&format!("{mode}-{}.receipt.json", style.name()));
    let arguments =
        ["--mode", mode, "--style", style.name(), "--format", "json", "--receipt", receipt.to_str().context("path")?];
    let said = scene.stack.cli()?.summarize(&path, &arguments).await?.expect(0)?.json()?;
    let (result, text) = (&said["result"], said["result"]["summary"].as_str().context("summary")?);
    let sentences = result["sentences"].as_array().context("sentences")?;
    let texts: Vec<&str> = sentences.iter().filter_map(|sentence| sentence["text"].as_str()).collect();
    ensure!(style.is_rendering(text, texts.iter().copied()), "{} is not {texts:?} as {}", text, style.name());
    let lines = text.lines().filter(|line| line.starts_with("- ")).count();
    match style {
        Style::Paragraph => ensure!(lines == 0, "{text}"),
        Style::Bullets => ensure!(lines == texts.len(), "{text}"),
        Style::Tldr => ensure!(texts.len() <= 2 && text.split_whitespace().count() <= 40, "{text}"),
        Style::Decisions => ensure!(lines == texts.len() && text.contains("pump"), "{text}"),
    }
    let asked = said["receiptFile"]["request"]["path"].as_str().context("path")?;
    ensure!(asked.contains("style=") != style.is_default(), "{asked}");
    let document = path.to_str().context("path")?;
    scene.stack.cli()?.verify_receipt(&receipt, &["--document", document]).await?.expect(0).map(drop)
}

#[tokio::test]
async fn each_style_is_bought_and_is_what_was_asked_for() {
    let scene = Scene::set().await.unwrap();
    let mut story = Story::new();
    for mode in ["extractive", "abstractive"] {
        for style in Style::ALL {
            let name = format!("{mode}, {}", style.name());
            story.tell(&name, styled(&scene, mode, style)).await;
        }
    }
    story
        .tell("a style that nobody knows is refused before anything is sent, or paid", async {
            let cli = scene.stack.cli()?;
            let said = cli.summarize(&paths::document("metre.txt"), &["--style", "haiku"]).await?.expect(2)?;
            ensure!(said.stderr.contains("use paragraph, bullets, decisions or tldr"), "{}", said.stderr);
            for options in [json!({"style": "haiku"}), json!({"language": "de"}), json!({"audience": "children"})] {
                let ask = Ask::json(MINUTES, options);
                ask.send(&scene.client, scene.origin(), &[]).await?.refused(400, "bad_request")?;
            }
            Ok(())
        })
        .await;
    story.end().unwrap();
}

#[tokio::test]
async fn a_caller_verifies_pays_and_gets_a_summary_with_a_receipt() {
    let scene = Scene::set().await.unwrap();
    let mut story = Story::new();
    let cli = scene.stack.cli().unwrap();

    story
        .tell("verify prints a VERIFIED transcript and says that the root is a mock", async {
            let said = cli.run(&["verify"]).await?.expect(0)?;
            ensure!(said.stdout.contains("VERIFIED") && said.stdout.contains("INSECURE"), "{}", said.stdout);
            Ok(())
        })
        .await;
    story
        .tell(
            "a quote costs nothing and names the price that is then charged",
            scene.moving(0, async {
                let path = paths::document("metre.txt");
                let said =
                    cli.run(&["quote", path.to_str().context("path")?, "--format", "json"]).await?.expect(0)?.json()?;
                let tokens = said["tokens"].as_u64().context("tokens")?;
                let price = 1000 + 500 * tokens.div_ceil(1000);
                ensure!(said["amount"].as_str() == Some(price.to_string().as_str()), "{said}");
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "an extractive summary over the encrypted channel",
            bought(&scene, "extractive", "metre.txt", &[], "ohttp"),
        )
        .await;
    story.tell("an extractive summary of markdown", bought(&scene, "extractive", "eddystone.md", &[], "ohttp")).await;
    story
        .tell(
            "an abstractive summary over the encrypted channel",
            bought(&scene, "abstractive", "metre.txt", &[], "ohttp"),
        )
        .await;
    story
        .tell(
            "an extractive summary over plain HTTPS",
            bought(&scene, "extractive", "notice.txt", &["--plain-https"], "https"),
        )
        .await;
    story
        .tell("a length that was asked for is kept", async {
            let arguments = ["--max-sentences", "2", "--format", "json"];
            let said = cli.summarize(&paths::document("metre.txt"), &arguments).await?.expect(0)?.json()?;
            ensure!(
                said["result"]["sentences"].as_array().is_some_and(|all| (1..=2).contains(&all.len())),
                "{}",
                said["result"]
            );
            Ok(())
        })
        .await;
    story
        .tell("the summary alone stands on standard output, the rest on standard error", async {
            // It was bought before, over the other channel.
            let said = cli.summarize(&paths::document("notice.txt"), &["--again"]).await?.expect(0)?;
            ensure!(!said.stdout.contains("sha256:") && !said.stdout.contains("0x"), "{}", said.stdout);
            ensure!(said.stderr.contains("receipt:") && said.stderr.contains("paid:"), "{}", said.stderr);
            Ok(())
        })
        .await;
    story
        .tell(
            "what was bought is printed again and not paid again",
            scene.moving(0, async {
                let receipt = scene.stack.file("again.receipt.json");
                let arguments = ["--receipt", receipt.to_str().context("path")?];
                let said = cli.summarize(&paths::document("notice.txt"), &arguments).await?.expect(0)?;
                ensure!(said.stderr.contains("already paid, nothing was charged"), "{}", said.stderr);
                ensure!(!said.stdout.is_empty(), "{}", said.stderr);
                cli.verify_receipt(&receipt, &[]).await?.expect(0).map(drop)
            }),
        )
        .await;
    story
        .tell(
            "people read token units and programs atomic units, once the token can be asked",
            scene.moving(0, async {
                let (path, rpc) = (paths::document("metre.txt"), scene.stack.devnet.get("PRECIS_RPC_URL")?);
                let path = path.to_str().context("path")?;
                let json = cli.run(&["quote", path, "--json"]).await?.expect(0)?.json()?;
                let units: u64 = json["amount"].as_str().context("amount")?.parse()?;
                let said = cli.run(&["quote", path, "--rpc", rpc]).await?.expect(0)?;
                let price = said.stdout.lines().find_map(|line| line.strip_prefix("price")).context("price")?;
                let (number, symbol) = price.trim().split_once(' ').context("unit")?;
                ensure!(symbol != "atomic units", "{price}");
                let digits = number.split_once('.').context("point")?;
                ensure!(
                    digits.0.parse::<u64>()? * 1_000_000 + format!("{:0<6}", digits.1).parse::<u64>()? == units,
                    "{price}"
                );
                let capped = ["--again", "--rpc", rpc, "--max-price", "0.0001"];
                let said = cli.summarize(&paths::document("metre.txt"), &capped).await?.expect(4)?;
                ensure!(
                    said.stderr.contains(&format!("the price is {number} {symbol}, over the cap of 0.0001 {symbol}")),
                    "{}",
                    said.stderr
                );
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "a price over the cap is refused before anything is signed",
            scene.moving(0, async {
                let capped = ["--again", "--max-price", "10atomic"];
                let said = cli.summarize(&paths::document("metre.txt"), &capped).await?.expect(4)?;
                ensure!(said.stdout.is_empty(), "{}", said.stdout);
                ensure!(said.stderr.contains("this command signed nothing"), "{}", said.stderr);
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "a document that is not UTF-8 is refused before anything is sent",
            scene.moving(0, async {
                let path = scene.stack.file("binary.txt");
                std::fs::write(&path, [b'a', 0xff, 0xfe])?;
                cli.summarize(&path, &[]).await?.expect(2)?;
                Ok(())
            }),
        )
        .await;
    story
        .tell("a plain x402 client gets the settlement and an uncacheable quote", async {
            let ask = Ask::raw("text/plain", std::fs::read(paths::document("notice.txt"))?);
            let unpaid = ask.send(&scene.client, scene.origin(), &[]).await?;
            ensure!(unpaid.header("cache-control") == "no-store", "{:?}", unpaid.headers);
            let payment = scene.payer.pay(&scene.client, scene.origin(), &ask).await?;
            let paid = send_paid(&scene.client, scene.origin(), &ask, &payment).await?;
            ensure!(paid.status == 200, "{}: {}", paid.status, paid.text());
            ensure!(paid.header("cache-control").contains("private"), "{:?}", paid.headers);
            let settled: SettleResponse = wire::decode(paid.header(headers::PAYMENT_RESPONSE).as_bytes())?;
            ensure!(
                settled.success && settled.payer == Some(scene.payer.address) && settled.transaction.is_some(),
                "{settled:?}"
            );
            Ok(())
        })
        .await;
    story
        .tell("the service describes itself", async {
            let service = http::get(&scene.client, &format!("{}/v1/service", scene.origin())).await?;
            let service: ServiceDescription = serde_json::from_slice(&service.body)?;
            let nonce = "00".repeat(32);
            let url = format!("{}/v1/attestation?nonce={nonce}", scene.origin());
            let attestation = Attestation::parse(&http::get(&scene.client, &url).await?.body)?;
            let keyset = Keyset::parse(&attestation.keyset)?;
            ensure!(service.keyset_digest == Keyset::digest(&attestation.keyset), "another keyset");
            ensure!(
                service.config.digest() == keyset.service_config_digest,
                "the configuration is not the attested one"
            );
            ensure!(service.payments == keyset.payments, "other ways of paying");
            ensure!(service.tasks.keys().eq(keyset.tasks.keys()), "other tasks");
            for (task, terms) in &keyset.tasks {
                let described = &service.tasks[task];
                ensure!(described.model.as_ref().map(|model| model.digest) == terms.model, "another model for {task}");
                ensure!(described.price == terms.price, "another price for {task}");
                ensure!(described.limits.digest() == terms.limits, "other limits for {task}");
            }
            Ok(())
        })
        .await;
    story
        .tell("health is on the internal port only", async {
            let (public, internal) = (scene.origin(), &scene.stack.server.internal_url);
            ensure!(http::get(&scene.client, &format!("{internal}/livez")).await?.status == 200, "livez");
            http::get(&scene.client, &format!("{public}/livez")).await?.refused(404, "not_found")
        })
        .await;
    story.end().unwrap();
}
