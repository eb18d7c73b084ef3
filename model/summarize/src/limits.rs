//! What a summarizer accepts, in bytes and tokens.

use serde::Serialize;

use crate::error::Error;

/// Limits of one mode. Texts above them are refused whole, never cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Most tokens of a document, by the mode's own tokenizer.
    pub max_document_tokens: u32,
    /// Most UTF-8 bytes of a document.
    pub max_document_bytes: usize,
    /// Most sentences that a summary can have.
    pub max_sentences: u32,
    /// Most tokens that one pass writes; 0 where nothing is written.
    pub max_output_tokens: u32,
}

impl Limits {
    /// Refuse a text that is too large to look at.
    pub(crate) fn check_bytes(&self, text: &str) -> Result<(), Error> {
        if text.len() > self.max_document_bytes {
            return Err(Error::TooLong {
                unit: "bytes",
                found: text.len() as u64,
                limit: self.max_document_bytes as u64,
            });
        }
        Ok(())
    }

    /// Refuse a count above the limit.
    pub(crate) fn check_tokens(&self, tokens: u32) -> Result<(), Error> {
        if tokens > self.max_document_tokens {
            return Err(Error::TooLong {
                unit: "tokens",
                found: tokens.into(),
                limit: self.max_document_tokens.into(),
            });
        }
        Ok(())
    }
}
