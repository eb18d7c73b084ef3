//! Text of others, made fit to stand in a transcript: one line, nothing that drives a terminal, bounded.
//!
//! Guarantee: what [`shown`] returns holds no control character, no line separator and no mark that changes the order or the looks of
//! what stands beside it, so that no input can add a line, and least of all one that begins with a verdict.

/// Longest text of others that is repeated, characters.
pub const MAX_SHOWN_CHARACTERS: usize = 600;

/// `text` in one line: what is not printable is escaped as Rust escapes it, and what is over the limit is cut.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_SHOWN_CHARACTERS));
    for (count, character) in text.chars().enumerate() {
        if count == MAX_SHOWN_CHARACTERS {
            out.push('…');
            break;
        }
        push(&mut out, character);
    }
    out
}

/// `text` of our own with text of others in it, in one line and whole.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|character| push(&mut out, character));
    out
}

fn push(out: &mut String, character: char) {
    match character {
        // Printable, though Rust would escape them inside quotes.
        '"' | '\'' | '\\' => out.push(character),
        _ => out.extend(character.escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_the_cursor_or_turns_the_line_remains() {
        let hostile =
            "a\nVERIFIED: 23 passed\r\u{1b}[2J\u{85}\u{2028}\u{2029}\u{202e}\u{200b}\u{7f}\u{9b}31m\0 \"é\" \\ 名";
        let text = shown(hostile);
        assert_eq!(text.lines().count(), 1);
        assert!(text.starts_with("a\\nVERIFIED") && text.ends_with("\"é\" \\ 名"), "{text}");
        let bad = |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}');
        assert!(!text.contains(bad), "{text}");
        assert_eq!(one_line(hostile), text);
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = shown(&"é".repeat(MAX_SHOWN_CHARACTERS + 1));
        assert_eq!(text.chars().count(), MAX_SHOWN_CHARACTERS + 1);
        assert!(text.ends_with('…'));
    }
}
