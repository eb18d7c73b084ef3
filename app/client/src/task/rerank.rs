//! Documents in the order of their nearness to a query (SPEC 5.11).

use precis_protocol::embeddings::check_texts;
use precis_protocol::headers;
use precis_protocol::rerank::{self, RerankDocument, RerankResult};
use precis_protocol::result::Content;

use crate::error::ClientError;
use crate::request::{Parts, Request, Task};

/// Documents in the order of their nearness to a query.
#[derive(Clone, Copy, Debug)]
pub enum Rerank {}

impl Task for Rerank {
    type Input = Vec<String>;
    type Output = RerankResult;

    fn output(content: Content) -> Option<RerankResult> {
        match content {
            Content::Rerank(result) => Some(result),
            _ => None,
        }
    }
}

/// A request for an order of documents.
pub type RerankRequest = Request<Rerank>;

impl Request<Rerank> {
    /// The request for at most `most` of `documents`, those nearest to `query` first.
    ///
    /// # Errors
    /// [`ClientError::Input`] when there are no documents or too many, one of the texts is empty, or `most` is zero.
    pub fn new(query: String, documents: Vec<String>, most: Option<u32>) -> Result<Self, ClientError> {
        check_texts(&documents).map_err(|e| ClientError::Input(e.to_string()))?;
        check_texts(std::slice::from_ref(&query)).map_err(|_| ClientError::Input("the query is empty".into()))?;
        if most == Some(0) {
            return Err(ClientError::Input("ask for at least one result".into()));
        }
        let body = rerank::RerankRequest {
            model: None,
            query,
            documents: documents.iter().cloned().map(RerankDocument::Text).collect(),
            top_n: most,
            return_documents: None,
        };
        let (path, quotes) = (headers::RERANK_PATH, headers::RERANK_QUOTES_PATH);
        Ok(Self::from_parts(Parts::json(precis_protocol::Task::Rerank, path, quotes, &body)?, documents))
    }

    /// The documents, in the order in which results number them.
    #[must_use]
    pub fn documents(&self) -> &[String] {
        self.input()
    }
}
