//! What a caller may choose.

use serde::{Deserialize, Serialize};

/// Longest `focus` in bytes that has an effect; the rest of a longer one is ignored at a character boundary.
pub(crate) const MAX_FOCUS_BYTES: usize = 512;

/// Most words and sentences of a [`Style::Tldr`] without other bounds.
pub(crate) const TLDR_WORDS: u32 = 40;
pub(crate) const TLDR_SENTENCES: u32 = 2;

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

/// Choice of sentences for the wish of a reader. The layout is up to whoever shows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// The subject of the document, as running text.
    #[default]
    Paragraph,
    /// The same, as lines.
    Bullets,
    /// Decisions and tasks with names and dates; the same as in every style if the document has none.
    Decisions,
    /// The same in one or two sentences, unless there are other bounds.
    Tldr,
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
    /// Choice of sentences.
    #[serde(skip_serializing_if = "is_default")]
    pub style: Style,
}

fn is_default(style: &Style) -> bool {
    *style == Style::default()
}

impl Options {
    /// Set if the caller bounds the length.
    pub(crate) fn is_bounded(&self) -> bool {
        self.max_words.is_some() || self.max_sentences.is_some()
    }

    /// These options with the bounds of their style, where the caller sets none.
    pub(crate) fn bounded(&self) -> Self {
        let mut options = self.clone();
        if self.style == Style::Tldr && !self.is_bounded() {
            (options.max_words, options.max_sentences) = (Some(TLDR_WORDS), Some(TLDR_SENTENCES));
        }
        options
    }

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
    fn the_caller_s_bounds_take_the_place_of_those_of_a_style() {
        let bounds = |style, max_words, max_sentences| {
            let options = Options { style, max_words, max_sentences, ..Options::default() }.bounded();
            (options.max_words, options.max_sentences)
        };
        assert_eq!(bounds(Style::Tldr, None, None), (Some(40), Some(2)));
        assert_eq!(bounds(Style::Tldr, Some(90), None), (Some(90), None));
        assert_eq!(bounds(Style::Tldr, None, Some(4)), (None, Some(4)));
        assert_eq!(bounds(Style::Decisions, None, None), (None, None));
    }

    #[test]
    fn modes_are_lowercase_on_the_wire() {
        for mode in [Mode::Extractive, Mode::Abstractive] {
            assert_eq!(serde_json::to_value(mode).ok(), Some(mode.as_str().into()));
        }
    }
}
