//! What `/v1/summaries` answers, exchange by exchange: status, headers, body. The recording is reviewed like code, so that no
//! change of the wire goes unseen. What differs from run to run is masked by its kind.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use precis_tests::http::{Answer, Ask, answer};
use precis_tests::payer::send_paid;
use serde_json::{Value, json};

use super::Scene;

const DOCUMENT: &str = "The ferry left the harbour at noon. It carried 214 passengers and nine cars. The crossing took two hours. \
    A storm had closed the port the day before. The operator paid 12,000 euros for the delay.";
const OTHER: &str =
    "The mill was sold in March. Its wheel had not turned for eleven years. The buyer wants to grind rye.";

#[tokio::test]
async fn the_wire_of_summaries_is_what_was_reviewed() {
    let scene = Scene::set().await.unwrap();
    let (client, origin) = (&scene.client, scene.origin());
    let mut told = String::new();
    let mut tell = |what: &str, answer: Answer| {
        told.push_str(&format!("== {what}\n{}\n", recorded(&answer, origin)));
        answer
    };
    let url = format!("{origin}/v1/summaries");
    let text = |document: &str| Ask::raw("text/plain", document.to_owned());

    for (what, ask) in [
        ("no body", Ask::raw("", "")),
        ("text, unpaid", text(DOCUMENT)),
        ("JSON, unpaid", Ask::json(DOCUMENT, json!({ "mode": "extractive", "max_sentences": 2 }))),
        ("abstractive, unpaid", Ask::json(DOCUMENT, json!({ "mode": "abstractive" }))),
        ("options without a document", Ask::raw("application/json", json!({ "options": {} }).to_string())),
        ("an option that is not known", Ask::json(DOCUMENT, json!({ "colour": "red" }))),
        ("an option out of range", Ask::json(DOCUMENT, json!({ "max_sentences": 1_000_000 }))),
        ("a mode that is not known", Ask::json(DOCUMENT, json!({ "mode": "telepathic" }))),
        ("no JSON", Ask::raw("application/json", DOCUMENT)),
        ("an empty text", text(" ")),
        ("no letters", text("1234 5678 !!!")),
        ("not UTF-8", Ask::raw("text/plain", &b"caf\xe9 au lait"[..])),
        ("a media type that nothing reads", Ask::raw("image/png", DOCUMENT)),
        ("a text beyond the limit", text(&"word ".repeat(300_000))),
    ] {
        tell(what, ask.send(client, origin, &[]).await.unwrap());
    }
    tell("another method", answer(client.put(&url)).await.unwrap());
    tell("a payment that is not understood", send_paid(client, origin, &text(DOCUMENT), "e30=").await.unwrap());
    tell("version 1 of x402", text(DOCUMENT).send(client, origin, &[("X-PAYMENT", "e30=")]).await.unwrap());
    let quotes = Ask { path: "/v1/quotes".into(), ..Ask::json(DOCUMENT, json!({ "mode": "extractive" })) };
    tell("a quote", quotes.send(client, origin, &[]).await.unwrap());

    let payment = scene.payer.pay(client, origin, &text(DOCUMENT)).await.unwrap();
    tell("paid with another text", send_paid(client, origin, &text(&OTHER.repeat(20)), &payment).await.unwrap());
    let result = tell("paid", send_paid(client, origin, &text(DOCUMENT), &payment).await.unwrap());
    assert_eq!(result.status, 200, "{}", result.text());
    tell("paid, again", send_paid(client, origin, &text(DOCUMENT), &payment).await.unwrap());
    tell("the same payment with another text", send_paid(client, origin, &text(OTHER), &payment).await.unwrap());

    let payment = scene.payer.pay(client, origin, &text(OTHER)).await.unwrap();
    let headers = [("PAYMENT-SIGNATURE", payment.as_str()), ("Prefer", "respond-async")];
    let ticket = tell("paid, asynchronous", text(OTHER).send(client, origin, &headers).await.unwrap());
    let ticket_json = ticket.json().unwrap();
    let job = format!("{url}/{}", ticket_json["id"].as_str().unwrap());
    let token = ticket_json["token"].as_str().unwrap().to_owned();
    tell("a job without its token", answer(client.get(&job)).await.unwrap());
    let fetched = precis_tests::process::eventually("result", async || {
        answer(client.get(&job).bearer_auth(&token)).await.ok().filter(|answer| answer.status == 200)
    });
    tell("the job's result", fetched.await.unwrap());
    tell("a finished job cancelled", answer(client.delete(&job).bearer_auth(&token)).await.unwrap());
    insta::assert_snapshot!(told);
}

/// Status, headers in the order of their names, body.
fn recorded(answer: &Answer, origin: &str) -> String {
    let mut lines = vec![answer.status.to_string()];
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "content-length", "x-request-id"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()))
        .collect();
    headers.sort();
    for (name, value) in headers {
        let shown = match BASE64_STANDARD.decode(&value).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            Some(document) => format!("\n{}", pretty(document, origin)),
            None => masked(&value, origin),
        };
        lines.push(format!("{name}: {shown}"));
    }
    lines.push(match answer.json() {
        Ok(document) => pretty(document, origin),
        Err(_) => masked(&answer.text(), origin),
    });
    lines.join("\n")
}

fn pretty(mut document: Value, origin: &str) -> String {
    mask(&mut document, origin);
    serde_json::to_string_pretty(&document).unwrap()
}

fn mask(value: &mut Value, origin: &str) {
    match value {
        Value::String(text) => *text = masked(text, origin),
        // A time, or a number of a block: everything else on this wire is small.
        Value::Number(number) if number.as_u64().is_some_and(|number| number >= 1_000_000_000) => {
            *value = json!("<time>")
        }
        Value::Object(members) => {
            // JSON Schemas are long, and have tests of their own.
            members.retain(|name, _| name != "bazaar" && name != "schema");
            for (name, member) in members.iter_mut() {
                // How fast this machine was.
                let of_time =
                    ["blockNumber", "sequence", "maxTimeoutSeconds", "predictedSeconds"].contains(&name.as_str());
                if of_time && member.is_number() { *member = json!("<number>") } else { mask(member, origin) }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, origin)),
        _ => {}
    }
}

/// Runs of hex digits, times and the origin give way to names.
fn masked(text: &str, origin: &str) -> String {
    let text = text.replace(origin, "<origin>");
    let mut shown = String::new();
    let mut run = String::new();
    for sign in text.chars().map(Some).chain([None]) {
        match sign {
            Some(sign) if sign.is_ascii_alphanumeric() => run.push(sign),
            _ => {
                let hex = run.strip_prefix("0x").unwrap_or(&run);
                let is_hex = hex.len() >= 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
                let is_address = run.starts_with("0x") && hex.len() == 40;
                let is_time = run.len() == 10 && run.bytes().all(|byte| byte.is_ascii_digit());
                shown.push_str(match () {
                    () if is_address => "<address>",
                    () if is_hex => "<hex>",
                    () if is_time => "<time>",
                    () => &run,
                });
                run.clear();
                shown.extend(sign);
            }
        }
    }
    shown
}
