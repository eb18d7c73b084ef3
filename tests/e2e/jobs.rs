//! Jobs that are fetched later: the ticket, what its bearer sees, calling off, and what survives a restart (SPEC 5.8).

use anyhow::{Context as _, ensure};
use precis_payment::wire;
use precis_protocol::headers;
use precis_tests::http::{self, Answer, Ask};
use precis_tests::payer::send_paid;
use precis_tests::process::eventually;
use precis_tests::stack::Stack;
use precis_tests::story::Story;
use reqwest::Method;
use serde_json::{Value, json};

use super::Scene;

const DOCUMENT: &str =
    "The bridge was opened in 1894. It carries a road over the river. Its towers are 65 metres high.";
const PRICE: u64 = 1500;

/// A ticket as the caller of the paid route got it.
struct Ticket {
    id: String,
    token: String,
    location: String,
}

impl Ticket {
    fn of(answer: &Answer) -> anyhow::Result<Self> {
        ensure!(answer.status == 202, "{} instead of 202: {}", answer.status, answer.text());
        ensure!(answer.header("cache-control") == "no-store", "may be cached: {:?}", answer.headers);
        ensure!(!answer.header("retry-after").is_empty(), "no Retry-After");
        let body = answer.json()?;
        let text = |name: &str| body[name].as_str().map(str::to_owned).with_context(|| format!("no {name}: {body}"));
        let ticket = Self { id: text("id")?, token: text("token")?, location: answer.header("location").to_owned() };
        ensure!(ticket.location == format!("{}/{}", headers::SUMMARIES_PATH, ticket.id), "{}", ticket.location);
        Ok(ticket)
    }
}

async fn asked(scene: &Scene, method: Method, path: &str, token: Option<&str>) -> anyhow::Result<Answer> {
    let request = scene.client.request(method, format!("{}{path}", scene.origin()));
    http::answer(match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    })
    .await
}

async fn looked(scene: &Scene, ticket: &Ticket) -> anyhow::Result<Answer> {
    asked(scene, Method::GET, &ticket.location, Some(&ticket.token)).await
}

async fn fetched(scene: &Scene, ticket: &Ticket) -> anyhow::Result<Answer> {
    eventually("result", async || looked(scene, ticket).await.ok().filter(|answer| answer.status != 202)).await
}

/// Pays for `ask` without waiting for its result.
async fn ordered(scene: &Scene, ask: &Ask, payment: &str) -> anyhow::Result<Answer> {
    let extra = [(headers::PAYMENT_SIGNATURE, payment), (headers::PREFER, "respond-async")];
    ask.send(&scene.client, scene.origin(), &extra).await
}

