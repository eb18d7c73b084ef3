//! Vectors of texts (SPEC 5.10).

use precis_protocol::embeddings::{self, EmbeddingsResult, EncodingFormat, Texts, check_texts};
use precis_protocol::headers;
use precis_protocol::result::Content;

use crate::error::ClientError;
use crate::request::{Parts, Request, Task};

/// Vectors of texts.
#[derive(Clone, Copy, Debug)]
pub enum Embeddings {}

impl Task for Embeddings {
    type Input = ();
    type Output = EmbeddingsResult;

    fn output(content: Content) -> Option<EmbeddingsResult> {
        match content {
            Content::Embeddings(result) => Some(result),
            _ => None,
        }
    }
}

/// A request for vectors.
pub type EmbeddingsRequest = Request<Embeddings>;

impl Request<Embeddings> {
    /// The request for a vector of each of `texts`, written in `format`.
    ///
    /// # Errors
    /// [`ClientError::Input`] when there are none or too many, or one is empty.
    pub fn new(texts: Vec<String>, format: EncodingFormat) -> Result<Self, ClientError> {
        check_texts(&texts).map_err(|e| ClientError::Input(e.to_string()))?;
        let body = embeddings::EmbeddingsRequest {
            input: Texts::Many(texts),
            model: None,
            encoding_format: format,
            dimensions: None,
            user: None,
        };
        let (path, quotes) = (headers::EMBEDDINGS_PATH, headers::EMBEDDINGS_QUOTES_PATH);
        Ok(Self::from_parts(Parts::json(precis_protocol::Task::Embeddings, path, quotes, &body)?, ()))
    }
}
