//! Entries for fuzzing: functions of bytes alone that must neither panic, unless a guarantee is broken, nor take memory out
//! of proportion. A document is anybody's; weights are parsed only if their digest is the
//! one that their manifest pins.

use crate::embed;
use crate::extractive;
use crate::segment::{Segment, segment};

/// Read bytes as a document: split it into segments, and those into what may be quoted.
///
/// # Panics
/// If the segments are out of order, overlap, lose a character that is not white space, or lead to one behind them.
pub fn segments(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let segments = segment(&text);
    let mut at = 0;
    for (index, segment) in segments.iter().enumerate() {
        let Segment { range, quote, lead, .. } = *segment;
        assert!(at <= range.start && range.start < range.end, "segments are out of order");
        assert!(text[at..range.start].chars().all(char::is_whitespace), "a character is lost");
        assert!(
            range.start <= quote.start
                && quote.end <= range.end
                && quote.of(&text).is_some_and(|quote| !quote.is_empty())
        );
        assert!(lead.is_none_or(|lead| lead < index), "a segment leads to one behind it");
        at = range.end;
    }
    assert!(text[at..].chars().all(char::is_whitespace), "characters at the end are lost");
    extractive::outline(&text, &segments);
}

/// Read bytes as the file of the multilingual embedding model; of a sound vocabulary, cut a text into its pieces.
///
/// # Panics
/// If the pieces are out of order.
pub fn packed(bytes: &[u8]) {
    if let Some(starts) = embed::pieces("fuzz", bytes, "Ein Wort, 早上闸门升起 ﬁ e\u{301}\u{1}.") {
        assert!(starts.is_sorted(), "pieces are out of order");
    }
    let _ = embed::packed("fuzz", bytes);
}

/// Read bytes as the safetensors file of the embedding model.
pub fn safetensors(bytes: &[u8]) {
    let _ = embed::weights("fuzz", bytes);
}
