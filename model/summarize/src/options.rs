//! What a caller may choose.

use serde::{Deserialize, Serialize};

/// Longest `focus` in bytes that has an effect; the rest of a longer one is ignored at a character boundary.
pub(crate) const MAX_FOCUS_BYTES: usize = 512;

/// How the summary is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Sentences of the document, quoted verbatim.
    #[default]
    Extractive,
    /// Sentences written by a language model.
    Abstractive,
}

impl Mode {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Extractive => "extractive",
            Self::Abstractive => "abstractive",
        }
    }
}

/// The caller's wishes. No `Debug`: `focus` is the caller's text.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Upper bound in words (UAX #29). At least one sentence is always returned, so a bound below the shortest
    /// candidate sentence of an extract is exceeded by that one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_words: Option<u32>,
    /// Upper bound in sentences; 0 counts as 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_sentences: Option<u32>,
    /// What the reader is interested in: raises sentences near to it, or is named in the instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focus: Option<String>,
}

impl Options {
    /// The trimmed focus, or none if it says nothing.
    pub(crate) fn focus(&self) -> Option<&str> {
        let focus = self.focus.as_deref()?;
        let mut end = focus.len().min(MAX_FOCUS_BYTES);
        while !focus.is_char_boundary(end) {
            end -= 1;
        }
        let focus = focus[..end].trim();
        focus.chars().any(char::is_alphanumeric).then_some(focus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_focus_is_cut_at_a_character_boundary() {
        let options = Options { focus: Some("é".repeat(MAX_FOCUS_BYTES)), ..Options::default() };
        assert_eq!(options.focus().map(str::len), Some(MAX_FOCUS_BYTES));
        let blank = Options { focus: Some(" \n—".into()), ..Options::default() };
        assert_eq!(blank.focus(), None);
    }

    #[test]
    fn modes_are_lowercase_on_the_wire() {
        for mode in [Mode::Extractive, Mode::Abstractive] {
            assert_eq!(serde_json::to_value(mode).ok(), Some(mode.as_str().into()));
        }
    }
}
