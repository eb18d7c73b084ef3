//! A text as lines, each marked with what it is.

use crate::segment::line::{Class, Line};
use crate::segment::{chat, cues, mail, repeated, scraps};
use crate::summary::ByteRange;

/// The lines of a text.
pub(crate) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = split(text)
        .map(|range| {
            let line = &text[range.start..range.end];
            let body = line.trim_start_matches(['>', ' ']);
            let quoted = line.starts_with('>');
            let depth = if quoted { line[..line.len() - body.len()].matches('>').count() } else { 0 };
            Line { range, text: line, body: if quoted { body } else { line }, depth, age: 0, class: Class::Text }
        })
        .collect();
    scraps::mark(text, &mut lines);
    if !cues::mark(&mut lines) && !chat::mark(&mut lines) {
        mail::mark(&mut lines);
    }
    repeated::mark(&mut lines);
    lines
}

/// Trimmed lines; an empty range is a blank line.
fn split(text: &str) -> impl Iterator<Item = ByteRange> {
    let is_break = |c: char| matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    // CR LF is one break: a LF after a CR would look like a blank line.
    let mut at = 0;
    text.split_inclusive(is_break).filter_map(move |line| {
        let start = at;
        at += line.len();
        if line == "\n" && text[..start].ends_with('\r') {
            return None;
        }
        let body = line.trim();
        let start = start + (line.len() - line.trim_start().len());
        Some(if body.is_empty() { ByteRange::new(start, start) } else { ByteRange::new(start, start + body.len()) })
    })
}
