//! Vectors and an order of documents, bought over the wire: how many a second, and the vectors themselves, for comparison with
//! another engine (scripts/peers/vectors.py). Reads texts as a JSON list; writes JSON.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use anyhow::{Context as _, ensure};
use precis_protocol::headers;
use precis_tests::http::{self, Ask};
use precis_tests::payer::{Payer, send_paid};
use precis_tests::stack::Stack;
use reqwest::Client;
use serde_json::{Value, json};

/// Purchases of which the median is told.
const ROUNDS: usize = 5;

fn ask(path: &str, body: &Value) -> Ask {
    Ask { path: path.into(), media_type: "application/json".into(), body: body.to_string().into_bytes() }
}

/// Buys [`ROUNDS`] times; the last answer, its tokens, and the median of the seconds from the paid request to the answer.
async fn bought(client: &Client, origin: &str, payer: &Payer, ask: &Ask) -> anyhow::Result<(Value, f64)> {
    let (mut seconds, mut last) = (Vec::new(), Value::Null);
    for _ in 0..ROUNDS {
        let payment = payer.pay(client, origin, ask).await?;
        let started = Instant::now();
        let answer = send_paid(client, origin, ask, &payment).await?;
        seconds.push(started.elapsed().as_secs_f64());
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
        last = answer.json()?;
    }
    seconds.sort_by(f64::total_cmp);
    Ok((last, seconds[ROUNDS / 2]))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let texts: Vec<String> = serde_json::from_reader(std::io::stdin()).context("a JSON list of texts")?;
    let stack = Stack::start().await?;
    let (client, origin, payer) = (http::client()?, stack.server.url.as_str(), stack.payer()?);
    let mut told = serde_json::Map::new();
    for form in ["float", "int8"] {
        let body = json!({ "input": texts, "encoding_format": form });
        let (result, seconds) = bought(&client, origin, &payer, &ask(headers::EMBEDDINGS_PATH, &body)).await?;
        let rows = result["data"].as_array().context("data")?;
        let vectors: Vec<&Value> = rows.iter().map(|row| &row["embedding"]).collect();
        let (tokens, texts) = (&result["usage"]["prompt_tokens"], texts.len());
        told.insert(form.into(), json!({ "vectors": vectors, "seconds": seconds, "tokens": tokens, "texts": texts }));
    }
    let (query, documents) = texts.split_first().context("no texts")?;
    let body = json!({ "query": query, "documents": documents });
    let (result, seconds) = bought(&client, origin, &payer, &ask(headers::RERANK_PATH, &body)).await?;
    told.insert("rerank".into(), json!({ "results": result["results"], "seconds": seconds, "texts": documents.len() }));
    println!("{}", Value::Object(told));
    Ok(())
}
