//! Vectors of texts and an order of documents: bought with the command, proved, and made again.

use anyhow::{Context as _, ensure};
use precis_tests::http::{self, Ask};
use precis_tests::payer::send_paid;
use precis_tests::story::Story;
use precis_tests::tasks::{EMBEDDINGS, RERANK};
use serde_json::{Value, json};

use super::Scene;
use super::reproduce::reproduce;

const TEXTS: &str = "The canal is 82 kilometres long.\n\nShips wait for the tide.\nBread is made of flour and water.\n";

fn cosine(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn rows(text: &str) -> anyhow::Result<Vec<Vec<f64>>> {
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

#[tokio::test]
async fn vectors_and_an_order_of_documents_are_bought_proved_and_made_again() {
    let scene = Scene::set().await.unwrap();
    let cli = scene.stack.cli().unwrap();
    let mut story = Story::new();
    let texts = scene.stack.file("texts.txt");
    std::fs::write(&texts, TEXTS).unwrap();
    let texts = texts.to_str().unwrap().to_owned();
    let named = |name: &str| scene.stack.file(name).to_str().unwrap().to_owned();

    let (receipt, body) = (named("embed.receipt.json"), named("embed.body.json"));
    story
        .tell(
            "a line of a file is a text, its vector has unit length, and its receipt verifies with the request",
            scene.moving(EMBEDDINGS.price, async {
                let arguments =
                    ["embed", &texts, "--lines", "--encoding", "float", "--receipt", &receipt, "--save-request", &body];
                let said = cli.run(&arguments).await?.expect(0)?;
                let rows = rows(&said.stdout)?;
                ensure!(rows.len() == 3, "{} vectors", rows.len());
                ensure!(rows.iter().all(|row| row.len() == 384 && (cosine(row, row) - 1.0).abs() < 1e-4), "no unit");
                ensure!(said.stderr.contains("read: 3 texts"), "{}", said.stderr);
                cli.verify_receipt(receipt.as_ref(), &["--document", &body]).await?.expect(0)?;
                let other = named("other.body.json");
                std::fs::write(&other, std::fs::read_to_string(&body)?.replace("82", "83"))?;
                cli.verify_receipt(receipt.as_ref(), &["--document", &other]).await?.expect(1).map(drop)
            }),
        )
        .await;
    story
        .tell(
            "what was bought is printed again and not paid again",
            scene.moving(0, async {
                let said = cli.run(&["embed", &texts, "--lines", "--encoding", "float"]).await?.expect(0)?;
                ensure!(said.stderr.contains("already paid, nothing was charged"), "{}", said.stderr);
                ensure!(rows(&said.stdout)?.len() == 3, "{}", said.stdout);
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "the documents come nearest first, by the cosine of their vectors, over plain HTTPS as over the channel",
            scene.moving(2 * RERANK.price, async {
                let arguments = ["rerank", "What is baked?", &texts, "--lines", "--json"];
                let said = cli.run(&arguments).await?.expect(0)?.json()?;
                let results = said["result"]["results"].as_array().context("results")?.clone();
                let order: Vec<_> = results.iter().filter_map(|ranked| ranked["index"].as_u64()).collect();
                ensure!(order.len() == 3 && order[0] == 2, "{order:?}");
                let scores: Vec<_> = results.iter().filter_map(|ranked| ranked["relevance_score"].as_f64()).collect();
                ensure!(scores.is_sorted_by(|one, next| one >= next), "{scores:?}");
                let top = ["rerank", "What is baked?", &texts, "--lines", "--top", "1", "--plain-https"];
                let said = cli.run(&top).await?.expect(0)?;
                let line = said.stdout.trim();
                ensure!(line.ends_with(":4") && line.starts_with(&format!("{:.4}", scores[0])), "{line}");
                Ok(())
            }),
        )
        .await;
    story
        .tell("the same model makes the same vectors again, byte for byte", async {
            let same = reproduce(&scene, &[&receipt, &body])?.expect(0)?;
            ensure!(same.stdout.ends_with("SAME\n"), "{}", same.stdout);
            Ok(())
        })
        .await;
    story
        .tell(
            "three ways of writing a vector are the same vector",
            scene.moving(3 * EMBEDDINGS.price, async {
                let mut read = Vec::new();
                for format in ["float", "base64", "int8"] {
                    let body = json!({ "input": "Ships wait for the tide.", "encoding_format": format });
                    let ask = Ask { body: body.to_string().into_bytes(), ..EMBEDDINGS.ask("") };
                    let payment = scene.payer.pay(&scene.client, scene.origin(), &ask).await?;
                    let answer = send_paid(&scene.client, scene.origin(), &ask, &payment).await?;
                    ensure!(answer.status == 200, "{}", answer.text());
                    let vector: precis_protocol::embeddings::Vector =
                        serde_json::from_value(answer.json()?["data"][0]["embedding"].clone())?;
                    read.push(vector.decode().context("vector")?.into_iter().map(f64::from).collect::<Vec<_>>());
                }
                ensure!(read[0] == read[1], "float and base64 differ");
                ensure!(cosine(&read[0], &read[2]) / cosine(&read[2], &read[2]).sqrt() > 0.999, "int8 is far");
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "what cannot be worked on is refused before a price is told",
            scene.moving(0, async {
                for (row, body, status, code) in [
                    (&EMBEDDINGS, json!({ "input": [] }), 400, "bad_request"),
                    (&EMBEDDINGS, json!({ "input": vec!["a"; 257] }), 400, "bad_request"),
                    (&EMBEDDINGS, json!({ "input": ["a", " "] }), 400, "bad_request"),
                    (&EMBEDDINGS, json!({ "input": [1, 2] }), 400, "bad_request"),
                    (&EMBEDDINGS, json!({ "input": "a", "model": "text-embedding-3-large" }), 400, "bad_options"),
                    (&EMBEDDINGS, json!({ "input": "a", "dimensions": 256 }), 400, "bad_options"),
                    (&EMBEDDINGS, json!({ "input": "a ".repeat(70_000) }), 413, "document_too_long"),
                    (&EMBEDDINGS, json!({ "input": vec!["a ".repeat(300); 256] }), 413, "document_too_long"),
                    (&EMBEDDINGS, json!({ "input": "\u{200b}" }), 422, "not_summarizable"),
                    (&RERANK, json!({ "query": "", "documents": ["a"] }), 400, "bad_request"),
                    (&RERANK, json!({ "query": "a", "documents": [] }), 400, "bad_request"),
                    (&RERANK, json!({ "query": "a", "documents": ["a"], "top_n": 0 }), 400, "bad_request"),
                    (&RERANK, json!({}), 402, "document_required"),
                    (&EMBEDDINGS, json!({}), 402, "document_required"),
                ] {
                    let ask = Ask { body: body.to_string().into_bytes(), ..row.ask("") };
                    ask.send(&scene.client, scene.origin(), &[]).await?.refused(status, code)?;
                }
                let text = Ask { media_type: "text/plain".into(), ..EMBEDDINGS.ask("a") };
                text.send(&scene.client, scene.origin(), &[]).await?.refused(415, "unsupported_media_type")
            }),
        )
        .await;
    story
        .tell(
            "a quote of texts and a quote of their tokens name the price of the keyset",
            scene.moving(0, async {
                let ask = EMBEDDINGS.ask("Ships wait for the tide.");
                let by_text = Ask { path: "/v1/quotes/embeddings".into(), ..ask };
                let quoted = by_text.send(&scene.client, scene.origin(), &[]).await?.json()?;
                ensure!(quoted["task"] == "embeddings" && quoted["amount"] == "300", "{quoted}");
                let tokens = Ask { body: br#"{"tokens":1001}"#.to_vec(), ..by_text.clone() };
                let quoted = tokens.send(&scene.client, scene.origin(), &[]).await?.json()?;
                ensure!(quoted["amount"] == "400", "{quoted}");
                let service: Value =
                    http::get(&scene.client, &format!("{}/v1/service", scene.origin())).await?.json()?;
                ensure!(service["tasks"]["embeddings"]["limits"]["maxTexts"] == 256, "{service}");
                let over = Ask { body: br#"{"tokens":65537}"#.to_vec(), ..by_text };
                over.send(&scene.client, scene.origin(), &[]).await?.refused(413, "document_too_long")
            }),
        )
        .await;
    story.end().unwrap();
}
