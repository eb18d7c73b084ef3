//! A text as lines, with what each of them is when it is looked at alone or among its neighbours.

use crate::segment::{chat, cues, mail, repeated, scraps};
use crate::summary::ByteRange;

/// A line without the white space around it.
pub(crate) struct Line<'a> {
    /// Where it stands; empty for a blank line.
    pub(crate) range: ByteRange,
    /// Its text.
    pub(crate) text: &'a str,
    /// Its text without the `>` of a quotation.
    pub(crate) body: &'a str,
    /// How many `>` it begins with.
    pub(crate) depth: usize,
    /// What it is.
    pub(crate) class: Class,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Running text, a list entry or a heading.
    Text,
    /// No running text: a row, code, a link, a rule, the header of a message.
    Scrap,
    /// The head of a page, behind which a sentence can go on.
    Between,
    /// The number and the time of a subtitle, behind which a sentence goes on.
    Cue,
    /// What stands in every document of its kind: a signature, a legal footer.
    Notice,
    /// What somebody says with a name before it, behind so many bytes of a time.
    Speech(usize),
    /// A title behind so many bytes, as the subject of a message.
    Subject(usize),
}

impl Line<'_> {
    /// Whether there is nothing on it.
    pub(crate) fn is_blank(&self) -> bool {
        self.range.is_empty()
    }

    /// Whether it can still be told to be something else than running text.
    pub(crate) fn is_text(&self) -> bool {
        !self.is_blank() && self.class == Class::Text
    }
}

/// The lines of a text.
pub(crate) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = split(text)
        .map(|range| {
            let line = &text[range.start..range.end];
            let body = line.trim_start_matches(['>', ' ']);
            let quoted = line.starts_with('>');
            let depth = if quoted { line[..line.len() - body.len()].matches('>').count() } else { 0 };
            Line { range, text: line, body: if quoted { body } else { line }, depth, class: Class::Text }
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
