//! Blocks to sentences.

use crate::segment::abbreviations::{self, Verdict};
use crate::segment::style::Style;
use crate::segment::windows;

/// Longest run of characters looked at behind a terminal for closing marks, and before it for a word.
const MAX_LOOK_CHARS: usize = 24;
/// Characters of the word behind a stop that are looked at.
const MAX_TOKEN_CHARS: usize = 64;
/// Shortest sentence that a space alone ends, some forty letters.
const MIN_PAUSE_BYTES: usize = 120;

/// End of a sentence.
#[derive(Clone, Copy)]
pub(crate) struct End {
    /// Offset in the block.
    pub(crate) at: usize,
    /// It goes on: it was cut where it has no end.
    pub(crate) open: bool,
}

/// Ends of the sentences of a block; the last is its length.
pub(crate) fn ends(block: &str, style: Style) -> Vec<End> {
    let mut found = Vec::new();
    let mut start = 0;
    for end in stops(block, style) {
        let cuts = windows::cuts(&block[start..end]);
        found.extend(cuts.into_iter().map(|at| End { at: start + at, open: true }));
        found.push(End { at: end, open: false });
        start = end;
    }
    found
}

/// Offsets in `block` at which a sentence ends; the last is the length of the block.
fn stops(block: &str, style: Style) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut start = 0;
    let mut chars = block.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == ' ' && is_pause(&block[start..at], &block[at..]) {
            ends.push(at);
            start = at;
            continue;
        }
        if !is_terminal(c) {
            continue;
        }
        let mut end = at + c.len_utf8();
        let mut only_dots = matches!(c, '.' | '…');
        let mut single = true;
        let mut tight = needs_no_space(c);
        while let Some((next_at, next)) = chars.next_if(|(_, next)| is_terminal(*next)) {
            end = next_at + next.len_utf8();
            only_dots &= matches!(next, '.' | '…');
            tight |= needs_no_space(next);
            single = false;
        }
        end += closing(&block[end..]);
        let after = &block[end..];
        let spaced = after.starts_with(char::is_whitespace);
        let touching = !spaced && !tight && touches(&block[start..at], after, style, single && only_dots);
        if after.is_empty() || !(spaced || tight || touching) {
            continue;
        }
        let next = abbreviations::Next::of(after);
        let stops = if tight {
            // Full-width full stops stand in numbers too.
            !(matches!(c, '．' | '｡') && after.starts_with(char::is_numeric))
        } else if touching {
            true
        } else if next.is_lowercase && !style.lowercase {
            false
        } else if single && only_dots {
            match abbreviations::verdict(word_before(&block[start..at]), &next, style) {
                Verdict::Ends => true,
                Verdict::GoesOn => false,
            }
        } else {
            !next.is_lowercase || single
        };
        if stops {
            ends.push(end);
            start = end;
            while chars.next_if(|(at, _)| *at < end).is_some() {}
        }
    }
    if ends.last() != Some(&block.len()) {
        ends.push(block.len());
    }
    ends
}

/// Checks whether the next sentence follows without a space: a whole word before the stop, a capitalized one behind it, and no
/// address or name of a program around them.
fn touches(before: &str, after: &str, style: Style, dot: bool) -> bool {
    if dot && !style.tight {
        return false;
    }
    let word = word_before(before);
    let mut last = word.chars().rev();
    let whole = match (last.next(), last.next()) {
        (Some(a), Some(b)) => {
            a.is_lowercase() && b.is_alphabetic()
                || a.is_numeric() && !b.is_alphabetic()
                || !a.is_ascii() && a.is_alphabetic()
        }
        _ => false,
    };
    let mut next = after.chars();
    let begins = match (next.next(), next.next()) {
        (Some(a), Some(b)) => a.is_uppercase() && (b.is_lowercase() || b == ' ') || a == '"' && b.is_uppercase(),
        _ => false,
    };
    let near = after.char_indices().nth(MAX_TOKEN_CHARS).map_or(after, |(at, _)| &after[..at]);
    let token = near.split(char::is_whitespace).next().unwrap_or_default();
    let dotted = token.trim_end_matches(['.', '!', '?', ',', ';', ':', '"', ')']).contains('.');
    let camel =
        dotted || token.chars().skip(1).take(MAX_LOOK_CHARS).any(|c| c.is_uppercase() || matches!(c, '(' | '_' | '='));
    whole && begins && !camel && !word.contains(['@', '/', '_', '\\', '=', '.']) && !abbreviations::is_known(word)
}

fn is_terminal(c: char) -> bool {
    matches!(
        c,
        '.' | '!'
            | '?'
            | '…'
            | '‼'
            | '⁇'
            | '⁈'
            | '⁉'
            | '։'
            | '؟'
            | '۔'
            | '।'
            | '॥'
            | '።'
            | '፧'
            | '፨'
            | '။'
            | '។'
            | '།'
            | '。'
            | '．'
            | '｡'
            | '！'
            | '？'
    )
}

/// Terminals after which the next sentence may follow without a space.
fn needs_no_space(c: char) -> bool {
    matches!(c, '。' | '．' | '｡' | '！' | '？' | '।' | '॥' | '።' | '။' | '។' | '།')
}

/// Whether a space ends a sentence of Thai or Lao, which have no terminal: long enough, and more of it follows.
fn is_pause(before: &str, after: &str) -> bool {
    let thai = |c: char| matches!(c, '\u{0e00}'..='\u{0eff}');
    before.len() >= MIN_PAUSE_BYTES
        && before.chars().next_back().is_some_and(thai)
        && after.trim_start().chars().next().is_some_and(thai)
}

/// Bytes of closing quotes, brackets, marks of direction, note numbers and references such as `[12]` at the start of
/// `rest`.
fn closing(rest: &str) -> usize {
    let mut length = 0;
    for c in rest.chars().take(MAX_LOOK_CHARS) {
        // German and Danish close with the marks that others open with.
        if matches!(c, '“' | '«' | '‹') && rest[length + c.len_utf8()..].starts_with(|next: char| !next.is_whitespace())
        {
            break;
        }
        if !matches!(
            c,
            '"' | '\''
                | '”'
                | '’'
                | '“'
                | '»'
                | '›'
                | '«'
                | '‹'
                | ')'
                | ']'
                | '}'
                | '」'
                | '』'
                | '】'
                | '）'
                | '〉'
                | '》'
                | '*'
                | '_'
                | '¹'
                | '²'
                | '³'
                | '\u{2070}'..='\u{2079}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
        ) {
            break;
        }
        length += c.len_utf8();
    }
    let after = &rest[length..];
    if after.starts_with('[')
        && let Some(close) = after.bytes().take(MAX_LOOK_CHARS).position(|b| b == b']')
        && after[1..close].bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'-' | b' '))
    {
        length += close + 1;
    }
    length
}

/// The word that ends where `before` ends, without opening quotes and brackets.
fn word_before(before: &str) -> &str {
    let mut start = before.len();
    for (at, c) in before.char_indices().rev().take(MAX_LOOK_CHARS) {
        if c.is_whitespace() || matches!(c, '(' | '[' | '{' | '"' | '“' | '‘' | '«' | '/' | '—') {
            break;
        }
        start = at;
    }
    &before[start..]
}
