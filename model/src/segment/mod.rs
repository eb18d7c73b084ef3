//! Text to sentences with byte offsets.
//!
//! Guarantees, for any text: segments are in order, do not overlap, start and end at character boundaries and at
//! characters that are not white space, together hold every character that is not white space, and are at most
//! [`MAX_SEGMENT_BYTES`] long. Time is linear in the text, however long one sentence is.
//!
//! Rules: a blank line, a list marker, a heading or a short line ends a block; hard-wrapped lines are joined. Code,
//! rows of tables and rules stand for themselves. Inside a block a sentence ends at terminal punctuation with its closing
//! quotes and brackets, unless what stands before or after says otherwise (abbreviations, initials, decimals, a lowercase
//! continuation). Ideographic and Indic terminals need no space; Thai and Lao, which have none, end at a space. Sources:
//! Unicode UAX #29 section 5 for the terminals; the abbreviations are English with the commonest of its neighbours.

mod abbreviations;
mod blocks;
mod kind;
mod scraps;
mod sentences;

use crate::error::{Error, Reason};
use crate::summary::ByteRange;
use crate::words;
pub use kind::Kind;

/// Longest segment in bytes; a longer sentence is split at white space, or at a character if it has none.
pub(crate) const MAX_SEGMENT_BYTES: usize = 4096;

/// A sentence, heading, list entry or fragment of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The whole of it, with a list or heading marker.
    pub range: ByteRange,
    /// What to quote: without the marker.
    pub quote: ByteRange,
    /// What it is.
    pub kind: Kind,
}

/// Split a text into segments.
pub fn segment(text: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    for block in blocks::blocks(text) {
        let mut start = block.range.start;
        let body = block.range.start + block.marker;
        for end in sentences::ends(&text[body..block.range.end]) {
            let quote_from =
                if block.quoted { after_quotation_marks(text, start, body + end) } else { body.max(start) };
            push(text, &mut segments, ByteRange::new(start, body + end), quote_from, block.kind);
            start = body + end;
        }
    }
    segments
}

/// Where a sentence begins after the `>` of a quoted line.
fn after_quotation_marks(text: &str, start: usize, end: usize) -> usize {
    let inside = &text[start..end];
    start + (inside.len() - inside.trim_start_matches(|c: char| c == '>' || c.is_whitespace()).len())
}

/// Refuse a text in which no summary can be found.
pub(crate) fn require_sentences(text: &str) -> Result<(), Error> {
    if text.trim().is_empty() {
        return Err(Error::NotSummarizable(Reason::Empty));
    }
    if !text.chars().any(char::is_alphabetic) {
        return Err(Error::NotSummarizable(Reason::NoLetters));
    }
    if !segment(text).iter().any(|segment| is_readable(text, segment.quote)) {
        return Err(Error::NotSummarizable(Reason::NoSentences));
    }
    Ok(())
}

/// Whether a range holds at least two words with letters, or enough letters of a script that has no spaces.
pub(crate) fn is_readable(text: &str, range: ByteRange) -> bool {
    range.of(text).is_some_and(|quote| words::lettered(quote, 2) >= 2)
}

/// Append one sentence, in pieces if it is too long.
fn push(text: &str, segments: &mut Vec<Segment>, range: ByteRange, quote_from: usize, kind: Kind) {
    let mut rest = trim(text, range);
    let mut quote_from = quote_from;
    while !rest.is_empty() {
        let end = if rest.len() <= MAX_SEGMENT_BYTES { rest.end } else { cut(text, rest) };
        let piece = trim(text, ByteRange::new(rest.start, end));
        let quote = trim(text, ByteRange::new(quote_from.clamp(piece.start, piece.end), piece.end));
        let kind = if words::lettered(&text[quote.start..quote.end], 1) == 0 { Kind::Scrap } else { kind };
        segments.push(Segment { range: piece, quote, kind });
        rest = trim(text, ByteRange::new(end, rest.end));
        quote_from = rest.start;
    }
}

/// Where to cut a sentence that is too long: after the last white space that leaves at least half a piece.
fn cut(text: &str, range: ByteRange) -> usize {
    let limit = floor_boundary(text, range.start + MAX_SEGMENT_BYTES);
    let half = floor_boundary(text, range.start + MAX_SEGMENT_BYTES / 2);
    text[half..limit].rfind(char::is_whitespace).map_or(limit, |at| half + at)
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The range without white space at both ends.
fn trim(text: &str, range: ByteRange) -> ByteRange {
    let inside = &text[range.start..range.end];
    let start = range.start + (inside.len() - inside.trim_start().len());
    ByteRange::new(start, (range.start + inside.trim_end().len()).max(start))
}

#[cfg(test)]
mod tests;
