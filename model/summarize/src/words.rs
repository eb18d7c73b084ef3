//! Words by Unicode UAX #29, and which of them have letters; words by a dictionary where a script has no spaces.

use std::sync::OnceLock;

use icu_segmenter::options::WordBreakInvariantOptions;
use icu_segmenter::{WordSegmenter, WordSegmenterBorrowed};
use unicode_segmentation::UnicodeSegmentation;

/// Words in a text, counted up to `limit`.
pub(crate) fn count(text: &str, limit: usize) -> usize {
    text.unicode_words().take(limit).count()
}

/// Words with at least one letter, counted up to `limit`.
pub(crate) fn lettered(text: &str, limit: usize) -> usize {
    text.unicode_words().filter(|word| word.chars().any(char::is_alphabetic)).take(limit).count()
}

/// Length in words as a reader counts them: scripts that put no spaces between words are counted by characters, of which
/// two ideographs or kana, or four letters of Thai and its neighbours, make a word on average.
pub(crate) fn size(text: &str) -> usize {
    let quarters: usize = text
        .unicode_words()
        .map(|word| match word.chars().next() {
            Some('\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}') => 1,
            Some('\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..) => 2,
            _ => 4,
        })
        .sum();
    quarters.div_ceil(4)
}

/// Checks whether a character belongs to a script that puts no spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The words of a text for comparing it with others: where a script has no spaces, those of a dictionary, which finds the
/// same everywhere.
pub(crate) fn terms(text: &str) -> Vec<&str> {
    static DICTIONARY: OnceLock<WordSegmenterBorrowed<'static>> = OnceLock::new();
    if !text.chars().any(is_unspaced) {
        return text.unicode_words().collect();
    }
    let segmenter = DICTIONARY.get_or_init(|| WordSegmenter::new_dictionary(WordBreakInvariantOptions::default()));
    let breaks: Vec<usize> = segmenter.segment_str(text).collect();
    let words = breaks.windows(2).filter_map(|pair| text.get(pair[0]..pair[1]));
    words.filter(|word| word.contains(char::is_alphanumeric)).collect()
}

/// The start of a text up to and with its `limit`th word.
pub(crate) fn prefix(text: &str, limit: usize) -> &str {
    let end = text.unicode_word_indices().take(limit).last().map_or(0, |(at, word)| at + word.len());
    &text[..end]
}

/// Tokens to a count that fits the wire.
pub(crate) fn saturate(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_in_any_script() {
        assert_eq!(count("The quick (\"brown\") fox can't jump 32.3 feet, right?", usize::MAX), 9);
        assert_eq!(count("日本語です", usize::MAX), 5);
        assert_eq!(count("a b c d", 2), 2);
        assert_eq!(lettered("12 34 x 5 y", usize::MAX), 2);
    }

    #[test]
    fn scripts_without_spaces_are_measured_in_words_of_usual_length() {
        assert_eq!(size("Four words stand here."), 4);
        assert_eq!(size("日本語です"), 3);
        assert!(size("ภาษาไทยไม่มีช่องว่าง") < 8);
        assert_eq!(size("!"), 0);
    }

    #[test]
    fn terms_of_scripts_without_spaces_come_from_a_dictionary() {
        assert_eq!(terms("A plain, short text."), ["A", "plain", "short", "text"]);
        assert_eq!(terms("市政府决定。"), ["市政府", "决定"]);
        assert!(terms("ภาษาไทยไม่มีช่องว่าง").len() >= 4);
        assert!(terms("東京の天気は晴れです。").contains(&"東京"));
    }

    #[test]
    fn a_prefix_ends_with_a_word() {
        assert_eq!(prefix("One, two; three.", 2), "One, two");
        assert_eq!(prefix("One", 5), "One");
        assert_eq!(prefix("...", 1), "");
    }
}
