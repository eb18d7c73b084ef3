//! Places where every tokenizer separates, so that the counts of the parts of a text add up to the count of the whole.

/// The first place from `at` on where a text may be cut, or its end.
pub fn cut(text: &str, at: usize) -> usize {
    let mut start = at.min(text.len());
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let mut before = text[..start].chars().next_back();
    for (offset, next) in text[start..].char_indices() {
        if before.is_some_and(|before| separates(before, next)) {
            return start + offset;
        }
        before = Some(next);
    }
    text.len()
}

/// Checks whether no token of either tokenizer reaches from `before` into `next`, whatever is around them.
fn separates(before: char, next: char) -> bool {
    match next {
        ' ' => !before.is_whitespace(),
        '。' | '，' | '、' | '；' | '：' | '？' | '！' => is_letter(before),
        next => next.is_ascii_punctuation() && is_letter(before),
    }
}

/// A letter or a digit in the sense of every tokenizer.
fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || ('\u{4e00}'..='\u{9fff}').contains(&letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_only_where_tokenizers_separate() {
        for (text, at, end) in [
            ("ab cd ef", 1, 2),
            ("ab  cd", 3, 6),
            ("ab\n cd ", 3, 6),
            ("ab,cd", 1, 2),
            ("ab-\n-cd", 3, 7),
            ("字字。字", 1, 6),
        ] {
            assert_eq!(cut(text, at), end, "{text:?}");
        }
        assert_eq!(cut("", 5), 0);
    }
}
