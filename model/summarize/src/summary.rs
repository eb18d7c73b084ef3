//! What a summarizer returns. Types with text of a document have no `Debug`.

use serde::{Deserialize, Serialize};

/// Half-open range of byte offsets into the summarized text, at character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ByteRange {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl ByteRange {
    /// The bytes from `start` up to `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether there is no byte in it.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// The quoted text, if the range lies in `text` at character boundaries.
    pub fn of(self, text: &str) -> Option<&str> {
        text.get(self.start..self.end)
    }
}

/// A summary of one document.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The whole summary as running text, in every style: the sentences joined by one space.
    pub text: String,
    /// The sentences in order, at least one.
    pub sentences: Vec<Sentence>,
    /// Tokens of the document, as [`crate::Summarizer::count_tokens`] counts them.
    pub input_tokens: u32,
    /// Tokens of `text` by the same tokenizer.
    pub output_tokens: u32,
    /// Parts in which the document was read, 1 if in one piece.
    pub chunks: u32,
    /// Tokens of the document that were ranked for what to quote or to write about; equals `input_tokens` when coverage is complete.
    pub tokens_read: u32,
    /// Whether every sentence is a quotation with a `source`.
    pub verbatim: bool,
}

/// One sentence of a summary.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Sentence {
    /// The text of the sentence.
    pub text: String,
    /// Set if words of a quoted sentence are left out before it, and behind it.
    pub cut: (bool, bool),
    /// Extractive: where it stands in the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<ByteRange>,
    /// Abstractive: what in the document supports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grounding: Option<Grounding>,
}

/// What the document says near to a written sentence, and what it does not say.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Grounding {
    /// The nearest sentences of the document, nearest first.
    pub nearest: Vec<Nearest>,
    /// Names in the sentence of which a word does not occur in the document.
    pub unsupported_names: Vec<String>,
    /// Numbers in the sentence that do not occur in the document.
    pub unsupported_numbers: Vec<String>,
}

/// A sentence of the document and how near it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nearest {
    /// Where it stands.
    pub source: ByteRange,
    /// Cosine of the embeddings in thousandths, 0 to 1000.
    pub score_permille: u16,
}
