//! What the web has already: catalogues that probe, pages of other origins, clients of other versions, payers that promise more
//! than they have.

use alloy_primitives::U256;
use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use precis_payment::wire;
use precis_protocol::headers;
use precis_tests::http::{self, Answer, Ask};
use precis_tests::payer::send_paid;
use precis_tests::stack::Stack;
use precis_tests::story::Story;
use precis_tests::testbed::bank::{Bank, Purse};
use reqwest::header::{ALLOW, CONTENT_TYPE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::Scene;

const DOCUMENT: &str =
    "The canal is 82 kilometres long. A ship needs about ten hours to pass it. Locks lift it 26 metres above the sea.";
const PRICE: u64 = 1500;
/// Another origin than the service's, as a browser names it.
const ORIGIN: &str = "https://page.example";

/// A 402 that tells prices and cannot be paid.
fn is_price_list(answer: &Answer, mode: &str, least: &str) -> anyhow::Result<()> {
    answer.refused(402, "document_required")?;
    let (quote, body) = (answer.quote()?, answer.json()?);
    let [entry] = &quote.accepts[..] else { anyhow::bail!("{body}") };
    ensure!(entry.amount.to_string() == least && entry.extra_text("price") == Some("minimum"), "{body}");
    ensure!(entry.extra_text("requestDigest").is_none(), "it could be paid: {body}");
    ensure!(quote.resource.description.as_ref().is_some_and(|text| text.contains(mode)), "{body}");
    ensure!(body["extensions"]["bazaar"]["schema"].is_object(), "no schema: {body}");
    ensure!(body["extensions"].get("offer-receipt").is_none(), "an offer for what cannot be paid: {body}");
    ensure!(body["priceList"]["summary.abstractive"]["base"] == "2000", "{body}");
    ensure!(body["next"].as_str().is_some_and(|next| next.contains("/v1/quotes")), "{body}");
    ensure!(body["code"] == "document_required" && body["charged"] == false, "{body}");
    Ok(())
}

#[tokio::test]
async fn a_request_without_a_document_is_told_the_prices_and_what_to_do() {
    let scene = Scene::set().await.unwrap();
    let mut story = Story::new();
    let (client, url) = (&scene.client, format!("{}{}", scene.origin(), headers::SUMMARIES_PATH));
    let probe = async |media_type: Option<&str>, body: &'static str| {
        let request = client.post(&url).body(body);
        http::answer(match media_type {
            Some(media_type) => request.header(CONTENT_TYPE, media_type),
            None => request,
        })
        .await
    };
    for (media_type, body, mode, least) in [
        (None, "", "extractive", "1500"),
        (Some("application/json"), "", "extractive", "1500"),
        (Some("application/json"), "\n", "extractive", "1500"),
        (Some("application/json"), "{}", "extractive", "1500"),
        (Some("application/x-www-form-urlencoded"), "{}", "extractive", "1500"),
        (Some("application/json"), r#"{"options":{"mode":"abstractive"}}"#, "abstractive", "5000"),
    ] {
        story
            .tell(&format!("a probe of {media_type:?} with {body:?} gets the price list"), async {
                is_price_list(&probe(media_type, body).await?, mode, least)
            })
            .await;
    }
    story
        .tell("what is no probe is no price list", async {
            for (body, code) in
                [("[]", "bad_request"), (r#"{"x":1}"#, "bad_request"), (r#"{"options":{"max_words":0}}"#, "bad_")]
            {
                let answer = probe(Some("application/json"), body).await?;
                ensure!(answer.status == 400 && answer.text().contains(code), "{body}: {}", answer.text());
            }
            Ok(())
        })
        .await;
    story
        .tell(
            "a payment of the price list buys nothing and costs nothing",
            scene.moving(0, async {
                let least = probe(None, "").await?.quote()?;
                let payment = wire::encode(&scene.payer.authorize(&least.accepts[0])?)?;
                let empty = Ask::raw("", "");
                send_paid(client, scene.origin(), &empty, &payment).await?.refused(415, "unsupported_media_type")?;
                let whole = Ask::json(DOCUMENT, json!({}));
                send_paid(client, scene.origin(), &whole, &payment).await?.refused(402, "accepted.extra")
            }),
        )
        .await;
    story
        .tell("GET, PUT and HEAD name the method and what to do", async {
            for method in [Method::GET, Method::PUT] {
                let answer = http::answer(client.request(method, &url)).await?;
                answer.refused(405, "method_not_allowed")?;
                ensure!(answer.header(ALLOW.as_str()).contains("POST"), "{:?}", answer.headers);
                ensure!(answer.text().contains("POST /v1/summaries"), "{}", answer.text());
            }
            Ok(())
        })
        .await;
    story
        .tell("a payment of x402 version 1 is told that version 2 is spoken", async {
            for (media_type, body) in [("application/json", ""), ("text/plain", DOCUMENT)] {
                let request = client.post(&url).header(CONTENT_TYPE, media_type).header("X-PAYMENT", "e30=").body(body);
                let answer = http::answer(request).await?;
                answer.refused(402, "invalid_x402_version")?;
                ensure!(
                    answer.quote()?.accepts.len() == 1 && answer.text().contains("PAYMENT-SIGNATURE"),
                    "{}",
                    answer.text()
                );
            }
            Ok(())
        })
        .await;
    story
        .tell(
            "a payment in numbers and without padding is taken as the reference takes it",
            scene.moving(PRICE, async {
                let ask = Ask::json(DOCUMENT, json!({}));
                let quote = ask.send(client, scene.origin(), &[]).await?.quote()?;
                let mut payload = serde_json::to_value(scene.payer.authorize(&quote.accepts[0])?)?;
                let order = &mut payload["payload"]["authorization"];
                for member in ["value", "validAfter", "validBefore"] {
                    order[member] = order[member].as_str().context("text")?.parse::<u64>()?.into();
                }
                let mut text = payload.to_string();
                while text.len().is_multiple_of(3) {
                    text.push(' ');
                }
                let answer = send_paid(client, scene.origin(), &ask, &STANDARD_NO_PAD.encode(&text)).await?;
                ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
                // Spelled otherwise, it is the same payment.
                let again = send_paid(client, scene.origin(), &ask, &STANDARD.encode(payload.to_string())).await?;
                ensure!(again.body == answer.body, "{}", again.text());
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "a refused payment names its member",
            scene.moving(0, async {
                let ask = Ask::json(DOCUMENT, json!({}));
                let quote = ask.send(client, scene.origin(), &[]).await?.quote()?;
                let good = serde_json::to_value(scene.payer.authorize(&quote.accepts[0])?)?;
                for (path, value, status) in [
                    ("payload.authorization.value", json!("1e3"), 400),
                    ("payload.authorization.nonce", json!("0x12"), 400),
                    ("accepted.network", json!("base"), 400),
                    ("payload.authorization.value", json!("1"), 402),
                    ("payload.authorization.validBefore", json!("1"), 402),
                    ("accepted.amount", json!("1"), 402),
                    ("accepted.payTo", json!(scene.payer.address), 402),
                ] {
                    let mut payload = good.clone();
                    *payload.pointer_mut(&format!("/{}", path.replace('.', "/"))).context("member")? = value;
                    let sent = STANDARD.encode(payload.to_string());
                    let answer = send_paid(client, scene.origin(), &ask, &sent).await?;
                    let said = answer.json()?;
                    let why = if status == 400 { &said["detail"] } else { &said["error"] };
                    let why = why.as_str().context("no reason")?;
                    ensure!(answer.status == status && why.contains(&format!("{path}: ")), "{path}: {}", answer.text());
                }
                Ok(())
            }),
        )
        .await;
    story.end().unwrap();
}

/// An answer that a page of another origin may read.
fn is_open(answer: &Answer) -> anyhow::Result<()> {
    let header = |name: &str| answer.header(name).to_ascii_lowercase();
    ensure!(header("access-control-allow-origin") == "*", "{}: {:?}", answer.status, answer.headers);
    ensure!(!answer.headers.contains_key("access-control-allow-credentials"), "{:?}", answer.headers);
    for name in ["payment-required", "payment-response", "location", "retry-after", "x-request-id"] {
        let exposed = header("access-control-expose-headers");
        ensure!(exposed.split(',').any(|exposed| exposed.trim() == name), "{name}: {exposed}");
    }
    Ok(())
}

#[tokio::test]
async fn pages_of_any_origin_may_ask_and_read_every_answer() {
    let scene = Scene::set().await.unwrap();
    let mut story = Story::new();
    let (client, origin) = (&scene.client, scene.origin());
    let routes = [
        (Method::POST, headers::SUMMARIES_PATH.to_owned()),
        (Method::GET, format!("{}/{}", headers::SUMMARIES_PATH, "00".repeat(16))),
        (Method::DELETE, format!("{}/{}", headers::SUMMARIES_PATH, "00".repeat(16))),
        (Method::GET, format!("{}/{}", headers::RECEIPTS_PATH, "00".repeat(16))),
        (Method::POST, headers::QUOTES_PATH.to_owned()),
        (Method::GET, headers::SERVICE_PATH.to_owned()),
        (Method::GET, format!("{}?nonce={}", headers::ATTESTATION_PATH, "ab".repeat(32))),
        (Method::GET, headers::OHTTP_GATEWAY_PATH.to_owned()),
        (Method::POST, headers::OHTTP_GATEWAY_PATH.to_owned()),
        (Method::GET, "/no/such/route".to_owned()),
    ];
    // What our client, the official ones and a tracing page send.
    let sent = "access-control-expose-headers,authorization,content-type,payment-signature,precis-nonce-salt,prefer,traceparent";
    for (method, path) in routes {
        story
            .tell(&format!("{method} {path} is open to pages"), async {
                let url = format!("{origin}{path}");
                let preflight = client
                    .request(Method::OPTIONS, &url)
                    .header("Origin", ORIGIN)
                    .header("Access-Control-Request-Method", method.as_str())
                    .header("Access-Control-Request-Headers", sent);
                let allowed = http::answer(preflight).await?;
                ensure!(allowed.status == StatusCode::OK && allowed.body.is_empty(), "{}", allowed.status);
                ensure!(allowed.header("access-control-allow-origin") == "*", "{:?}", allowed.headers);
                ensure!(
                    allowed.header("access-control-allow-methods").contains(method.as_str()),
                    "{:?}",
                    allowed.headers
                );
                ensure!(allowed.header("access-control-allow-headers") == sent, "{:?}", allowed.headers);
                ensure!(allowed.header("access-control-max-age").parse::<u32>()? >= 7200, "{:?}", allowed.headers);
                is_open(&http::answer(client.request(method.clone(), &url).header("Origin", ORIGIN)).await?)
            })
            .await;
    }
    story
        .tell("an answer inside the encrypted channel carries nothing for browsers", async {
            let inner = super::channel::get_inside(&scene, headers::SERVICE_PATH).await?;
            ensure!(inner.status() == 200, "{}", inner.status());
            ensure!(!inner.headers().keys().any(|name| name.as_str().starts_with("access-control-")), "{inner:?}");
            Ok(())
        })
        .await;
    story.end().unwrap();
}

#[tokio::test]
async fn what_a_payer_has_promised_it_cannot_promise_again() {
    let settings = [("PRECIS_PAYMENT__NETWORK__0__CONFIRM_WITHIN", "1s".to_owned())];
    let stack = Stack::start_with(&[], &settings).await.unwrap();
    let devnet = |key: &str| stack.devnet.get(key).unwrap().to_owned();
    let token = devnet("PRECIS_DEVNET_ASSET").parse().unwrap();
    let name = (devnet("PRECIS_DEVNET_ASSET_NAME"), devnet("PRECIS_DEVNET_ASSET_VERSION"));
    let bank = Bank::open(&devnet("PRECIS_RPC_URL"), token, &name.0, &name.1).await.unwrap();
    let purse = Purse::new(11).unwrap();
    bank.mint(purse.address(), 2 * PRICE - 1).await.unwrap();
    let scene = Scene::around(stack).await.unwrap();
    let (client, origin, chain) = (&scene.client, scene.origin(), &scene.chain);
    let documents = [DOCUMENT.to_owned(), format!("{DOCUMENT} It is not the only one.")];
    let [first, second] = documents.map(|document| Ask::json(&document, json!({})));

    // Nothing is mined, so that the first job stays unsettled.
    chain.rpc("evm_setIntervalMining", json!([3600])).await.unwrap();
    let paid = purse.payer.pay(client, origin, &first).await.unwrap();
    let pending = send_paid(client, origin, &first, &paid).await.unwrap();
    assert!(pending.status == 503 && pending.text().contains("settlement_unknown"), "{}", pending.text());
    let other = purse.payer.pay(client, origin, &second).await.unwrap();
    let refused = send_paid(client, origin, &second, &other).await.unwrap();
    refused.refused(402, "insufficient_funds").unwrap();
    let error = refused.quote().unwrap().error.unwrap();
    assert!(error.contains("of the payer's 2999 atomic units 1500 are claimed"), "{error}");

    // The first is settled: what is left is not enough, and with one unit more it is.
    chain.rpc("evm_setIntervalMining", json!([0])).await.unwrap();
    chain.rpc("evm_mine", json!([])).await.unwrap();
    let settled = send_paid(client, origin, &first, &paid).await.unwrap();
    assert_eq!(settled.status, 200, "{}", settled.text());
    assert_eq!(chain.tokens(purse.address()).await.unwrap(), U256::from(PRICE - 1));
    send_paid(client, origin, &second, &other).await.unwrap().refused(402, "insufficient_funds").unwrap();
    bank.mint(purse.address(), 1).await.unwrap();
    let bought = send_paid(client, origin, &second, &other).await.unwrap();
    assert_eq!(bought.status, 200, "{}", bought.text());
    assert_eq!(chain.tokens(purse.address()).await.unwrap(), U256::ZERO);
}

/// A document of so many sentences.
fn long(sentences: usize) -> String {
    (0..sentences)
        .map(|number| format!("The canal number {number} is long and a ship needs hours to pass it. "))
        .collect()
}

#[tokio::test]
async fn long_work_is_paid_first_or_where_nothing_can_be_paid_back_refused() {
    let quoted = async |scene: &Scene, tokens: u32, mode: &str| {
        let body = json!({"tokens": tokens, "options": {"mode": mode}});
        http::answer(scene.client.post(format!("{}{}", scene.origin(), headers::QUOTES_PATH)).json(&body)).await
    };
    let flow = |quote: &Answer| quote.json().unwrap()["requirements"][0]["extra"]["paymentFlow"].clone();

    let stack = Stack::start_with(&[], &[("PRECIS_PAYMENT__UPFRONT_ABOVE", "3s".into())]).await.unwrap();
    let scene = Scene::around(stack).await.unwrap();
    assert_eq!(flow(&quoted(&scene, 20, "extractive").await.unwrap()), Value::Null);
    assert_eq!(flow(&quoted(&scene, 60_000, "abstractive").await.unwrap()), "upfront");
    drop(scene);

    // An address that is not the enclave's wallet.
    let settings = [
        ("PRECIS_PAYMENT__NETWORK__0__PAY_TO", "0x1111111111111111111111111111111111111111".to_owned()),
        ("PRECIS_PAYMENT__UNPAID_UP_TO", "2s".into()),
    ];
    let scene = Scene::around(Stack::start_with(&[], &settings).await.unwrap()).await.unwrap();
    let short = quoted(&scene, 20, "extractive").await.unwrap();
    assert!(short.status == 200 && flow(&short) == Value::Null, "{}", short.text());
    quoted(&scene, 60_000, "abstractive").await.unwrap().refused(413, "work_too_long").unwrap();
    let ask = Ask::json(&long(2_500), json!({"mode": "abstractive"}));
    ask.send(&scene.client, scene.origin(), &[]).await.unwrap().refused(413, "work_too_long").unwrap();
    let limits = http::get(&scene.client, &format!("{}{}", scene.origin(), headers::SERVICE_PATH)).await.unwrap();
    let limits = &limits.json().unwrap()["config"]["limits"];
    assert!(limits["unpaidSeconds"] == 2 && limits.get("upfrontSeconds").is_none(), "{limits}");
}

#[tokio::test]
async fn a_url_that_the_platform_filled_in_is_quoted_and_signed_nowhere() {
    const PLATFORM: &str = "https://p8080.m1234.example";
    let settings = [("PRECIS_SERVER__PLATFORM_URL", PLATFORM.to_owned())];
    let scene = Scene::around(Stack::start_with(&[], &settings).await.unwrap()).await.unwrap();
    let payer = scene.stack.payer().unwrap();
    let ask = Ask::json(DOCUMENT, json!({}));
    let quote = ask.send(&scene.client, scene.origin(), &[]).await.unwrap().quote().unwrap();
    assert_eq!(quote.resource.url, format!("{PLATFORM}{}", headers::SUMMARIES_PATH));
    assert!(quote.extensions.as_ref().is_some_and(|all| !all.contains_key("offer-receipt")), "{quote:?}");
    let payment = wire::encode(&payer.authorize(&quote.accepts[0]).unwrap()).unwrap();
    let bought = send_paid(&scene.client, scene.origin(), &ask, &payment).await.unwrap();
    assert_eq!(bought.status, 200, "{}", bought.text());
    let settled: wire::SettleResponse = wire::decode(bought.header(headers::PAYMENT_RESPONSE).as_bytes()).unwrap();
    assert!(settled.success && settled.extensions.is_none(), "{settled:?}");
    // Our own client buys there as well, and verifies what it got.
    let document = precis_tests::paths::document("notice.txt");
    scene.stack.cli().unwrap().summarize(&document, &[]).await.unwrap().expect(0).unwrap();
}
