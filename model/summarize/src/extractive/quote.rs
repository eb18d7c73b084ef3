//! From chosen units to quotations, and to the text that a reader sees. Pure.

use crate::extractive::rank::Trait;
use crate::extractive::units::{self, Unit};
use crate::summary::{ByteRange, Sentence};
use crate::words;

/// Stands where the words of a sentence were left out.
const ELLIPSIS: &str = "…";

/// A quotation.
pub(crate) struct Quote<'a> {
    source: ByteRange,
    text: &'a str,
    /// Words of the same sentence stand before it, or behind it, and are not quoted.
    cut: (bool, bool),
}

impl Quote<'_> {
    /// Place in the document.
    pub(crate) fn source(&self) -> ByteRange {
        self.source
    }

    /// Words of the same sentence that stand before it, or behind it, and are not quoted.
    pub(crate) fn cut(&self) -> (bool, bool) {
        self.cut
    }

    /// Checks whether a word of it is broken at the end of a line.
    pub(crate) fn is_broken(&self) -> bool {
        self.text.contains("-\n") || self.text.contains("-\r\n")
    }

    /// Bytes that go into the summary.
    pub(crate) fn into_sentence(self) -> Sentence {
        Sentence { text: self.text.to_owned(), cut: self.cut, source: Some(self.source), grounding: None }
    }
}

/// Quotations of the units of some rows, ascending. Those that touch each other and belong together are one.
pub(crate) fn quotes<'a>(
    text: &'a str,
    units: &[Unit],
    traits: &[Trait],
    rows: &[usize],
    max_words: usize,
) -> Vec<Quote<'a>> {
    let mut found: Vec<(usize, ByteRange, (bool, bool))> = Vec::new();
    for row in rows {
        let unit = &units[*row];
        // Only what is longer than all that a reader calls a sentence, or than all that was asked for, is cut.
        let longest = if traits[*row].size > units::MAX_WORDS { units::MAX_WORDS } else { usize::MAX };
        let mut left = max_words.min(longest);
        for (index, piece) in unit.pieces.iter().enumerate() {
            let (source, whole) = beginning(text, *piece, left);
            if source.is_empty() {
                break;
            }
            let cut = (index == 0 && unit.cut.0, !whole || index + 1 == unit.pieces.len() && unit.cut.1);
            left -= words::count(source.of(text).unwrap_or_default(), left);
            match found.last_mut() {
                Some((last, before, after)) if belongs(text, units, (*last, *before), (*row, source)) => {
                    *last = *row;
                    before.end = source.end;
                    after.1 = cut.1;
                }
                Some((_, before, after)) if after.1 && cut.0 && gap(text, *before, source).trim().is_empty() => {
                    // Neighbours of one run: nothing was left out between them.
                    after.1 = false;
                    found.push((*row, source, (false, cut.1)));
                }
                _ => found.push((*row, source, cut)),
            }
        }
    }
    found.sort_unstable_by_key(|(_, source, _)| *source);
    let quote =
        |(_, source, cut): (usize, ByteRange, (bool, bool))| Some(Quote { source, text: source.of(text)?, cut });
    found.into_iter().filter_map(quote).collect()
}

/// Checks whether a unit directly behind its lead is quoted with it as one.
fn belongs(text: &str, units: &[Unit], before: (usize, ByteRange), next: (usize, ByteRange)) -> bool {
    let led = units[next.0].lead == Some(before.0);
    led && gap(text, before.1, next.1).chars().all(|c| !c.is_alphanumeric())
}

fn gap(text: &str, before: ByteRange, next: ByteRange) -> &str {
    text.get(before.end..next.start).unwrap_or("?")
}

/// The start of a quote up to and with so many words, and whether that is all of it.
fn beginning(text: &str, quote: ByteRange, words: usize) -> (ByteRange, bool) {
    let all = quote.of(text).unwrap_or_default();
    if words::count(all, words.saturating_add(1)) <= words {
        return (quote, true);
    }
    (ByteRange::new(quote.start, quote.start + words::prefix(all, words).len()), false)
}

/// The text of a summary: the quotations with one space for all white space in them, without the `>` of quoted lines,
/// with an ellipsis where words of a sentence were left out.
pub(crate) fn joined(quotes: &[Quote<'_>]) -> String {
    let mut joined = String::new();
    for quote in quotes {
        if !joined.is_empty() {
            joined.push(' ');
        }
        // One is enough between two of which both are cut.
        if quote.cut.0 && !joined.ends_with("… ") {
            joined.push_str(ELLIPSIS);
        }
        let mut first = true;
        for line in quote.text.lines() {
            let line = if first { line } else { line.trim_start().trim_start_matches('>') };
            for word in line.split_whitespace() {
                if !first {
                    joined.push(' ');
                }
                first = false;
                joined.push_str(word);
            }
        }
        if quote.cut.1 {
            joined.push_str(ELLIPSIS);
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(text: &str, cut: (bool, bool)) -> Quote<'_> {
        Quote { source: ByteRange::new(0, text.len()), text, cut }
    }

    #[test]
    fn a_reader_sees_plain_lines_and_where_words_are_missing() {
        let quotes = [
            quote("One goes\n> on   here.", (false, false)),
            quote("and so on", (true, true)),
            quote("until", (true, true)),
            quote("End.", (false, false)),
        ];
        assert_eq!(joined(&quotes), "One goes on here. …and so on… until… End.");
    }

    #[test]
    fn the_beginning_of_a_quote_ends_with_a_word() {
        let text = "Four words stand here.";
        assert_eq!(beginning(text, ByteRange::new(0, text.len()), 4), (ByteRange::new(0, text.len()), true));
        assert_eq!(beginning(text, ByteRange::new(0, text.len()), 2), (ByteRange::new(0, 10), false));
    }
}
