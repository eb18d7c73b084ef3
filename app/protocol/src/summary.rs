//! Bodies of the paid route (SPEC 5.1, 5.2) and of the quote route (5.4).
//!
//! Document text has no `Debug`: a log line cannot hold it by accident.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::digest::Digest;
use crate::encoding::hex_array;
use crate::limits::{MAX_FOCUS_BYTES, MAX_SENTENCES, MAX_WORDS};
use crate::style::Style;

/// Which summarizer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Sentences quoted verbatim.
    #[default]
    Extractive,
    /// Sentences written by a language model, with grounding.
    Abstractive,
}

impl Mode {
    /// Both modes.
    pub const ALL: [Self; 2] = [Self::Extractive, Self::Abstractive];

    /// The wire name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Extractive => "extractive",
            Self::Abstractive => "abstractive",
        }
    }
}

/// How to summarize.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Which summarizer; extractive by default.
    #[serde(default)]
    pub mode: Mode,
    /// At most this many words, 1 to [`MAX_WORDS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_words: Option<u32>,
    /// At most this many sentences, 1 to [`MAX_SENTENCES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_sentences: Option<u32>,
    /// What the summary should be about, at most [`MAX_FOCUS_BYTES`] bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focus: Option<String>,
    /// Choice and layout of the sentences; running text by default.
    #[serde(default, skip_serializing_if = "Style::is_default")]
    pub style: Style,
}

/// Options outside their range.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OptionsError {
    /// `max_words`.
    #[error("`max_words` is 1 to {MAX_WORDS}")]
    Words,
    /// `max_sentences`.
    #[error("`max_sentences` is 1 to {MAX_SENTENCES}")]
    Sentences,
    /// `focus`.
    #[error("`focus` is 1 to {MAX_FOCUS_BYTES} bytes with a letter or a digit")]
    Focus,
}

impl Options {
    /// Checks the ranges.
    ///
    /// # Errors
    /// The first option that is out of range.
    pub fn check(&self) -> Result<(), OptionsError> {
        if self.max_words.is_some_and(|n| n == 0 || n > MAX_WORDS) {
            return Err(OptionsError::Words);
        }
        if self.max_sentences.is_some_and(|n| n == 0 || n > MAX_SENTENCES) {
            return Err(OptionsError::Sentences);
        }
        let says_something = |focus: &String| focus.chars().any(char::is_alphanumeric);
        if self.focus.as_ref().is_some_and(|focus| !says_something(focus) || focus.len() > MAX_FOCUS_BYTES) {
            return Err(OptionsError::Focus);
        }
        Ok(())
    }
}

/// JSON body of `POST /v1/summaries`: either `document`, or `media_type` with `data`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryRequest {
    /// Plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Media type of `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Document bytes, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// For `POST /v1/quotes` only: a token count instead of a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u32>,
    /// How to summarize.
    #[serde(default)]
    pub options: Options,
}

/// Body of a 200: the signed-over result and its receipt.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryResponse {
    /// Exact bytes are what `responseDigest` covers; parse as [`SummaryResult`].
    pub result: Box<RawValue>,
    /// Parse as [`crate::receipt::SignedReceipt`].
    pub receipt: Box<RawValue>,
}

/// The result (SPEC 5.2).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SummaryResult {
    /// The job's id.
    #[serde(with = "hex_array")]
    pub id: [u8; 16],
    /// Which summarizer.
    pub mode: Mode,
    /// The summary: the sentences as the style lays them out.
    pub summary: String,
    /// The summary, sentence by sentence.
    pub sentences: Vec<Sentence>,
    /// What was read of the document.
    pub coverage: Coverage,
    /// Metered tokens.
    pub usage: Usage,
    /// Whether every sentence stands in the document.
    pub verbatim: bool,
    /// Digest of the model manifest.
    pub model: Digest,
}

/// One sentence of a summary.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    /// The sentence.
    pub text: String,
    /// First byte in the extracted text (extractive).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// Byte after the last in the extracted text (extractive).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// What in the document supports it (abstractive).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grounding: Option<Grounding>,
}

/// Support of an abstractive sentence.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grounding {
    /// Similarity of the nearest source sentence, thousandths.
    pub support: u32,
    /// Nearest source sentences, best first.
    pub sources: Vec<Source>,
    /// Names and numbers that the document does not contain.
    pub unsupported: Vec<String>,
}

/// A source sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// First byte in the extracted text.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
    /// Similarity, thousandths.
    pub score: u32,
}

/// What was read of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Coverage {
    /// Tokens of the document.
    pub input_tokens: u32,
    /// Tokens that were ranked for what to quote or to write about.
    pub tokens_read: u32,
    /// Pieces it was read in.
    pub chunks: u32,
    /// Whether everything was read.
    pub complete: bool,
}

/// Metered tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Usage {
    /// Tokens of the document; what the price is computed from.
    pub input_tokens: u32,
    /// Tokens of the summary.
    pub output_tokens: u32,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn options_out_of_range_are_named() {
        let with = |words, sentences, focus: Option<&str>| Options {
            max_words: words,
            max_sentences: sentences,
            focus: focus.map(str::to_owned),
            ..Options::default()
        };
        assert_eq!(with(Some(1), Some(1), Some("x")).check(), Ok(()));
        assert_eq!(with(Some(0), None, None).check(), Err(OptionsError::Words));
        assert_eq!(with(None, Some(MAX_SENTENCES + 1), None).check(), Err(OptionsError::Sentences));
        assert_eq!(with(None, None, Some("")).check(), Err(OptionsError::Focus));
        assert_eq!(with(None, None, Some(&"x".repeat(MAX_FOCUS_BYTES + 1))).check(), Err(OptionsError::Focus));
    }

    #[test]
    fn a_request_without_a_style_is_written_as_before_there_were_any() {
        let written = |style| serde_json::to_string(&Options { style, ..Options::default() }).unwrap();
        assert_eq!(written(Style::Paragraph), r#"{"mode":"extractive"}"#);
        assert_eq!(written(Style::Tldr), r#"{"mode":"extractive","style":"tldr"}"#);
        for style in Style::ALL {
            assert!(serde_json::from_str::<Options>(&written(style)).is_ok_and(|options| options.style == style));
        }
        for unknown in [r#"{"style":"haiku"}"#, r#"{"style":null}"#, r#"{"language":"de"}"#, r#"{"audience":"x"}"#] {
            assert!(serde_json::from_str::<Options>(unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn the_raw_result_keeps_its_exact_bytes() {
        let body = r#"{"result":{"b": 1,  "a":"é"},"receipt":{}}"#;
        let parsed: SummaryResponse = serde_json::from_str(body).unwrap();
        assert_eq!(parsed.result.get(), r#"{"b": 1,  "a":"é"}"#);
    }
}
