//! What stands between two words of a document, and whether they can be parts of one name across it.

use super::super::forms::is_short;

/// Bytes of a line from which on its end is taken for a wrapped one and not for the end of an entry or a heading.
const WRAPPED_LINE: usize = 40;
/// Words that end with a full stop inside a phrase.
const ABBREVIATIONS: &[&str] = &[
    "Assn", "Bros", "Co", "Corp", "Dept", "Dist", "Est", "Fig", "Hon", "Inc", "Jr", "Ltd", "Messrs", "Mr", "Mrs", "Ms",
    "No", "Sr", "Ste", "Univ", "al", "vs",
];

/// How a word follows the one before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// In one phrase.
    Joined,
    /// After a bracket, a colon, a dash or the like: side by side, but not parts of a longer name.
    Loose,
    /// After a comma, or in the next field.
    Comma,
    /// In another sentence, entry or paragraph.
    Broken,
}

/// The link of a word that begins at `at` to the one before it, which ends at `end`.
pub(super) fn link(text: &str, previous: &str, end: usize, at: usize) -> Link {
    let between = &text[end..at];
    let trimmed = between.trim();
    let lines = between.matches('\n').count();
    let is_stop = trimmed == "." && is_abbreviated(previous);
    // A hyphen at the end of a line is one inside a word.
    if lines < 2 && is_hyphen(trimmed) && between.starts_with(trimmed) {
        return Link::Joined;
    }
    if lines > 1
        || lines == 1 && !(matches!(trimmed, "" | "," | "|") || is_stop)
        || lines == 1 && !is_wrapped(text, end)
        || between.contains(['.', ';', '!', '?', '…', '•', '·']) && !is_stop
    {
        return Link::Broken;
    }
    if between.contains([',', '|']) {
        return if matches!(trimmed, "," | "|") { Link::Comma } else { Link::Broken };
    }
    if between.contains(['(', ')', ':', '/', '&', '+', '–', '—', '\t']) {
        return Link::Loose;
    }
    Link::Joined
}

pub(super) fn is_hyphen(between: &str) -> bool {
    matches!(between, "-" | "‐" | "‑" | "\u{ad}")
}

/// Whether a full stop after a word ends no sentence.
pub(super) fn is_abbreviated(word: &str) -> bool {
    word.chars().nth(1).is_none() || word.contains('.') || is_short(word) || ABBREVIATIONS.contains(&word)
}

fn is_wrapped(text: &str, end: usize) -> bool {
    end - text[..end].rfind('\n').map_or(0, |at| at + 1) >= WRAPPED_LINE
}
