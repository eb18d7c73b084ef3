//! Text from the network, as it may be shown.

use precis_verify::text::one_line;

/// Longest text from the network that an error repeats, in characters.
const MAX_REMOTE_TEXT: usize = 300;

/// Text from the network, made fit for a terminal: in one line, what is not printable escaped, length bounded.
#[must_use]
pub fn printable(text: &str) -> String {
    let cut: String = text.chars().take(MAX_REMOTE_TEXT).collect();
    let mut out = one_line(&cut);
    if cut.len() < text.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn remote_text_loses_terminal_escapes_and_excess_length() {
        let text = printable(&format!("\u{1b}[31m\nVERIFIED{}", "x".repeat(1000)));
        assert!(!text.contains(['\u{1b}', '\n']), "{text}");
        assert!(text.starts_with("\\u{1b}[31m\\nVERIFIEDx") && text.ends_with("x…"), "{text}");
        assert!(text.chars().count() < super::MAX_REMOTE_TEXT + 20);
    }
}
