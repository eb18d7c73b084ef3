//! The encrypted channel as a hostile caller meets it.

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use precis_channel::ClientChannel;
use precis_protocol::headers;
use precis_tests::http::{self, Answer, Ask};
use precis_tests::story::Story;
use reqwest::Client;
use serde_json::json;

use super::Scene;

const DOCUMENT: &str = "The lamp was lit in 1698. It burned for five years. A storm put it out.";

async fn post(scene: &Scene, media_type: &str, body: &[u8]) -> anyhow::Result<Answer> {
    post_by(&scene.client, scene, media_type, body).await
}

async fn post_by(client: &Client, scene: &Scene, media_type: &str, body: &[u8]) -> anyhow::Result<Answer> {
    let url = format!("{}{}", scene.origin(), headers::OHTTP_GATEWAY_PATH);
    http::answer(client.post(url).header("content-type", media_type).body(body.to_vec())).await
}

/// SPEC 4.3: one answer for every failure.
fn uniform(answers: &[Answer]) -> anyhow::Result<()> {
    for answer in answers {
        ensure!(answer.status == 400, "{}: {}", answer.status, answer.text());
        ensure!(
            answer.json()?["type"] == "https://iana.org/assignments/http-problem-types#ohttp-key",
            "{}",
            answer.text()
        );
        ensure!(answer.body == answers[0].body, "two failures can be told apart");
    }
    Ok(())
}

/// The answer to a `GET` inside the channel.
pub async fn get_inside(scene: &Scene, path: &str) -> anyhow::Result<::http::Response<Bytes>> {
    let keys = http::get(&scene.client, &format!("{}{}", scene.origin(), headers::OHTTP_GATEWAY_PATH)).await?;
    let channel = ClientChannel::new(keys.body.get(2..).context("no configuration")?)?;
    let inner = ::http::Request::get(format!("https://precis.invalid{path}")).body(Bytes::new())?;
    let (body, opener) = channel.seal(inner)?;
    let answer = post(scene, ClientChannel::REQUEST_MEDIA_TYPE, &body).await?;
    Ok(opener.open(answer.header("content-type"), &answer.body)?)
}

fn request(path: &str) -> anyhow::Result<::http::Request<Bytes>> {
    let Ask { media_type, body, .. } = Ask::json(DOCUMENT, json!({}));
    Ok(::http::Request::post(format!("https://precis.invalid{path}"))
        .header("content-type", media_type)
        .body(body.into())?)
}

#[tokio::test]
async fn the_gateway_gives_nothing_away() {
    let scene = Scene::set().await.unwrap();
    let mut story = Story::new();
    let keys = http::get(&scene.client, &format!("{}{}", scene.origin(), headers::OHTTP_GATEWAY_PATH)).await.unwrap();
    // A list of one configuration: two bytes of length, then the configuration.
    let config = keys.body[2..].to_vec();
    let channel = ClientChannel::new(&config).unwrap();
    let media_type = ClientChannel::REQUEST_MEDIA_TYPE;

    story
        .tell("a request through the channel is answered through the channel", async {
            let (body, opener) = channel.seal(request(headers::SUMMARIES_PATH)?)?;
            let answer = post(&scene, media_type, &body).await?;
            ensure!(
                answer.status == 200 && answer.header("content-type") == headers::OHTTP_CHUNKED_RES,
                "{}",
                answer.status
            );
            let inner = opener.open(answer.header("content-type"), &answer.body)?;
            ensure!(
                inner.status() == 402 && inner.headers().contains_key(headers::PAYMENT_REQUIRED),
                "{}",
                inner.status()
            );
            Ok(())
        })
        .await;
    story
        .tell("unknown keys, truncation, alteration, repetition and nonsense get one and the same answer", async {
            let (body, opener) = channel.seal(request(headers::SUMMARIES_PATH)?)?;
            drop(opener);
            let mut answers = Vec::new();
            let mut other_key = body.clone();
            other_key[0] ^= 0xff;
            answers.push(post(&scene, media_type, &other_key).await?);
            for length in [0, 1, 6, 7, 38, 39, 40, body.len() / 2, body.len() - 1] {
                answers.push(post(&scene, media_type, &body[..length]).await?);
            }
            for at in [1, 3, 5, 8, 45, body.len() / 2, body.len() - 1] {
                let mut altered = body.clone();
                altered[at] ^= 1;
                answers.push(post(&scene, media_type, &altered).await?);
            }
            answers.push(post(&scene, media_type, b"hello").await?);
            answers.push(post(&scene, "application/json", &body).await?);
            uniform(&answers)
        })
        .await;
    story
        .tell("a repeated encapsulation is refused", async {
            let (body, _opener) = channel.seal(request(headers::SUMMARIES_PATH)?)?;
            ensure!(post(&scene, media_type, &body).await?.status == 200, "the first was refused");
            uniform(&[post(&scene, media_type, &body).await?])
        })
        .await;
    story
        .tell("the channel does not lead into itself", async {
            let (body, _opener) = channel.seal(request(headers::OHTTP_GATEWAY_PATH)?)?;
            uniform(&[post(&scene, media_type, &body).await?])
        })
        .await;
    story
        .tell("errors inside the channel are told inside the channel", async {
            let outer =
                ::http::Request::post("https://precis.invalid/v1/summaries").header("content-type", "image/png");
            let (body, opener) = channel.seal(outer.body(Bytes::from_static(b"%PDF"))?)?;
            let answer = post(&scene, media_type, &body).await?;
            ensure!(answer.status == 200, "{}", answer.status);
            let inner = opener.open(answer.header("content-type"), &answer.body)?;
            ensure!(inner.status() == 415, "{}", inner.status());
            Ok(())
        })
        .await;
    story
        .tell("a body over the limit is refused and the next request is answered", async {
            // Refused unopened, with or without an answer; its connection ends with it.
            if let Ok(answer) = post_by(&http::client()?, &scene, media_type, &vec![1; 9 * 1024 * 1024]).await {
                ensure!(answer.status == 413 || answer.status == 400, "{}", answer.status);
            }
            let (body, opener) = channel.seal(request(headers::SUMMARIES_PATH)?)?;
            let answer = post(&scene, media_type, &body).await?;
            opener.open(answer.header("content-type"), &answer.body).context("the next request")?;
            Ok(())
        })
        .await;
    story.end().unwrap();
}
