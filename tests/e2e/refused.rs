//! Bad input: each gets a clear error, and nothing is charged.

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use precis_tests::http::{self, Ask};
use precis_tests::payer::{now, send_paid};
use precis_tests::story::Story;
use serde_json::{Value, json};

use super::Scene;

const DOCUMENT: &str = "The bridge was opened in 1932. It carries eight lanes of road and two railway tracks. Painters need ten years to cross it once.";

/// How a payment was spoilt, and why it is refused.
type Spoilt = (&'static str, fn(&mut Value), &'static str);

const SPOILT: [Spoilt; 14] = [
    ("for another network", |p| p["accepted"]["network"] = json!("eip155:1"), "invalid_network"),
    (
        "for another asset",
        |p| p["accepted"]["asset"] = json!("0x000000000000000000000000000000000000dEaD"),
        "invalid_payment_requirements",
    ),
    ("that accepts a lower amount", |p| p["accepted"]["amount"] = json!("1"), "invalid_payment_requirements"),
    (
        "that accepts another payee",
        |p| p["accepted"]["payTo"] = json!("0x000000000000000000000000000000000000dEaD"),
        "invalid_payment_requirements",
    ),
    ("of another scheme", |p| p["accepted"]["scheme"] = json!("upto"), "unsupported_scheme"),
    (
        "without the request digest",
        |p| drop(p["accepted"]["extra"].as_object_mut().unwrap().remove("requestDigest")),
        "invalid_payment_requirements",
    ),
    ("whose authorization is for less", |p| p["payload"]["authorization"]["value"] = json!("1"), "authorization_value"),
    (
        "whose authorization is for more",
        |p| p["payload"]["authorization"]["value"] = json!("99999999"),
        "authorization_value",
    ),
    (
        "whose authorization pays another",
        |p| p["payload"]["authorization"]["to"] = json!("0x000000000000000000000000000000000000dEaD"),
        "recipient_mismatch",
    ),
    ("that is not valid yet", |p| p["payload"]["authorization"]["validAfter"] = json!("99999999999"), "valid_after"),
    ("that has expired", |p| p["payload"]["authorization"]["validBefore"] = json!("1"), "valid_before"),
    (
        "of another payer",
        |p| p["payload"]["authorization"]["from"] = json!("0x000000000000000000000000000000000000dEaD"),
        "signature",
    ),
    (
        "with another nonce",
        |p| p["payload"]["authorization"]["nonce"] = json!(format!("0x{}", "11".repeat(32))),
        "signature",
    ),
    ("with a tampered signature", |p| flip(&mut p["payload"]["signature"]), "signature"),
];

/// Changes one hex digit in the middle.
fn flip(signature: &mut Value) {
    let mut text = signature.as_str().unwrap().to_owned();
    let other = if &text[40..41] == "0" { "1" } else { "0" };
    text.replace_range(40..41, other);
    *signature = json!(text);
}

