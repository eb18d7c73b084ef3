//! Lines to blocks: paragraphs, list entries, headings, messages.

use crate::segment::kind::Kind;
use crate::segment::line::{Class, Line};
use crate::summary::ByteRange;
use crate::words;

/// Longest heading in characters.
const MAX_HEADING_CHARS: usize = 100;
/// Longest heading in words.
const MAX_HEADING_WORDS: usize = 12;
/// Most lines of a title.
const TITLE_LINES: usize = 3;
/// Longest line of it that names a time of day, in words.
const TIME_WORDS: usize = 6;
/// A paragraph narrower than this in characters is not hard-wrapped text.
const MIN_WRAP_CHARS: usize = 40;
/// A paragraph wider than this is not hard-wrapped either: each of its lines is a paragraph of its own.
const MAX_WRAP_CHARS: usize = 200;

/// What begins an entry of a list, before a space.
const BULLETS: &[char] =
    &['-', '*', '+', '•', '‣', '◦', '▪', '–', '—', '·', '●', '○', '■', '□', '►', '▸', '✓', '✔', '➢', '※', '・'];

/// The shape of entries with numbers and full stops, as clauses and parts have.
pub(crate) const NUMBERED: u8 = 4;

/// A run of lines that belong together.
pub(crate) struct Block {
    /// The lines, without the white space around them: one piece, or several with something else between.
    pub(crate) pieces: Vec<ByteRange>,
    /// Length in bytes of a list or heading marker at the start, which is not quoted.
    pub(crate) marker: usize,
    /// Depth of quotation: the `>` of its lines.
    pub(crate) depth: usize,
    /// Count of later messages of its thread that stand below it.
    pub(crate) age: usize,
    /// What its sentences are.
    pub(crate) kind: Kind,
    /// Kind of its marker, to tell entries of one list from those of another; 0 for none.
    pub(crate) shape: u8,
    /// A message of a chat, or what one of several speakers says.
    pub(crate) speech: bool,
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
    /// The start of a message.
    Speech(usize),
    /// A table row, a rule or code, which never joins its neighbours.
    Apart(Kind),
}

/// A line of a paragraph.
struct Part<'a> {
    line: &'a Line<'a>,
    chars: usize,
    marker: Marker,
    /// Something else stands before it, behind which the paragraph goes on.
    resumes: bool,
    /// Blank lines stand around it.
    alone: bool,
}

