//! Length of an extract: as long as the caller says, or by the length of the document. Pure.

use crate::options::Options;

/// Words of an extract of a short document, and of the longest.
pub(crate) const LEAST_WORDS: usize = 100;
pub(crate) const MOST_WORDS: usize = 1000;
/// An extract has so many times the root of the document's words, in 1000.
pub(crate) const ROOT_PERMILLE: usize = 4000;
/// Of a document shorter than that it is this share, in 1000.
pub(crate) const SHARE_PERMILLE: usize = 700;

/// Bounds of an extract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Length {
    /// Most sentences.
    pub(crate) sentences: usize,
    /// Most words.
    pub(crate) words: usize,
    /// Words that are enough.
    pub(crate) enough: usize,
}

impl Length {
    /// Wishes of the caller for a document of so many words that may be quoted; `most` sentences at most.
    pub(crate) fn wanted(options: &Options, words: usize, most: u32) -> Self {
        let sentences = options.max_sentences.map_or(most, |count| count.clamp(1, most)) as usize;
        if !options.is_bounded() {
            let enough = usual(words);
            return Self { sentences, words: enough + enough / 4, enough };
        }
        let words = options.max_words.map_or(usize::MAX, |words| words as usize);
        Self { sentences, words, enough: words }
    }
}

/// Words of an extract if nobody says how many: they grow with the root of the document's.
pub(crate) fn usual(words: usize) -> usize {
    let root = (words * 1_000_000).isqrt();
    let grown = (root * ROOT_PERMILLE / 1_000_000).clamp(LEAST_WORDS, MOST_WORDS);
    grown.min((words * SHARE_PERMILLE / 1000).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extract_grows_with_its_document() {
        assert_eq!(usual(100), 70);
        assert_eq!(usual(400), 100);
        assert_eq!(usual(2_500), 200);
        assert_eq!(usual(1_000_000), MOST_WORDS);
        assert_eq!(usual(0), 1);
    }

    #[test]
    fn the_caller_s_bounds_go_first() {
        let options = |max_sentences, max_words| Options { max_sentences, max_words, ..Options::default() };
        let length = |sentences, words, enough| Length { sentences, words, enough };
        assert_eq!(Length::wanted(&options(Some(0), None), 900, 50), length(1, usize::MAX, usize::MAX));
        assert_eq!(Length::wanted(&options(None, Some(30)), 900, 50), length(50, 30, 30));
        assert_eq!(Length::wanted(&options(Some(99), Some(30)), 900, 50), length(50, 30, 30));
    }
}