#[tokio::test]
async fn bad_payments_are_refused_and_nothing_is_charged() {
    let scene = Scene::set().await.unwrap();
    let mut story = Story::new();
    let ask = Ask::json(DOCUMENT, json!({}));
    let good = ask.send(&scene.client, scene.origin(), &[]).await.unwrap().quote().unwrap();
    let own = good.accepts.first().unwrap().clone();
    let send = async |header: &str| send_paid(&scene.client, scene.origin(), &ask, header).await;
    let encode = |payload: &Value| STANDARD.encode(payload.to_string());

    story
        .tell(
            "no payment is a 402 with a quote that names price, asset, payee and request",
            scene.moving(0, async {
                let answer = ask.send(&scene.client, scene.origin(), &[]).await?;
                answer.refused(402, "payment_required")?;
                let body: Value = answer.json()?;
                ensure!(body["accepts"][0]["amount"] == "1500" && body["x402Version"] == 2, "{body}");
                let digest = body["accepts"][0]["extra"]["requestDigest"].as_str().context("requestDigest")?;
                ensure!(digest.len() == 64, "{digest}");
                Ok(())
            }),
        )
        .await;
    for (what, header) in [
        ("that is not base64", "!!!not base64!!!".to_owned()),
        ("that is not JSON", STANDARD.encode("not json")),
        ("that is JSON of another shape", STANDARD.encode("[1,2,3]")),
        ("that is empty", String::new()),
        ("of x402 version 1", encode(&json!({"x402Version": 1, "scheme": "exact", "network": "base", "payload": {}}))),
        ("that is too large", "A".repeat(20_000)),
        ("that is nested deeply", STANDARD.encode("[".repeat(5_000))),
    ] {
        story
            .tell(
                &format!("a payment header {what} is malformed"),
                scene.moving(0, async { send(&header).await?.refused(400, "malformed_payment") }),
            )
            .await;
    }
    for (what, spoil, code) in SPOILT {
        story
            .tell(
                &format!("a payment {what} is refused"),
                scene.moving(0, async {
                    let mut payload = serde_json::to_value(scene.payer.authorize(&own)?)?;
                    spoil(&mut payload);
                    send(&encode(&payload)).await?.refused(402, code)
                }),
            )
            .await;
    }
    story
        .tell(
            "an authorization signed for less than the price is refused",
            scene.moving(0, async {
                let mut less = own.clone();
                less.amount = 1_u128.into();
                let mut payload = scene.payer.authorize(&less)?;
                payload.accepted = own.clone();
                send(&encode(&serde_json::to_value(payload)?)).await?.refused(402, "authorization_value")
            }),
        )
        .await;
    story
        .tell(
            "an authorization signed an hour ago is refused",
            scene.moving(0, async {
                let payload = scene.payer.authorize_at(&own, now()? - 3600)?;
                send(&encode(&serde_json::to_value(payload)?)).await?.refused(402, "valid_before")
            }),
        )
        .await;
    story
        .tell(
            "a payer without tokens is refused before any work",
            scene.moving(0, async {
                let poor = precis_tests::payer::Payer::from_hex(&"42".repeat(32))?;
                send(&encode(&serde_json::to_value(poor.authorize(&own)?)?)).await?.refused(402, "insufficient_funds")
            }),
        )
        .await;
    story
        .tell(
            "a nonce salt that does not fit is refused",
            scene.moving(0, async {
                let payment = scene.payer.pay(&scene.client, scene.origin(), &ask).await?;
                let salt = "00".repeat(32);
                let headers = [
                    (precis_protocol::headers::PAYMENT_SIGNATURE, payment.as_str()),
                    (precis_protocol::headers::NONCE_SALT, &salt),
                ];
                ask.send(&scene.client, scene.origin(), &headers).await?.refused(400, "nonce_commitment_mismatch")
            }),
        )
        .await;
    story.end().unwrap();
}