#[tokio::test]
async fn a_job_is_fetched_by_its_owner_and_by_nobody_else() {
    let scene = Scene::set().await.unwrap();
    let mut story = Story::new();
    let ask = Ask::json(DOCUMENT, json!({}));
    let payment = scene.payer.pay(&scene.client, scene.origin(), &ask).await.unwrap();
    let mut kept: Option<(Ticket, Answer)> = None;
    story
        .tell(
            "a caller that does not want to wait gets a ticket, and with it the summary that the paid route would give",
            scene.moving(PRICE, async {
                let answer = ordered(&scene, &ask, &payment).await?;
                ensure!(answer.header("preference-applied") == "respond-async", "{:?}", answer.headers);
                let ticket = Ticket::of(&answer)?;
                let result = fetched(&scene, &ticket).await?;
                ensure!(result.status == 200, "{}: {}", result.status, result.text());
                ensure!(result.json()?["result"]["id"] == ticket.id.as_str(), "another job: {}", result.text());
                let waited = send_paid(&scene.client, scene.origin(), &ask, &payment).await?;
                ensure!(waited.body == result.body, "the paid route gives other bytes");
                let settlement = |answer: &Answer| answer.header(headers::PAYMENT_RESPONSE).to_owned();
                ensure!(
                    !settlement(&result).is_empty() && settlement(&result) == settlement(&waited),
                    "settlements differ"
                );
                kept = Some((ticket, result));
                Ok(())
            }),
        )
        .await;
    let (ticket, result) = kept.unwrap();
    story
        .tell("an order sent twice is one job with one ticket", async {
            let again = ordered(&scene, &ask, &payment).await?;
            ensure!(again.status == 200 && again.body == result.body, "what is at hand is not given: {}", again.status);
            Ok(())
        })
        .await;
    story
        .tell("without the token nothing tells this job from none", async {
            let receipt = format!("{}/{}", headers::RECEIPTS_PATH, ticket.id);
            let nobody =
                asked(&scene, Method::GET, &format!("{}/{}", headers::SUMMARIES_PATH, "0".repeat(32)), None).await?;
            nobody.refused_and_charged(404, "unknown_job", &json!("unknown"))?;
            let mut other = ticket.token.clone().into_bytes();
            other[0] = if other[0] == b'0' { b'1' } else { b'0' };
            let other = String::from_utf8(other)?;
            for method in [Method::GET, Method::DELETE] {
                for token in [None, Some(other.as_str()), Some(""), Some("nonsense")] {
                    let answer = asked(&scene, method.clone(), &ticket.location, token).await?;
                    ensure!(
                        answer.status == 404 && answer.body == nobody.body,
                        "{method} {token:?}: {}",
                        answer.text()
                    );
                }
            }
            let answer = asked(&scene, Method::GET, &receipt, Some(&other)).await?;
            ensure!(answer.status == 404 && answer.body == nobody.body, "{}", answer.text());
            // The right token does not fit another id.
            let path = format!("{}/{}", headers::SUMMARIES_PATH, "1".repeat(32));
            asked(&scene, Method::GET, &path, Some(&ticket.token)).await?.refused_and_charged(
                404,
                "unknown_job",
                &json!("unknown"),
            )
        })
        .await;
    story
        .tell("its receipt is fetched with the same token", async {
            let path = format!("{}/{}", headers::RECEIPTS_PATH, ticket.id);
            let answer = asked(&scene, Method::GET, &path, Some(&ticket.token)).await?;
            ensure!(answer.status == 200 && answer.json()? == result.json()?["receipt"], "{}", answer.text());
            Ok(())
        })
        .await;
    story
        .tell("a finished job cannot be called off", async {
            let answer = asked(&scene, Method::DELETE, &ticket.location, Some(&ticket.token)).await?;
            answer.refused_and_charged(409, "job_begun", &json!(true))?;
            ensure!(!answer.header(headers::PAYMENT_RESPONSE).is_empty(), "what took the money is not named");
            Ok(())
        })
        .await;
    let scene = Scene::around(scene.stack.crash_and_restart().await.unwrap()).await.unwrap();
    story
        .tell("after a restart its owner fetches the same bytes", async {
            let again = looked(&scene, &ticket).await?;
            ensure!(again.status == 200 && again.body == result.body, "{}: {}", again.status, again.text());
            Ok(())
        })
        .await;
    story.end().unwrap();
}

