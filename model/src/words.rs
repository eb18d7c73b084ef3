//! Words by Unicode UAX #29, and which of them have letters.

use unicode_segmentation::UnicodeSegmentation;

/// Words in a text, counted up to `limit`.
pub(crate) fn count(text: &str, limit: usize) -> usize {
    text.unicode_words().take(limit).count()
}

/// Words with at least one letter, counted up to `limit`.
pub(crate) fn lettered(text: &str, limit: usize) -> usize {
    text.unicode_words().filter(|word| word.chars().any(char::is_alphabetic)).take(limit).count()
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
    fn a_prefix_ends_with_a_word() {
        assert_eq!(prefix("One, two; three.", 2), "One, two");
        assert_eq!(prefix("One", 5), "One");
        assert_eq!(prefix("...", 1), "");
    }
}
