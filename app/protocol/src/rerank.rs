//! Bodies of `POST /v1/rerank` (SPEC 5.11), in the shape of the Cohere and Jina APIs.
//!
//! Texts have no `Debug`: a log line cannot hold them by accident.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::embeddings::TokenUsage;
use crate::encoding::hex_array;

/// Body of a request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RerankRequest {
    /// The model wanted, by its name or its digest; the one that there is if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Text to look for.
    pub query: String,
    /// Documents to look in.
    pub documents: Vec<RerankDocument>,
    /// At most so many results; all documents if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_n: Option<u32>,
    /// Set if each result should repeat its document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_documents: Option<bool>,
}

impl RerankRequest {
    /// All texts: the query, then the documents.
    #[must_use]
    pub fn into_texts(self) -> Vec<String> {
        std::iter::once(self.query).chain(self.documents.into_iter().map(RerankDocument::into_text)).collect()
    }
}

/// A document to rank.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a text, or an object with a `text`")]
pub enum RerankDocument {
    /// A text.
    Text(String),
    /// A text in an object.
    Object(TextObject),
}

/// A text in an object.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextObject {
    /// The text.
    pub text: String,
}

impl RerankDocument {
    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) | Self::Object(TextObject { text }) => text,
        }
    }
}

/// The result (SPEC 5.11).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RerankResult {
    /// The job's id.
    #[serde(with = "hex_array")]
    pub id: [u8; 16],
    /// Digest of the model manifest.
    pub model: Digest,
    /// The nearest documents, nearest first; of those that are equally near the earlier first.
    pub results: Vec<Ranked>,
    /// Metered tokens, those of the query included.
    pub usage: TokenUsage,
}

/// One document in its place.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranked {
    /// Position of the document in the request.
    pub index: u32,
    /// Cosine of query and document, -1 to 1.
    pub relevance_score: f32,
    /// The document, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<TextObject>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn requests_of_the_cohere_and_jina_clients_are_read() {
        let read = |text: &str| serde_json::from_str::<RerankRequest>(text);
        let request = read(r#"{"model":"m","query":"q","documents":["a",{"text":"b"}],"top_n":1}"#).ok().unwrap();
        let texts: Vec<_> = request.documents.into_iter().map(RerankDocument::into_text).collect();
        assert_eq!((texts, request.top_n), (vec!["a".to_owned(), "b".to_owned()], Some(1)));
        for refused in
            [r#"{"query":"q"}"#, r#"{"query":"q","documents":[{"title":"b"}]}"#, r#"{"query":"q","documents":"a"}"#]
        {
            assert!(read(refused).is_err(), "{refused}");
        }
    }
}
