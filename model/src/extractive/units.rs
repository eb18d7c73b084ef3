//! What is ranked and what may be quoted: the segments of a text, joined if there are very many.

use std::ops::Range;

use crate::extractive::rank::Trait;
use crate::segment::{self, Kind, Segment};
use crate::summary::ByteRange;
use crate::tokenizer::Encoded;
use crate::words;

/// Fewest words of a sentence that stands for itself.
pub(crate) const MIN_WORDS: usize = 5;
/// Longest sentence in words that is quoted if there are others.
pub(crate) const MAX_WORDS: usize = 80;

/// Token ranges of consecutive segments. White space between two belongs to the later; together they are all tokens.
pub(crate) fn spans(encoded: &Encoded, units: &[Segment]) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut spans = Vec::with_capacity(units.len());
    for (index, unit) in units.iter().enumerate() {
        let end =
            if index + 1 == units.len() { encoded.ids.len() } else { encoded.index_at(unit.range.end).max(start) };
        spans.push(start..end);
        start = end;
    }
    spans
}

/// At most `limit` units: neighbours are ranked together if there are more, and the longest readable one of them is quoted.
pub(crate) fn merged(text: &str, segments: Vec<Segment>, limit: usize) -> Vec<Segment> {
    if segments.len() <= limit {
        return segments;
    }
    let group = segments.len().div_ceil(limit);
    segments
        .chunks(group)
        .filter_map(|group| {
            let (first, last) = (group.first()?, group.last()?);
            let size = |segment: &Segment| words::size(segment.quote.of(text).unwrap_or_default());
            let best =
                group.iter().rev().max_by_key(|segment| (is_quotable(segment.kind, size(segment)), size(segment)))?;
            Some(Segment {
                range: ByteRange::new(first.range.start, last.range.end),
                quote: best.quote,
                kind: best.kind,
            })
        })
        .collect()
}

/// What is known of each unit before any is compared with another.
pub(crate) fn traits(text: &str, units: &[Segment]) -> Vec<Trait> {
    let mut passage = 0;
    let mut before: Option<&Segment> = None;
    let mut traits: Vec<Trait> = units
        .iter()
        .map(|unit| {
            passage += usize::from(before.is_some_and(|before| is_break(text, before, unit)));
            before = Some(unit);
            let quote = unit.quote.of(text).unwrap_or_default();
            let size = words::size(quote);
            Trait {
                kind: unit.kind,
                passage,
                quotable: is_quotable(unit.kind, size),
                size,
                words: words::count(quote, usize::MAX),
                digits: share(quote, char::is_numeric),
                symbols: share(quote, is_symbol),
            }
        })
        .collect();
    if !traits.iter().any(|unit| unit.quotable) {
        // Whatever can be read is better than nothing.
        for (unit, known) in units.iter().zip(&mut traits) {
            known.quotable = segment::is_readable(text, unit.quote);
        }
    }
    traits
}

fn is_quotable(kind: Kind, size: usize) -> bool {
    matches!(kind, Kind::Prose | Kind::Item) && (MIN_WORDS..=MAX_WORDS).contains(&size)
}

/// Whether a blank line or a heading stands between two neighbours.
fn is_break(text: &str, before: &Segment, unit: &Segment) -> bool {
    let heading = |segment: &Segment| segment.kind == Kind::Heading;
    let gap = text.get(before.range.end..unit.range.start).unwrap_or_default();
    heading(before) != heading(unit) || gap.matches(['\n', '\u{2029}']).count() > 1
}

/// Brackets, operators and the like: signs of formulas, references and code rather than of sentences.
fn is_symbol(c: char) -> bool {
    let sentence_mark = matches!(c, '.' | ',' | '\'' | '’' | '‘' | '-' | '–' | '—' | '"' | '“' | '”' | '„');
    (c.is_ascii_punctuation() || ('\u{2000}'..='\u{2bff}').contains(&c)) && !c.is_whitespace() && !sentence_mark
}

/// Share of the characters of a text for which `test` holds.
fn share(text: &str, test: impl Fn(char) -> bool) -> f32 {
    let (mut all, mut hits) = (0u32, 0u32);
    for c in text.chars() {
        all += 1;
        hits += u32::from(test(c));
    }
    hits as f32 / all.max(1) as f32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn too_many_sentences_are_ranked_together_without_loss() {
        let text = "A b. ".repeat(1000);
        let units = merged(&text, segment::segment(&text), 300);
        assert!(units.len() <= 300);
        assert!(units.iter().all(|unit| unit.quote.of(&text) == Some("A b.")), "one of them is quoted");
        assert_eq!(units.iter().map(|unit| unit.range.of(&text).unwrap().matches("A b.").count()).sum::<usize>(), 1000);
    }

    #[test]
    fn every_token_belongs_to_exactly_one_unit() {
        let text = "One two.  Three four.\n\nFive.";
        let units = segment::segment(text);
        let encoded = Encoded { ids: (0..8).collect(), starts: vec![0, 3, 7, 8, 10, 15, 21, 23] };
        let spans = spans(&encoded, &units);
        assert_eq!(spans, [0..3, 3..6, 6..8]);
    }

    #[test]
    fn headings_are_quoted_only_if_there_is_nothing_else() {
        let quotable = |text: &str| -> Vec<bool> {
            traits(text, &segment::segment(text)).iter().map(|unit| unit.quotable).collect()
        };
        assert_eq!(quotable("A Short Title Here\n\nThis is a sentence of some length."), [false, true]);
        assert_eq!(quotable("A Short Title Here\n\nAnother Title"), [true, true]);
    }

    #[test]
    fn blank_lines_and_headings_part_passages() {
        let text = "# Title\nFirst line here.\nSecond line here.\n\nThird one. Fourth one.";
        let passages: Vec<usize> = traits(text, &segment::segment(text)).iter().map(|unit| unit.passage).collect();
        assert_eq!(passages, [0, 1, 1, 2, 2]);
    }

    #[test]
    fn digits_and_symbols_are_shares_of_all_characters() {
        let known = &traits("a1%b", &segment::segment("a1%b"))[0];
        assert_eq!((known.digits, known.symbols), (0.25, 0.25));
    }
}
