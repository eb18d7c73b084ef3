//! Payments on two networks: each is quoted, settled and receipted by itself, and one that fails leaves the other alone.

use alloy_primitives::U256;
use anyhow::{Context as _, ensure};
use precis_payment::Network;
use precis_payment::wire::{self, PaymentRequired};
use precis_tests::chain::Chain;
use precis_tests::gate::Gate;
use precis_tests::http::{Ask, get};
use precis_tests::payer::{Payer, send_paid};
use precis_tests::process::eventually;
use precis_tests::stack::{Devnet, Server, Stack};
use precis_tests::story::Story;
use serde_json::{Value, json};

use super::Scene;

const DOCUMENT: &str = "The bridge was closed on Monday. Two of its cables were worn. It opens again in May, after repairs of 3 million euros.";
/// EIP-155 id of the second chain; the first has the devnet's own.
const SECOND: &str = "31338";
/// Price of a summary of [`DOCUMENT`], atomic units.
const PRICE: u64 = 1500;

/// A service that is paid on two chains, the second behind a gate.
struct Two {
    scene: Scene,
    /// The second chain, around the gate.
    chain: Chain,
    payer: Payer,
    gate: Gate,
    second: Devnet,
}

impl Two {
    /// Starts both chains and the service; `open` if it can reach the second at boot.
    async fn set(open: bool) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("precis-test-").tempdir()?;
        let devnet = Devnet::start(dir.path(), &[]).await?;
        let elsewhere = dir.path().join("second");
        std::fs::create_dir(&elsewhere)?;
        let second = Devnet::start(&elsewhere, &["--chain-id", SECOND]).await?;
        let (gate, through) = Gate::before(second.get("PRECIS_RPC_URL")?).await?;
        if !open {
            gate.close();
        }
        let setting = |name: &str| format!("PRECIS_PAYMENT__NETWORK__1__{name}");
        let mut env = devnet.env.clone();
        env.extend([
            (setting("NETWORK"), second.get("PRECIS_DEVNET_NETWORK")?.to_owned()),
            (setting("ASSET"), second.get("PRECIS_DEVNET_ASSET")?.to_owned()),
            (setting("ASSET_NAME"), second.get("PRECIS_DEVNET_ASSET_NAME")?.to_owned()),
            (setting("ASSET_VERSION"), second.get("PRECIS_DEVNET_ASSET_VERSION")?.to_owned()),
            (setting("RPC_URLS"), through),
            (setting("HEAD_AGE"), "any".to_owned()),
        ]);
        let mut server = Server::listening(dir.path(), &env, &[]).await?;
        server.ready().await?;
        let chain = Chain::new(second.get("PRECIS_RPC_URL")?, second.get("PRECIS_DEVNET_ASSET")?)?;
        let payer = Payer::from_file(second.get("PRECIS_PAYER_KEY_FILE")?.as_ref())?;
        let scene = Scene::around(Stack { dir, devnet, server }).await?;
        Ok(Self { scene, chain, payer, gate, second })
    }

    async fn quote(&self, document: &str) -> anyhow::Result<PaymentRequired> {
        Ask::json(document, json!({})).send(&self.scene.client, self.scene.origin(), &[]).await?.quote()
    }

    /// The networks that a quote names now.
    async fn quoted(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.quote(DOCUMENT).await?.accepts.iter().map(|terms| terms.network.to_string()).collect())
    }

    /// A signed payment on the second network.
    async fn pay(&self, document: &str) -> anyhow::Result<String> {
        let second: Network = self.network().parse()?;
        let quote = self.quote(document).await?;
        let terms = quote.accepts.iter().find(|terms| terms.network == second).context("the second is not quoted")?;
        Ok(wire::encode(&self.payer.authorize(terms)?)?)
    }

    /// A policy file that allows both networks, `second` the second first.
    fn policy(&self, second: bool) -> anyhow::Result<std::path::PathBuf> {
        let policy = std::fs::read_to_string(self.scene.stack.devnet.get("PRECIS_POLICY")?)?;
        let (rest, first) = policy.split_once("[[payment]]").context("no [[payment]]")?;
        let asset = self.second.get("PRECIS_DEVNET_ASSET")?.to_lowercase();
        let pins = format!("\nnetwork = \"{}\"\nasset = \"{asset}\"\n", self.network());
        let (one, other) = if second { (pins.as_str(), first) } else { (first, pins.as_str()) };
        let path = self.scene.stack.file(if second { "second.toml" } else { "first.toml" });
        std::fs::write(&path, format!("{rest}[[payment]]{one}\n[[payment]]{other}"))?;
        Ok(path)
    }

    fn network(&self) -> String {
        format!("eip155:{SECOND}")
    }

    fn first(&self) -> &str {
        self.scene.stack.devnet.get("PRECIS_DEVNET_NETWORK").unwrap()
    }

    /// Runs `work` and requires that it moved `amount` on the second chain, and nothing on the first.
    async fn moving(&self, amount: u64, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
        let before = self.chain.tokens(self.scene.pay_to).await?;
        self.scene.moving(0, work).await?;
        let moved = self.chain.tokens(self.scene.pay_to).await?.saturating_sub(before);
        ensure!(moved == U256::from(amount), "{moved} units came on the second chain, not {amount}");
        Ok(())
    }

    /// What the service tells its operator about the second network.
    async fn told(&self) -> anyhow::Result<Value> {
        let url = format!("{}/readyz", self.scene.stack.server.internal_url);
        let told: Value = get(&self.scene.client, &url).await?.json()?;
        ensure!(told["ready"] == true, "{told}");
        Ok(told["networks"][1].clone())
    }
}

