//! The embedding model that reads a text: which of them is settled by the text alone.

use std::sync::Arc;

use whatlang::{Lang, detect};

use crate::embed::Embedder;

/// Share of its letters that a text has in another script than Latin, from which it is in that, in 1000.
const FOREIGN_PERMILLE: usize = 300;
/// Letters that are enough to tell a language by.
const LETTERS: usize = 40;
/// Beginning of a text that is looked at, bytes.
const LOOKED_AT: usize = 20_000;

/// The embedding models that are loaded.
#[derive(Clone)]
pub(crate) struct Embedders {
    /// For English, and for every other language where there is no other.
    pub(crate) english: Arc<Embedder>,
    /// For all other languages.
    pub(crate) multilingual: Option<Arc<Embedder>>,
}

impl Embedders {
    /// The model for a text.
    pub(crate) fn of(&self, text: &str) -> &Arc<Embedder> {
        self.get(self.is_multilingual(text))
    }

    /// Checks whether the model for a text is the one for all languages.
    pub(crate) fn is_multilingual(&self, text: &str) -> bool {
        self.multilingual.is_some() && is_foreign(text)
    }

    /// The model for all languages, where it is loaded, or the one for English.
    pub(crate) fn get(&self, is_multilingual: bool) -> &Arc<Embedder> {
        self.multilingual.as_ref().filter(|_| is_multilingual).unwrap_or(&self.english)
    }

    /// The one that needs most time for a token.
    pub(crate) fn slowest(&self) -> &Arc<Embedder> {
        self.multilingual.as_ref().unwrap_or(&self.english)
    }
}

/// Checks whether a text is surely not in English.
fn is_foreign(text: &str) -> bool {
    if is_in_other_script(text) {
        return true;
    }
    let mut end = text.len().min(LOOKED_AT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    let enough = text.chars().filter(|c| c.is_alphabetic()).take(LETTERS).count() == LETTERS;
    enough && detect(text).is_some_and(|found| found.is_reliable() && found.lang() != Lang::Eng)
}

/// Checks whether a text is in another script than Latin.
pub(crate) fn is_in_other_script(text: &str) -> bool {
    let (mut letters, mut foreign) = (0usize, 0usize);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        foreign += usize::from(c >= '\u{370}' && !('\u{1e00}'..='\u{1eff}').contains(&c));
    }
    foreign * 1000 > letters * FOREIGN_PERMILLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_foreign_by_its_script_or_surely_by_its_language() {
        for text in [
            "Ворота подняли утром",
            "早上闸门升起",
            "رُفعت البوابات",
            "ประตูถูกยกขึ้น",
            "Die Tore wurden am Morgen gehoben, und die Stadt blieb trocken, weil das Wasser nicht mehr stieg.",
            "Les portes ont été levées le matin et la ville est restée au sec pendant toute la journée.",
        ] {
            assert!(is_foreign(text), "{text}");
        }
        for text in [
            "",
            "abc",
            "Die Tore",
            "The gates were raised in the morning, and the town stayed dry all day. Les portes.",
        ] {
            assert!(!is_foreign(text), "{text}");
        }
    }
}
