//! Language of a document, and whether a sentence left it.

use whatlang::{Lang, detect};

use super::cues::Cues;

/// Letters that are enough to tell a language by.
const LETTERS: usize = 40;
/// Beginning of a document that is looked at, bytes.
const LOOKED_AT: usize = 20_000;

/// A language, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Language(Option<Lang>);

impl Language {
    /// The language that most of a text is in.
    pub(crate) fn of(text: &str) -> Self {
        let mut end = text.len().min(LOOKED_AT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        let enough = text.chars().filter(|c| c.is_alphabetic()).count() >= LETTERS;
        Self(detect(text).filter(|found| enough && found.is_reliable()).map(|found| found.lang()))
    }

    /// Its name in English; none where it is not known.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self.0? {
            Lang::Cmn => Some("Chinese"),
            other => Some(other.eng_name()),
        }
    }

    /// Checks whether a sentence is surely in another one.
    pub(super) fn is_left_by(self, sentence: &str) -> bool {
        let found = Self::of(sentence);
        self.0.is_some() && found.0.is_some() && found != self
    }

    pub(super) fn is_english(self) -> bool {
        self.0 == Some(Lang::Eng)
    }

    /// Checks whether it writes every noun with a capital.
    pub(super) fn has_capital_nouns(self) -> bool {
        self.0 == Some(Lang::Deu)
    }

    /// The words that deny in it, where they are known.
    pub(super) fn cues(self) -> Option<&'static Cues> {
        Cues::of(self.0?.code())
    }
}
