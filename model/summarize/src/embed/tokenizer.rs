//! Tokenizers of the embedding models.

use precis_engine::tokenizer::{self, Encoded};

use super::census::Census;
use super::unigram::Unigram;
use super::wordpiece::WordPiece;
use crate::error::Error;

/// A tokenizer.
pub(crate) enum Tokenizer {
    /// That of MiniLM.
    WordPiece(Box<WordPiece>),
    /// That of multilingual-e5-small.
    Unigram(Unigram),
}

impl Tokenizer {
    /// Begins every piece that is embedded.
    pub(crate) fn first(&self) -> u32 {
        match self {
            Self::WordPiece(tokenizer) => tokenizer.cls,
            Self::Unigram(tokenizer) => tokenizer.first(),
        }
    }

    /// Ends every piece.
    pub(crate) fn last(&self) -> u32 {
        match self {
            Self::WordPiece(tokenizer) => tokenizer.sep,
            Self::Unigram(tokenizer) => tokenizer.last(),
        }
    }

    /// Tokens of a text with their offsets.
    pub(crate) fn encode(&self, text: &str) -> Result<Encoded, Error> {
        match self {
            Self::WordPiece(tokenizer) => tokenizer.encode(text),
            Self::Unigram(tokenizer) => Ok(tokenizer.encode(text)),
        }
    }

    /// Number of tokens of a text.
    pub(crate) fn count(&self, text: &str) -> Result<usize, Error> {
        match self {
            Self::WordPiece(tokenizer) => tokenizer.count(text),
            Self::Unigram(tokenizer) => Ok(tokenizer.encode(text).ids.len()),
        }
    }

    /// Number of tokens of a text, by what they stand for.
    pub(crate) fn census(&self, text: &str) -> Result<Census, Error> {
        match self {
            Self::WordPiece(tokenizer) => tokenizer.census(text),
            Self::Unigram(tokenizer) => Ok(tokenizer.census(&tokenizer.encode(text).ids)),
        }
    }

    /// The same of tokens.
    pub(crate) fn census_of(&self, ids: &[u32]) -> Census {
        match self {
            Self::WordPiece(tokenizer) => tokenizer.census_of(ids),
            Self::Unigram(tokenizer) => tokenizer.census(ids),
        }
    }

    /// The first place from `at` on where a text may be cut so that its parts have its tokens, or its end.
    pub(crate) fn cut(&self, text: &str, at: usize) -> usize {
        match self {
            Self::WordPiece(_) => tokenizer::cut(text, at),
            Self::Unigram(_) => Unigram::cut(text, at),
        }
    }
}