/// Put lines together to blocks, which are not in the order of the text where something stands inside of one.
pub(crate) fn blocks(lines: &[Line<'_>]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut paragraph: Vec<Part<'_>> = Vec::new();
    let (mut gap, mut between) = (false, None);
    for line in lines {
        if line.is_blank() {
            gap = true;
            continue;
        }
        if matches!(line.class, Class::Between | Class::Cue) {
            blocks.push(apart(line, Kind::Scrap));
            between = Some(line.class);
            continue;
        }
        let resumes = between.is_some_and(|class| paragraph.last().is_some_and(|last| resumes(class, last, line)));
        if (gap || between.is_some()) && !resumes {
            flush(&mut paragraph, &mut blocks);
        }
        (gap, between) = (false, None);
        let marker = match line.class {
            Class::Text => marker(line.text),
            Class::Speech(bytes) => Marker::Speech(bytes),
            Class::Subject(bytes) => Marker::Heading(bytes),
            Class::Notice => Marker::Apart(Kind::Notice),
            Class::Scrap | Class::Between | Class::Cue => Marker::Apart(Kind::Scrap),
        };
        paragraph.push(Part { line, chars: line.text.chars().count(), marker, resumes, alone: false });
    }
    flush(&mut paragraph, &mut blocks);
    blocks
}

fn apart(line: &Line<'_>, kind: Kind) -> Block {
    Block { pieces: vec![line.range], marker: 0, depth: line.depth, age: line.age, kind, shape: 0, speech: false }
}

/// Checks whether a sentence goes on behind the head of a page or of a subtitle.
fn resumes(class: Class, last: &Part<'_>, next: &Line<'_>) -> bool {
    let ended = last.line.text.ends_with(['.', '!', '?', ':', '…', '。', '！', '？', '"', '”', '»']);
    let running = matches!(last.marker, Marker::None | Marker::Item(_) | Marker::Number(_)) && next.is_text();
    let mut start = next.text.chars();
    let goes_on = start.next().is_some_and(char::is_lowercase) && start.next().is_some_and(|c| c != ')' && c != '.');
    running && !ended && (goes_on || class == Class::Cue && marker(next.text) == Marker::None)
}

/// Close a paragraph: split it where lines do not continue each other.
fn flush(paragraph: &mut Vec<Part<'_>>, blocks: &mut Vec<Block>) {
    let width = paragraph.iter().map(|part| part.chars).max().unwrap_or(0);
    if let [part] = paragraph.as_mut_slice() {
        part.alone = true;
    }
    let mut parts = paragraph.drain(..).peekable();
    while let Some(first) = parts.next() {
        let mut pieces = vec![first.line.range];
        let (mut last, mut last_chars) = (first.line, first.chars);
        let mut taken = vec![first.line.text];
        while let Some(next) = parts.next_if(|next| {
            !matches!(first.marker, Marker::Heading(_) | Marker::Apart(_))
                && (next.resumes
                    || joins(first.marker, next.marker) && continues(last, last_chars, next, width, first.marker))
        }) {
            match pieces.last_mut() {
                Some(piece) if !next.resumes => piece.end = next.line.range.end,
                _ => pieces.push(next.line.range),
            }
            (last, last_chars) = (next.line, next.chars);
            taken.push(next.line.text);
        }
        let single = std::ptr::eq(last, first.line);
        let mut block = block(&first, pieces, single);
        // Title, occasion and date stand above everything else.
        let opens = blocks.iter().all(|block| !block.kind.is_running());
        if opens && block.kind == Kind::Prose && first.marker == Marker::None && is_title(&taken) {
            block.kind = Kind::Heading;
        }
        blocks.push(block);
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

fn block(first: &Part<'_>, pieces: Vec<ByteRange>, single: bool) -> Block {
    let bytes = match first.marker {
        Marker::None | Marker::Apart(_) => 0,
        Marker::Item(bytes)
        | Marker::Number(bytes)
        | Marker::Heading(bytes)
        | Marker::Quoted(bytes)
        | Marker::Speech(bytes) => bytes,
    };
    let body = &first.line.text[bytes..];
    let kind = match first.marker {
        Marker::Heading(_) => Kind::Heading,
        Marker::Apart(kind) => kind,
        Marker::Item(_) => Kind::Item,
        Marker::Number(_) if single && looks_like_heading(body) && (first.alone || words::size(body) <= 6) => {
            Kind::Heading
        }
        Marker::Number(_) => Kind::Item,
        Marker::None if single && looks_like_heading(body) => Kind::Heading,
        Marker::None | Marker::Quoted(_) | Marker::Speech(_) => Kind::Prose,
    };
    let label = first.line.text[..bytes].trim_start_matches('(').chars().next();
    let shape = match first.marker {
        Marker::Item(_) if label.is_some_and(|c| c.is_ascii_digit()) => 2,
        Marker::Item(_) if label.is_some_and(char::is_alphabetic) => 3,
        Marker::Item(_) => 1,
        Marker::Number(_) => NUMBERED,
        _ => 0,
    };
    let speech = matches!(first.marker, Marker::Speech(_));
    Block { pieces, marker: bytes, depth: first.line.depth, age: first.line.age, kind, shape, speech }
}

/// Whether a line goes on where the line before ends.
fn continues(last: &Line<'_>, last_chars: usize, next: &Part<'_>, width: usize, first: Marker) -> bool {
    if matches!(first, Marker::Speech(_)) {
        return true;
    }
    let before = last.text.chars().next_back();
    let skipped = if let Marker::Quoted(bytes) = next.marker { bytes } else { 0 };
    if matches!(next.marker, Marker::Quoted(_)) && next.line.depth != last.depth {
        return false;
    }
    let after = next.line.text[skipped..].trim_start().chars().next();
    if after.is_some_and(char::is_lowercase) || before.is_some_and(|c| matches!(c, ',' | ';' | '-' | '\u{ad}')) {
        return true;
    }
    (MIN_WRAP_CHARS..=MAX_WRAP_CHARS).contains(&width) && last_chars * 5 >= width * 3
}

/// A few short lines without an end, or with a time of day as their end.
fn is_title(lines: &[&str]) -> bool {
    let clock = |three: &[u8]| three[0].is_ascii_digit() && three[1] == b':' && three[2].is_ascii_digit();
    let is_time = |line: &str| words::size(line) <= TIME_WORDS && line.as_bytes().windows(3).any(clock);
    lines.len() <= TITLE_LINES && lines.iter().all(|line| looks_like_heading(line) || is_time(line))
}

/// Short, without punctuation at its end, with letters.
fn looks_like_heading(line: &str) -> bool {
    let last = line.chars().next_back();
    line.chars().take(MAX_HEADING_CHARS + 1).count() <= MAX_HEADING_CHARS
        && words::size(line) <= MAX_HEADING_WORDS
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
        return Marker::Apart(Kind::Scrap);
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
