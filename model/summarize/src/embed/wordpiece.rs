//! WordPiece from a `tokenizer.json`, for the embedding model.

use tokenizers::Tokenizer;

use super::census::Census;
use crate::error::{Error, LoadError};
use precis_engine::tokenizer::Encoded;

/// The embedding model's tokenizer.
pub(crate) struct WordPiece {
    tokenizer: Tokenizer,
    /// Begins every piece.
    pub(crate) cls: u32,
    /// Ends every piece.
    pub(crate) sep: u32,
    /// Stands for what the vocabulary has no letters for.
    unknown: u32,
}

impl WordPiece {
    /// Read `tokenizer.json`. Its truncation and padding are switched off: they would drop text silently.
    pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        let unusable = |reason: String| LoadError::unusable(name, reason);
        // The library panics at some files that are JSON and no tokenizer.
        let read = std::panic::catch_unwind(|| Tokenizer::from_bytes(bytes));
        let read = read.map_err(|_| unusable("it is not a tokenizer that the library can read".into()))?;
        let mut tokenizer = read.map_err(|error| unusable(error.to_string()))?;
        tokenizer.with_truncation(None).map_err(|error| unusable(error.to_string()))?;
        tokenizer.with_padding(None);
        tokenizer.set_encode_special_tokens(true);
        let id = |token: &str| tokenizer.token_to_id(token).ok_or_else(|| unusable(format!("no token {token}")));
        let (cls, sep, unknown) = (id("[CLS]")?, id("[SEP]")?, id("[UNK]")?);
        Ok(Self { tokenizer, cls, sep, unknown })
    }

    /// Number of tokens of a text.
    pub(crate) fn count(&self, text: &str) -> Result<usize, Error> {
        let encoding = self.tokenizer.encode_fast(text, false).map_err(Error::internal("tokenize"))?;
        Ok(encoding.len())
    }

    /// Number of tokens of a text, and of those among them that the vocabulary has no letters for.
    pub(super) fn census(&self, text: &str) -> Result<Census, Error> {
        let encoding = self.tokenizer.encode_fast(text, false).map_err(Error::internal("tokenize"))?;
        Ok(self.census_of(encoding.get_ids()))
    }

    /// Number of tokens such that the vocabulary has no letters for.
    pub(super) fn census_of(&self, ids: &[u32]) -> Census {
        Census { tokens: ids.len(), unknown: ids.iter().filter(|id| **id == self.unknown).count(), blank: 0 }
    }

    /// Tokens of a text with their offsets.
    pub(crate) fn encode(&self, text: &str) -> Result<Encoded, Error> {
        let encoding = self.tokenizer.encode(text, false).map_err(Error::internal("tokenize"))?;
        Ok(Encoded::from_encoding(&encoding))
    }
}

#[cfg(test)]
mod tests;
