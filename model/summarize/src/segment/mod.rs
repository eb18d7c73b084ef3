//! Text to sentences with byte offsets.
//!
//! Guarantees, for any text: segments are in order, do not overlap, start and end at character boundaries and at
//! characters that are not white space, together hold every character that is not white space, and are at most
//! [`MAX_SEGMENT_BYTES`] long. Time is linear in the text, however long one sentence is.
//!
//! Rules: lines are first told apart by what they are (code, rows, links, times of subtitles, headers and signatures of
//! mail, heads of pages). A blank line, a list marker, a heading, a speaker or a short line ends a block; hard-wrapped
//! lines are joined, also over the head of a page or of a subtitle. Inside a block a sentence ends at terminal punctuation with its closing
//! quotes and brackets, unless what stands before or after says otherwise (abbreviations, initials, decimals, a lowercase
//! continuation). Ideographic and Indic terminals need no space; Thai and Lao, which have none, end at a space. Sources:
//! Unicode UAX #29 section 5 for the terminals; the abbreviations are English with the commonest of its neighbours.

mod abbreviations;
mod blocks;
mod chat;
mod cues;
mod kind;
mod leads;
mod line;
mod lines;
mod mail;
mod notices;
mod repeated;
mod scraps;
mod sentences;
mod style;
mod windows;

use crate::error::{Error, Reason};
use crate::summary::ByteRange;
use crate::words;
use blocks::Block;
pub use kind::{Kind, Segment};
use leads::Place;
pub(crate) use scraps::is_bare;
use sentences::End;
use style::Style;
pub(crate) use windows::MAX_RUN_WORDS;

/// Longest segment in bytes; a longer sentence is split at white space, or at a character if it has none.
pub(crate) const MAX_SEGMENT_BYTES: usize = 4096;

/// Split a text into segments.
pub fn segment(text: &str) -> Vec<Segment> {
    let style = Style::of(text);
    let lines = lines::lines(text);
    let mut found: Vec<(Segment, Place)> = Vec::new();
    for (index, block) in blocks::blocks(&lines).into_iter().enumerate() {
        let place = Place { block: index, shape: block.shape, speech: block.speech };
        split(text, &block, style, |segment| found.push((segment, place)));
    }
    found.sort_unstable_by_key(|(segment, _)| segment.range);
    let (mut segments, mut places): (Vec<Segment>, Vec<Place>) = found.into_iter().unzip();
    renumber(&mut places);
    leads::mark_titled(text, &mut segments, &places);
    leads::find(text, &mut segments, &places);
    segments
}

/// Number blocks as they begin in the text.
fn renumber(places: &mut [Place]) {
    let mut numbers = vec![usize::MAX; places.iter().map(|place| place.block + 1).max().unwrap_or(0)];
    let mut next = 0;
    for place in places {
        let number = &mut numbers[place.block];
        if *number == usize::MAX {
            *number = next;
            next += 1;
        }
        place.block = *number;
    }
}

/// The segments of one block.
fn split(text: &str, block: &Block, style: Style, mut found: impl FnMut(Segment)) {
    let Some(first) = block.pieces.first() else { return };
    // The pieces side by side, with one space between, which no offset of a piece falls on.
    let joined: Option<String> = (block.pieces.len() > 1).then(|| {
        let pieces: Vec<&str> = block.pieces.iter().map(|piece| &text[piece.start..piece.end]).collect();
        pieces.join(" ")
    });
    let whole = joined.as_deref().unwrap_or(&text[first.start..first.end]);
    let ends = if matches!(block.kind, Kind::Scrap | Kind::Notice) {
        vec![End { at: whole.len() - block.marker, open: false }]
    } else {
        sentences::ends(&whole[block.marker..], style.within(whole))
    };
    let (mut piece, mut base, mut start, mut open) = (0, 0, 0, false);
    for end in ends {
        let at = block.marker + end.at;
        let mut resumes = false;
        loop {
            let range = block.pieces[piece];
            let (from, to) = (start.max(base), at.min(base + range.len()));
            if to > from {
                let inside = ByteRange::new(range.start + from - base, range.start + to - base);
                let goes_on = !whole[to..at].trim().is_empty();
                let place = Found { range: inside, resumes, cut: (open && !resumes, end.open && !goes_on) };
                push(text, block, style, place, &mut found);
                resumes = true;
            }
            if to < base + range.len() || piece + 1 == block.pieces.len() {
                break;
            }
            base += range.len() + 1;
            piece += 1;
            if base >= at {
                break;
            }
        }
        start = at;
        open = end.open;
    }
}

/// Place of a sentence, or of a part of one.
struct Found {
    range: ByteRange,
    resumes: bool,
    cut: (bool, bool),
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
    if !text.lines().any(|line| words::lettered(line, 2) >= 2) {
        return Err(Error::NotSummarizable(Reason::NoSentences));
    }
    Ok(())
}

/// Whether a range holds at least two words with letters, or enough letters of a script that has no spaces.
pub(crate) fn is_readable(text: &str, range: ByteRange) -> bool {
    range.of(text).is_some_and(|quote| words::lettered(quote, 2) >= 2)
}

/// Hand over one sentence, in pieces if it is too long.
fn push(text: &str, block: &Block, style: Style, place: Found, found: &mut impl FnMut(Segment)) {
    let mut rest = trim(text, place.range);
    let body = block.pieces.first().map_or(0, |piece| piece.start + block.marker);
    let mut quote_from =
        if block.depth > 0 { after_quotation_marks(text, rest.start, rest.end) } else { body.max(rest.start) };
    let mut cut_before = place.cut.0;
    while !rest.is_empty() {
        let end = if rest.len() <= MAX_SEGMENT_BYTES { rest.end } else { cut(text, rest) };
        let piece = trim(text, ByteRange::new(rest.start, end));
        let quote = trim(text, ByteRange::new(quote_from.clamp(piece.start, piece.end), piece.end));
        let quote = if quote.is_empty() { piece } else { quote };
        let sentence = &text[quote.start..quote.end];
        let kind = if words::lettered(sentence, 1) == 0 {
            Kind::Scrap
        } else if block.kind.is_running()
            && (notices::is_notice(sentence) || !style.capitals && notices::is_shouted(sentence))
        {
            Kind::Notice
        } else {
            block.kind
        };
        rest = trim(text, ByteRange::new(end, rest.end));
        let cut = (cut_before, place.cut.1 || !rest.is_empty());
        found(Segment {
            range: piece,
            quote,
            kind,
            cut,
            resumes: place.resumes && !cut_before,
            lead: None,
            depth: block.depth,
            age: block.age,
        });
        cut_before = true;
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
