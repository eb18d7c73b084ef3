//! Lines to blocks: paragraphs, list entries, headings.

use crate::segment::kind::Kind;
use crate::segment::scraps;
use crate::summary::ByteRange;
use crate::words;

/// Longest heading in characters.
const MAX_HEADING_CHARS: usize = 100;
/// Longest heading in words.
const MAX_HEADING_WORDS: usize = 12;
/// A paragraph narrower than this in characters is not hard-wrapped text.
const MIN_WRAP_CHARS: usize = 40;
/// A paragraph wider than this is not hard-wrapped either: each of its lines is a paragraph of its own.
const MAX_WRAP_CHARS: usize = 200;

/// What begins an entry of a list, before a space.
const BULLETS: &[char] =
    &['-', '*', '+', '•', '‣', '◦', '▪', '–', '—', '·', '●', '○', '■', '□', '►', '▸', '✓', '✔', '➢', '※', '・'];

/// A run of lines that belong together.
pub(crate) struct Block {
    /// The lines, without the white space around them.
    pub(crate) range: ByteRange,
    /// Length in bytes of a list or heading marker at the start.
    pub(crate) marker: usize,
    /// Whether its lines begin with the `>` of a quotation.
    pub(crate) quoted: bool,
    /// What its sentences are.
    pub(crate) kind: Kind,
}

struct Line {
    range: ByteRange,
    chars: usize,
    marker: Marker,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Marker {
    None,
    /// A bullet, or a label with a closing bracket.
    Item(usize),
    /// A number with full stops, which begins a list entry or a section.
    Number(usize),
    Heading(usize),
    /// One or more `>`.
    Quoted(usize),
    /// A table row, a rule or code, which never joins its neighbours.
    Apart,
}

/// Split a text into blocks.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut paragraph: Vec<Line> = Vec::new();
    let lines: Vec<ByteRange> = lines(text).collect();
    let fenced = scraps::fenced(text, &lines);
    for (range, fenced) in lines.into_iter().zip(fenced) {
        if range.is_empty() {
            flush(text, &mut paragraph, &mut blocks);
        } else {
            let line = &text[range.start..range.end];
            let apart = fenced || scraps::is_row(line) || scraps::is_code(line, scraps::indent(text, range.start));
            let marker = if apart { Marker::Apart } else { marker(line) };
            paragraph.push(Line { range, chars: line.chars().count(), marker });
        }
    }
    flush(text, &mut paragraph, &mut blocks);
    blocks
}

