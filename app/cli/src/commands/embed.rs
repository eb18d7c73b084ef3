//! `precis embed FILE…`: vectors of texts.

use precis_client::{EmbeddingsRequest, Request, task::Embeddings};
use precis_protocol::embeddings::EmbeddingsResult;

use super::order::{self, Shown};
use crate::args::EmbedArgs;
use crate::exit::{Exit, Failure};
use crate::input;
use crate::output::Output;

pub(super) async fn run(args: &EmbedArgs, output: Output) -> Result<Exit, Failure> {
    let request = || {
        let texts = input::texts(&args.texts)?.into_iter().map(|named| named.text).collect();
        input::keep_request(&args.texts, EmbeddingsRequest::new(texts, args.encoding)?, output)
    };
    order::run(&args.target, &args.purchase, request, &Lines, output).await
}

/// A line for each vector: its values as a JSON list.
struct Lines;

impl Shown<Embeddings> for Lines {
    fn remarks(&self, result: &EmbeddingsResult) -> Vec<String> {
        vec![format!("read: {} texts, {} tokens", result.data.len(), result.usage.total_tokens)]
    }

    fn text(&self, _: &Request<Embeddings>, result: &EmbeddingsResult) -> String {
        let line = |values: Option<Vec<f32>>| format!("{}\n", serde_json::json!(values.unwrap_or_default()));
        result.data.iter().map(|entry| line(entry.embedding.decode())).collect()
    }
}