#[tokio::test]
async fn a_payer_chooses_the_network_that_it_pays_on() {
    let two = Two::set(true).await.unwrap();
    let (client, origin) = (&two.scene.client, two.scene.origin());
    let (first, second) = (two.first().to_owned(), two.network());
    let mut story = Story::new();
    story
        .tell("a quote names both networks, with a signed offer for each", async {
            ensure!(two.quoted().await? == [first.clone(), second.clone()]);
            let quote = serde_json::to_value(two.quote(DOCUMENT).await?)?;
            let offers = quote["extensions"]["offer-receipt"]["info"]["offers"].as_array().context("offers")?;
            let indices: Vec<_> = offers.iter().map(|offer| offer["acceptIndex"].clone()).collect();
            ensure!(indices == [json!(0), json!(1)], "{offers:?}");
            let service: Value = get(client, &format!("{origin}/v1/service")).await?.json()?;
            ensure!(service["payments"][1]["network"] == second.as_str(), "{service}");
            ensure!(service["config"]["networks"][1]["network"] == second.as_str(), "{service}");
            Ok(())
        })
        .await;
    story
        .tell(
            "a payment on the second is taken there, and its receipt names that network",
            two.moving(PRICE, async {
                let payment = two.pay(DOCUMENT).await?;
                let answer = send_paid(client, origin, &Ask::json(DOCUMENT, json!({})), &payment).await?;
                ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
                let result = answer.json()?;
                let receipt = &result["receipt"];
                ensure!(receipt["payment"]["network"] == second.as_str(), "{receipt}");
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "a payment that is signed for one network and names the other is refused",
            two.moving(0, async {
                let mut payload: wire::PaymentPayload = wire::decode(two.pay(DOCUMENT).await?.as_bytes())?;
                let quote = two.quote(DOCUMENT).await?;
                payload.accepted = quote.accepts.into_iter().next().context("no terms")?;
                let payment = wire::encode(&payload)?;
                let answer = send_paid(client, origin, &Ask::json(DOCUMENT, json!({})), &payment).await?;
                answer.refused(402, "invalid_exact_evm_payload_signature")
            }),
        )
        .await;
    story
        .tell(
            "a payment on a network that is not served is refused with the member that is wrong",
            two.moving(0, async {
                let mut terms = two.quote(DOCUMENT).await?.accepts.into_iter().next().context("no terms")?;
                terms.network = Network::BASE;
                let payment = wire::encode(&two.payer.authorize(&terms)?)?;
                let answer = send_paid(client, origin, &Ask::json(DOCUMENT, json!({})), &payment).await?;
                answer.refused(402, "invalid_network")?;
                ensure!(answer.text().contains("accepted.network"), "{}", answer.text());
                Ok(())
            }),
        )
        .await;
    let document = two.scene.stack.file("bridge.txt");
    std::fs::write(&document, DOCUMENT).unwrap();
    let mut cli = two.scene.stack.cli().unwrap();
    story
        .tell("the client pays on no network that its policy does not name", async {
            let ended = cli.summarize(&document, &["--network", &second]).await?;
            ensure!(ended.code != 0 && ended.stderr.contains(&second), "{}: {}", ended.code, ended.stderr);
            Ok(())
        })
        .await;
    cli.policy = two.policy(false).unwrap();
    cli.key_file = two.second.get("PRECIS_PAYER_KEY_FILE").unwrap().into();
    story
        .tell(
            "the client pays on the network that it is told, and verifies the receipt on that chain",
            two.moving(PRICE, async {
                let receipt = two.scene.stack.file("receipt.json");
                let kept = receipt.to_str().context("path")?;
                let (one, other) = (two.scene.stack.devnet.get("PRECIS_RPC_URL")?, two.second.get("PRECIS_RPC_URL")?);
                let arguments = ["--network", &second, "--receipt", kept, "--rpc", one, "--rpc", other];
                cli.summarize(&document, &arguments).await?.expect(0)?;
                cli.run(&["receipt", "verify", kept, "--rpc", other]).await?.expect(0)?;
                cli.run(&["receipt", "verify", kept, "--rpc", one]).await?.expect(5)?;
                Ok(())
            }),
        )
        .await;
    std::fs::write(&document, format!("{DOCUMENT} The tram stops there.")).unwrap();
    story
        .tell(
            "a payment that is unfinished on one network is not paid again on the other",
            two.moving(PRICE, async {
                cli.summarize(&document, &["--network", &second, "--no-wait"]).await?;
                let ended = cli.summarize(&document, &["--network", &first]).await?;
                ensure!(ended.code != 0 && ended.stderr.contains(&format!("--network {second}")), "{}", ended.stderr);
                cli.summarize(&document, &["--network", &second]).await?.expect(0)?;
                Ok(())
            }),
        )
        .await;
    cli.policy = two.policy(true).unwrap();
    std::fs::write(&document, format!("{DOCUMENT} A ferry runs meanwhile.")).unwrap();
    story
        .tell(
            "without that it pays on the one that its policy names first",
            two.moving(PRICE, async { cli.summarize(&document, &[]).await?.expect(0).map(drop) }),
        )
        .await;
    story.end().unwrap();
}

#[tokio::test]
async fn a_network_that_fails_leaves_new_quotes_and_what_was_bought_on_it_is_delivered() {
    let two = Two::set(false).await.unwrap();
    let (client, origin, ask) = (&two.scene.client, two.scene.origin(), Ask::json(DOCUMENT, json!({})));
    let (first, second) = (two.first().to_owned(), two.network());
    let mut story = Story::new();
    story
        .tell("a service starts without one of its networks, which is not quoted", async {
            ensure!(two.quoted().await? == [first.as_str()]);
            let told = two.told().await?;
            ensure!(told["open"] == false && told["why"].is_string(), "{told}");
            let mut cli = two.scene.stack.cli()?;
            cli.policy = two.policy(true)?;
            let document = two.scene.stack.file("bridge.txt");
            std::fs::write(&document, DOCUMENT)?;
            let ended = cli.summarize(&document, &[]).await?;
            ensure!(ended.code != 0 && ended.stderr.contains("it takes payments on eip155"), "{}", ended.stderr);
            Ok(())
        })
        .await;
    story
        .tell("the other network is paid on meanwhile", async {
            let payment = two.scene.payer.pay(client, origin, &ask).await?;
            two.scene
                .moving(PRICE, async {
                    let answer = send_paid(client, origin, &ask, &payment).await?;
                    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
                    Ok(())
                })
                .await
        })
        .await;
    story
        .tell("it is quoted once it answers", async {
            two.gate.open();
            let both = [first.clone(), second.clone()];
            eventually("quote of both", async || two.quoted().await.is_ok_and(|now| now == both).then_some(())).await
        })
        .await;
    let (bought, unused) =
        (two.pay(DOCUMENT).await.unwrap(), two.pay("Another text. It has other facts.").await.unwrap());
    let before = send_paid(client, origin, &ask, &bought).await.unwrap();
    assert_eq!(before.status, 200, "{}", before.text());
    story
        .tell(
            "what was bought on it is delivered again while it fails, and a new payment on it is not taken",
            two.moving(0, async {
                two.gate.close();
                let again = send_paid(client, origin, &ask, &bought).await?;
                ensure!(again.status == 200 && again.body == before.body, "{}: {}", again.status, again.text());
                let other = Ask::json("Another text. It has other facts.", json!({}));
                send_paid(client, origin, &other, &unused).await?.refused(503, "chain_unavailable")
            }),
        )
        .await;
    story
        .tell(
            "the same payment is taken once it answers again",
            two.moving(PRICE, async {
                two.gate.open();
                let other = Ask::json("Another text. It has other facts.", json!({}));
                let answer = eventually("an answer", async || {
                    send_paid(client, origin, &other, &unused).await.ok().filter(|answer| answer.status != 503)
                });
                let answer = answer.await?;
                ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
                Ok(())
            }),
        )
        .await;
    story
        .tell("a wallet without gas on it takes it out of new quotes", async {
            let wallet = two.scene.pay_to;
            two.chain.rpc("anvil_setBalance", json!([wallet, "0x0"])).await?;
            let one = [first.clone()];
            eventually("quote of the first", async || two.quoted().await.is_ok_and(|now| now == one).then_some(()))
                .await?;
            let told = two.told().await?;
            ensure!(told["why"].as_str().is_some_and(|why| why.contains("gas")), "{told}");
            Ok(())
        })
        .await;
    let Two { scene: Scene { stack, client, .. }, second: _second, .. } = two;
    let stack = stack.crash_and_restart().await.unwrap();
    story
        .tell("what was bought on a network is delivered after that was taken out of the settings", async {
            let again = send_paid(&client, &stack.server.url, &ask, &bought).await?;
            ensure!(again.status == 200 && again.body == before.body, "{}: {}", again.status, again.text());
            Ok(())
        })
        .await;
    story.end().unwrap();
}