/// Trimmed lines; an empty range is a blank line.
fn lines(text: &str) -> impl Iterator<Item = ByteRange> {
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

/// Close a paragraph: split it where lines do not continue each other.
fn flush(text: &str, paragraph: &mut Vec<Line>, blocks: &mut Vec<Block>) {
    let width = paragraph.iter().map(|line| line.chars).max().unwrap_or(0);
    let mut lines = paragraph.drain(..).peekable();
    while let Some(first) = lines.next() {
        let mut range = first.range;
        let mut last = first.range;
        let mut last_chars = first.chars;
        let mut single = true;
        while let Some(next) = lines.next_if(|next| {
            !matches!(first.marker, Marker::Heading(_) | Marker::Apart)
                && joins(first.marker, next.marker)
                && continues(text, last, last_chars, next, width)
        }) {
            range.end = next.range.end;
            last = next.range;
            last_chars = next.chars;
            single = false;
        }
        blocks.push(block(text, range, first.marker, single));
    }
}

/// Whether a line with the second marker can go on a block that began with the first.
fn joins(first: Marker, next: Marker) -> bool {
    match next {
        Marker::None => !matches!(first, Marker::Quoted(_)),
        Marker::Quoted(_) => matches!(first, Marker::Quoted(_)),
        _ => false,
    }
}

fn block(text: &str, range: ByteRange, marker: Marker, single: bool) -> Block {
    let marker_bytes = match marker {
        Marker::None | Marker::Apart => 0,
        Marker::Item(bytes) | Marker::Number(bytes) | Marker::Heading(bytes) | Marker::Quoted(bytes) => bytes,
    };
    let body = &text[range.start + marker_bytes..range.end];
    let kind = match marker {
        Marker::Heading(_) => Kind::Heading,
        Marker::Apart => Kind::Scrap,
        Marker::Item(_) => Kind::Item,
        Marker::Number(_) if single && looks_like_heading(body) && words::count(body, 7) <= 6 => Kind::Heading,
        Marker::Number(_) => Kind::Item,
        Marker::None if single && looks_like_heading(body) => Kind::Heading,
        Marker::None | Marker::Quoted(_) => Kind::Prose,
    };
    Block { range, marker: marker_bytes, quoted: matches!(marker, Marker::Quoted(_)), kind }
}

/// Whether a line goes on where the line before ends.
fn continues(text: &str, last: ByteRange, last_chars: usize, next: &Line, width: usize) -> bool {
    let before = text[last.start..last.end].chars().next_back();
    let skipped = if let Marker::Quoted(bytes) = next.marker { bytes } else { 0 };
    let after = text[next.range.start + skipped..next.range.end].trim_start().chars().next();
    if after.is_some_and(char::is_lowercase) || before.is_some_and(|c| matches!(c, ',' | ';' | '-' | '\u{ad}')) {
        return true;
    }
    (MIN_WRAP_CHARS..=MAX_WRAP_CHARS).contains(&width) && last_chars * 5 >= width * 3
}

/// Short, without punctuation at its end, with letters.
fn looks_like_heading(line: &str) -> bool {
    let last = line.chars().next_back();
    line.chars().take(MAX_HEADING_CHARS + 1).count() <= MAX_HEADING_CHARS
        && words::count(line, MAX_HEADING_WORDS + 1) <= MAX_HEADING_WORDS
        && line.chars().any(char::is_alphabetic)
        && last.is_some_and(|c| c.is_alphanumeric() || matches!(c, ')' | ']' | '#'))
}

/// The marker at the start of a trimmed line.
fn marker(line: &str) -> Marker {
    let hashes = line.bytes().take_while(|b| *b == b'#').count();
    if (1..=6).contains(&hashes) && line[hashes..].starts_with([' ', '\t']) {
        return Marker::Heading(hashes + 1);
    }
    if line.starts_with('|') || !line.chars().any(char::is_alphanumeric) {
        return Marker::Apart;
    }
    let quoted = line.len() - line.trim_start_matches(['>', ' ']).len();
    if line.starts_with('>') {
        return Marker::Quoted(quoted);
    }
    let mut chars = line.chars();
    if let Some(bullet) = chars.next().filter(|c| BULLETS.contains(c))
        && chars.next().is_some_and(char::is_whitespace)
    {
        return Marker::Item(bullet.len_utf8());
    }
    numbered(line)
}

/// `1.`, `1)`, `(1)`, `2.3`, `a)`, `(a)`, `iv)` or `IV.` followed by white space.
fn numbered(line: &str) -> Marker {
    let roman = line.bytes().take_while(|b| matches!(b, b'I' | b'V' | b'X')).count();
    if (2..=5).contains(&roman) && line[roman..].starts_with(". ") {
        return Marker::Number(roman + 1);
    }
    let open = usize::from(line.starts_with('('));
    let rest = &line[open..];
    let label = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'.').count();
    let (label_text, after) = rest.split_at(label);
    let closed = usize::from(after.starts_with(')'));
    let digits = label_text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && label_text.starts_with(|c: char| c.is_ascii_digit());
    let letters = label_text.len() <= 4
        && (label_text.len() == 1 || label_text.bytes().all(|b| matches!(b, b'i' | b'v' | b'x')))
        && label_text.bytes().all(|b| b.is_ascii_lowercase());
    let dotted = label_text.contains('.');
    let fits = label_text.len() <= 8
        && ((digits && (dotted || closed == 1)) || (letters && closed == 1))
        && (open == 0 || closed == 1);
    let end = open + label + closed;
    match fits && line[end..].starts_with(char::is_whitespace) {
        true if closed == 1 => Marker::Item(end),
        true => Marker::Number(end),
        false => Marker::None,
    }
}