#[tokio::test]
async fn a_job_that_waits_is_called_off_and_not_charged() {
    let scene =
        Scene::around(Stack::start_with(&[], &[("PRECIS_MODEL__BATCH", "1".into())]).await.unwrap()).await.unwrap();
    let mut story = Story::new();
    // One job at a time, and the model writes for a while, so that the next job waits.
    let document = include_str!("../documents/metre.txt").repeat(12);
    let long = Ask::json(&document, json!({ "mode": "abstractive" }));
    let paid = scene.payer.pay(&scene.client, scene.origin(), &long).await.unwrap();
    let busy = Ticket::of(&ordered(&scene, &long, &paid).await.unwrap()).unwrap();
    story
        .tell("a job whose work has begun shows how far it is and is not called off", async {
            let working = eventually("work", async || {
                let answer = looked(&scene, &busy).await.ok()?.json().ok()?;
                (answer["status"] == "working").then_some(answer)
            })
            .await?;
            ensure!(working["id"] == busy.id.as_str() && working.get("token").is_none(), "{working}");
            asked(&scene, Method::DELETE, &busy.location, Some(&busy.token)).await?.refused_and_charged(
                409,
                "job_begun",
                &json!("unknown"),
            )
        })
        .await;
    story
        .tell(
            "a job that waits for the model is called off: nothing is charged, and a signed receipt says so",
            scene.moving(0, async {
                let ask = Ask::json(DOCUMENT, json!({}));
                let payment = scene.payer.pay(&scene.client, scene.origin(), &ask).await?;
                let ticket = Ticket::of(&ordered(&scene, &ask, &payment).await?)?;
                let waiting = looked(&scene, &ticket).await?;
                ensure!(waiting.status == 202 && waiting.json()?["status"] == "queued", "{}", waiting.text());
                let off = asked(&scene, Method::DELETE, &ticket.location, Some(&ticket.token)).await?;
                ensure!(off.status == 200 && off.json()?["charged"] == false, "{}: {}", off.status, off.text());
                // Twice is once, and everybody who asks hears the same.
                let again = asked(&scene, Method::DELETE, &ticket.location, Some(&ticket.token)).await?;
                ensure!(again.status == 200, "{}: {}", again.status, again.text());
                let gone = looked(&scene, &ticket).await?;
                gone.refused(410, "cancelled")?;
                let receipt: Value = gone.json()?["receipt"].clone();
                ensure!(receipt["receipt"]["status"] == "failed-uncharged", "{receipt}");
                let resent = send_paid(&scene.client, scene.origin(), &ask, &payment).await?;
                resent.refused(410, "cancelled")?;
                let path = format!("{}/{}", headers::RECEIPTS_PATH, ticket.id);
                let fetched = asked(&scene, Method::GET, &path, Some(&ticket.token)).await?;
                ensure!(fetched.json()? == receipt, "another receipt: {}", fetched.text());
                Ok(())
            }),
        )
        .await;
    story.end().unwrap();
}

#[tokio::test]
async fn a_job_that_a_restart_interrupted_goes_on_when_its_request_is_sent_again() {
    let scene = Scene::set().await.unwrap();
    // Long enough to be seen at work.
    let document: String =
        (1..=24).map(|part| format!("Part {part}\n\n{}\n\n", include_str!("../documents/metre.txt"))).collect();
    let ask = Ask::json(&document, json!({ "mode": "abstractive" }));
    let quote = ask.send(&scene.client, scene.origin(), &[]).await.unwrap().quote().unwrap();
    let required = &quote.accepts[0];
    let (price, payment) = (required.amount.get(), wire::encode(&scene.payer.authorize(required).unwrap()).unwrap());
    let before = scene.balances().await.unwrap();
    let ticket = Ticket::of(&ordered(&scene, &ask, &payment).await.unwrap()).unwrap();
    eventually("work", async || {
        (looked(&scene, &ticket).await.ok()?.json().ok()?["status"] == "working").then_some(())
    })
    .await
    .unwrap();
    let scene = Scene::around(scene.stack.crash_and_restart().await.unwrap()).await.unwrap();
    // The document is never stored: its owner is told to send it again.
    looked(&scene, &ticket).await.unwrap().refused(409, "job_interrupted").unwrap();
    let again = Ticket::of(&ordered(&scene, &ask, &payment).await.unwrap()).unwrap();
    assert_eq!((again.id, again.token), (ticket.id.clone(), ticket.token.clone()));
    let result = fetched(&scene, &ticket).await.unwrap();
    assert_eq!(result.status, 200, "{}", result.text());
    assert_eq!(before.0 - scene.balances().await.unwrap().0, price);
}