#[tokio::test]
async fn bad_documents_and_requests_are_refused_before_any_price() {
    let scene = Scene::set().await.unwrap();
    let mut story = Story::new();
    let json_body = |body: String| Ask::raw("application/json", body);
    let cases = [
        ("an empty document", Ask::raw("text/plain", ""), 422, "unreadable_document"),
        ("a document of white space", Ask::raw("text/plain", " \n\t \n"), 422, "unreadable_document"),
        ("an empty JSON document", Ask::json("", json!({})), 422, "unreadable_document"),
        ("a binary document", Ask::raw("text/plain", vec![0_u8; 4096]), 422, "unreadable_document"),
        ("invalid UTF-8", Ask::raw("text/plain", b"good \xff\xfe bad".to_vec()), 422, "unreadable_document"),
        ("a document without a word", Ask::raw("text/plain", "--- *** 12 34 ---"), 422, "not_summarizable"),
        ("another media type", Ask::raw("image/png", "No picture."), 415, "unsupported_media_type"),
        (
            "another character set",
            Ask::raw("text/plain; charset=x-unknown", "Some text."),
            415,
            "unsupported_media_type",
        ),
        ("no media type", Ask::raw("", "Some text."), 415, "unsupported_media_type"),
        ("a body that is not JSON", json_body("{".into()), 400, "bad_request"),
        (
            "JSON with an unknown member",
            json_body(json!({"document": DOCUMENT, "mod": "x"}).to_string()),
            400,
            "bad_request",
        ),
        (
            "JSON with a member twice",
            json_body(format!(r#"{{"document":"{DOCUMENT}","document":"x"}}"#)),
            400,
            "bad_request",
        ),
        ("JSON without a document", json_body("{}".into()), 402, "document_required"),
        (
            "JSON with a document and data",
            json_body(json!({"document": "a", "media_type": "text/plain", "data": ""}).to_string()),
            400,
            "bad_request",
        ),
        (
            "data that is not base64",
            json_body(json!({"media_type": "text/plain", "data": "$$"}).to_string()),
            400,
            "bad_request",
        ),
        ("JSON nested too deeply", json_body(format!(r#"{{"options":{}}}"#, "[".repeat(100_000))), 400, "bad_request"),
        (
            "an unknown mode",
            json_body(json!({"document": DOCUMENT, "options": {"mode": "x"}}).to_string()),
            400,
            "bad_request",
        ),
        ("no words asked for", Ask::json(DOCUMENT, json!({"max_words": 0})), 400, "bad_options"),
        ("more words than the limit", Ask::json(DOCUMENT, json!({"max_words": 100_000})), 400, "bad_options"),
        ("a focus that is too long", Ask::json(DOCUMENT, json!({"focus": "x".repeat(600)})), 400, "bad_options"),
    ];
    for (what, ask, status, code) in cases {
        story
            .tell(
                &format!("{what} is refused with {code}"),
                scene.moving(0, async { ask.send(&scene.client, scene.origin(), &[]).await?.refused(status, code) }),
            )
            .await;
    }
    story
        .tell(
            "a document over the limit is refused with its size",
            scene.moving(0, async {
                let long = "A plain sentence that goes on. ".repeat(40_000);
                let answer = Ask::raw("text/plain", long).send(&scene.client, scene.origin(), &[]).await?;
                answer.refused(413, "document_too_long")
            }),
        )
        .await;
    story
        .tell(
            "a body of 50 MB is refused and the service answers the next request",
            scene.moving(0, async {
                let huge = Ask::raw("text/plain", vec![b'a'; 50 * 1024 * 1024]);
                // The service may close the connection instead of reading on: then no answer arrives, which is fine.
                if let Ok(answer) = huge.send(&scene.client, scene.origin(), &[]).await {
                    answer.refused(413, "body_too_large")?;
                }
                Ask::json(DOCUMENT, json!({}))
                    .send(&scene.client, scene.origin(), &[])
                    .await?
                    .refused(402, "payment_required")
            }),
        )
        .await;
    story
        .tell("a document in the place of an option does not come back in the error", async {
            let secret = "the merger is called Project Wombat";
            for body in [
                json!({"document": "Text.", "options": secret}),
                json!({"document": "Text.", "options": {"mode": secret}}),
                json!({ secret: 1 }),
            ] {
                let answer = json_body(body.to_string()).send(&scene.client, scene.origin(), &[]).await?;
                ensure!(answer.status == 400 && !answer.text().contains("Wombat"), "{}", answer.text());
            }
            Ok(())
        })
        .await;
    let good = "ab".repeat(32);
    for (what, query) in [
        ("is missing", String::new()),
        ("is empty", "?nonce=".to_owned()),
        ("is short", format!("?nonce={}", &good[2..])),
        ("is long", format!("?nonce={good}ab")),
        ("has upper case", format!("?nonce={}", good.to_uppercase())),
        ("is no hex", format!("?nonce={}", "zz".repeat(32))),
        ("comes twice", format!("?nonce={good}&nonce={good}")),
    ] {
        story
            .tell(&format!("a nonce that {what} is refused"), async {
                http::get(&scene.client, &format!("{}/v1/attestation{query}", scene.origin()))
                    .await?
                    .refused(400, "bad_nonce")
            })
            .await;
    }
    story
        .tell("an unknown route and a wrong method are said to be so", async {
            http::get(&scene.client, &format!("{}/v2/summaries", scene.origin())).await?.refused(404, "not_found")?;
            http::get(&scene.client, &format!("{}/v1/summaries", scene.origin()))
                .await?
                .refused(405, "method_not_allowed")
        })
        .await;
    story.end().unwrap();
}
