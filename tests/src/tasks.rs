//! The table of tasks: every test of what a payment buys runs for each row.

use precis_protocol::{Task, headers};
use serde_json::json;

use crate::http::Ask;

/// A task as the tests buy it.
pub struct Row {
    /// The task.
    pub task: Task,
    /// Path of the route that sells it.
    pub path: &'static str,
    /// Price of less than a thousand tokens, atomic units, by the default prices.
    pub price: u64,
    /// Set if the result repeats the text.
    pub quotes: bool,
    /// A request that works on `text`.
    body: fn(&str) -> serde_json::Value,
}

/// All tasks but the one that a language model does: it is slow, and shares its route.
pub const TASKS: [&Row; 3] = [&EXTRACT, &EMBEDDINGS, &RERANK];

/// A summary of sentences that stand in the document.
pub const EXTRACT: Row = Row {
    task: Task::SummaryExtractive,
    path: headers::SUMMARIES_PATH,
    price: 1500,
    quotes: true,
    body: |text| json!({ "document": text, "options": { "mode": "extractive" } }),
};

/// A summary that a language model writes.
pub const ABSTRACT: Row = Row {
    task: Task::SummaryAbstractive,
    path: headers::SUMMARIES_PATH,
    price: 5000,
    quotes: true,
    body: |text| json!({ "document": text, "options": { "mode": "abstractive" } }),
};

/// Vectors of two texts.
pub const EMBEDDINGS: Row = Row {
    task: Task::Embeddings,
    path: headers::EMBEDDINGS_PATH,
    price: 300,
    quotes: false,
    body: |text| json!({ "input": [text, "Another text."], "encoding_format": "base64" }),
};

/// An order of two documents.
pub const RERANK: Row = Row {
    task: Task::Rerank,
    path: headers::RERANK_PATH,
    price: 300,
    quotes: true,
    body: |text| json!({ "query": "Another text?", "documents": [text, "Another text."], "return_documents": true }),
};

impl Row {
    /// A request that works on `text`.
    #[must_use]
    pub fn ask(&self, text: &str) -> Ask {
        Ask {
            path: self.path.into(),
            media_type: "application/json".into(),
            body: (self.body)(text).to_string().into_bytes(),
        }
    }
}
