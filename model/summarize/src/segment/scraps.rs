//! Lines that are no running text: code, rows of tables, links, tags, tables of contents.

use crate::segment::line::{Class, Line};
use crate::summary::ByteRange;
use crate::words;

/// Columns of white space from which a line can be code.
const CODE_INDENT: usize = 4;
/// Columns that a tabulator stands for.
const TAB_COLUMNS: usize = 4;
/// White space of this width inside a line parts two cells.
const GAP_CHARS: usize = 3;
/// Gaps, or separators, of a line that make it a row: two cells side by side may still be prose.
const ROW_GAPS: usize = 2;
/// Commas without a space that make a line a row of comma-separated values.
const ROW_COMMAS: usize = 3;
/// Longest block of fields at the start of a Markdown file, in lines.
const MAX_FRONT_LINES: usize = 40;
/// Dots that lead to a page number.
const LEADER_DOTS: usize = 4;
/// Most words beside a link, an address or a telephone number that say nothing without it.
const LABEL_WORDS: usize = 2;
/// Most words between tags that are a title at most.
const TITLE_WORDS: usize = 6;

/// Mark such lines.
pub(crate) fn mark(text: &str, lines: &mut [Line<'_>]) {
    let ranges: Vec<ByteRange> = lines.iter().map(|line| line.range).collect();
    let fenced = fenced(text, &ranges);
    let front = front_matter(lines);
    let hidden = comments(lines);
    for (index, (line, fenced)) in
        lines.iter_mut().zip(fenced.into_iter().zip(hidden).map(|(fenced, hidden)| fenced || hidden)).enumerate()
    {
        if line.is_blank() {
            continue;
        }
        let body = line.body.trim_start_matches(['-', '*', '+', '•', ' ']);
        let code = || is_code(line.text, indent(text, line.range.start));
        if fenced || index < front || is_row(line.text) || code() || is_leader(body) || is_tags(body) || is_bare(body) {
            line.class = Class::Scrap;
        }
    }
}

/// Lines of the fields at the start, their rules included.
fn front_matter(lines: &[Line<'_>]) -> usize {
    if lines.first().is_none_or(|line| line.text != "---") {
        return 0;
    }
    let end = lines.iter().take(MAX_FRONT_LINES).skip(1).position(|line| matches!(line.text, "---" | "..."));
    end.filter(|end| lines[1..=*end].iter().all(|line| line.text.contains(':') || line.text.starts_with(['-', ' '])))
        .map_or(0, |end| end + 2)
}

/// For each line whether it stands in a fenced block of code, fences included. A fence that is never closed is alone.
fn fenced(text: &str, lines: &[ByteRange]) -> Vec<bool> {
    let fence = |range: &ByteRange| {
        let line = &text[range.start..range.end];
        ["```", "~~~"].into_iter().find(|fence| line.starts_with(fence))
    };
    let mut inside = vec![false; lines.len()];
    let mut open: Option<(&str, usize)> = None;
    for (index, range) in lines.iter().enumerate() {
        match (fence(range), open) {
            (Some(found), None) => {
                inside[index] = true;
                open = Some((found, index));
            }
            (Some(found), Some((expected, start))) if found == expected => {
                inside[start..=index].fill(true);
                open = None;
            }
            _ => {}
        }
    }
    inside
}

/// Columns of white space before a line that starts at `start`.
pub(crate) fn indent(text: &str, start: usize) -> usize {
    let space = text[..start].bytes().rev().take(CODE_INDENT).take_while(|b| matches!(b, b' ' | b'\t'));
    space.map(|b| if b == b'\t' { TAB_COLUMNS } else { 1 }).sum()
}

/// Whether an indented line reads as code.
pub(crate) fn is_code(line: &str, indent: usize) -> bool {
    if indent < CODE_INDENT || line.ends_with(['.', '!', '?']) {
        return false;
    }
    let signs =
        ["();", "()", " = ", " == ", "::", "->", "=>", "</", "{", "}", "&&", "||", "$ ", "+= ", "/*", "*/", "//"];
    line.ends_with([';', '{', '}']) || signs.iter().any(|sign| line.contains(sign))
}

/// Whether a line is a row of a table: cells between tabulators, wide gaps or bars, comma-separated values, or a label
/// with figures. Wide gaps between most words are those of a page that was read by a machine.
pub(crate) fn is_row(line: &str) -> bool {
    let (mut gaps, mut spaces) = (0usize, 0usize);
    let mut width = 0;
    for c in line.chars() {
        width = match c {
            '\t' => GAP_CHARS,
            c if c.is_whitespace() => width + 1,
            _ => {
                spaces += usize::from(width > 0);
                gaps += usize::from(width >= GAP_CHARS);
                0
            }
        };
    }
    let separators = line.matches('\t').count().max(line.matches(" | ").count());
    let wide = gaps >= ROW_GAPS
        && !(spaces >= 2 * gaps + 2 && line.ends_with(|c: char| c.is_lowercase() || matches!(c, ',' | '.' | '-')));
    if wide || separators >= ROW_GAPS || tight_commas(line) >= ROW_COMMAS {
        return true;
    }
    let (mut figures, mut others) = (0usize, 0usize);
    for word in line.split_whitespace() {
        let figure = word.contains(|c: char| c.is_numeric()) && !word.contains(char::is_alphabetic);
        figures += usize::from(figure);
        others += usize::from(!figure);
    }
    figures >= 3 && figures > others && !line.ends_with(['.', '!', '?'])
}

/// Commas between two characters of ASCII that are neither spaces nor both digits.
fn tight_commas(line: &str) -> usize {
    let cell = |b: u8| b.is_ascii_graphic() && b != b',';
    let bytes = line.as_bytes().windows(3);
    bytes
        .filter(|three| {
            let digits = three[0].is_ascii_digit() && three[2].is_ascii_digit();
            three[1] == b',' && cell(three[0]) && cell(three[2]) && !digits
        })
        .count()
}

/// Checks whether dots lead to a page number: `Introduction ........ 3`.
fn is_leader(line: &str) -> bool {
    let page = line.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, 'i' | 'v' | 'x'));
    let dots = page.trim_end().chars().rev().take_while(|c| matches!(c, '.' | '…' | '·' | ' ' | '_'));
    page.len() < line.len()
        && dots.map(|c| if c == '…' { 3 } else { usize::from(c != ' ') }).sum::<usize>() >= LEADER_DOTS
}

/// For each line whether it stands in a comment of HTML, which nobody sees; one that is never closed is none.
fn comments(lines: &[Line<'_>]) -> Vec<bool> {
    let mut hidden = vec![false; lines.len()];
    let mut open = None;
    for (index, line) in lines.iter().enumerate() {
        if open.is_none() && line.text.starts_with("<!--") {
            open = Some(index);
        }
        if let Some(start) = open
            && line.text.contains("-->")
        {
            hidden[start..=index].fill(true);
            open = None;
        }
    }
    hidden
}

/// Checks whether a line has tags of HTML and few words outside of them.
fn is_tags(line: &str) -> bool {
    if !(line.starts_with('<') && line.ends_with('>')) {
        return false;
    }
    let mut depth = 0usize;
    let outside: String = line
        .chars()
        .filter(|c| {
            depth = match c {
                '<' => depth + 1,
                '>' => depth.saturating_sub(1),
                _ => depth,
            };
            depth == 0 && *c != '>'
        })
        .collect();
    words::size(&outside) <= TITLE_WORDS
}

/// Checks whether a line, or a sentence, is a link, an address or a telephone number, with a label at most.
pub(crate) fn is_bare(line: &str) -> bool {
    let (without, links) = without_links(line);
    let mut addresses = links;
    let mut rest = 0usize;
    let mut digits = 0usize;
    for word in without.split_whitespace() {
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation() && c != '+');
        let number = word.len() > 1
            && word.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'/' | b'.' | b'(' | b')'));
        if is_address(word) {
            addresses += 1;
        } else if number {
            digits += word.bytes().filter(u8::is_ascii_digit).count();
        } else {
            rest += usize::from(word.contains(char::is_alphabetic));
        }
    }
    let telephone = digits >= 8 && line.contains(['+', '/', '-', '(']) && !line.contains('%');
    (addresses > 0 || telephone && rest <= 1)
        && rest <= LABEL_WORDS * (addresses + usize::from(telephone)).max(1)
        && !(links > 0 && rest > LABEL_WORDS)
}

/// An address of the web or of mail.
fn is_address(word: &str) -> bool {
    word.contains("://") || word.starts_with("www.") || word.split_once('@').is_some_and(|(_, host)| host.contains('.'))
}

/// A line without Markdown links and images, and how many it had.
fn without_links(line: &str) -> (String, usize) {
    let mut out = String::new();
    let mut links = 0;
    let mut rest = line;
    while let Some(at) = rest.find("](") {
        // A badge is an image inside of a link: the outer bracket opens first.
        let open = rest[..at].rfind('[').map_or(at, |open| open - usize::from(rest[..open].ends_with('!')));
        let Some(close) = rest[at..].find(')') else { break };
        out.push_str(&rest[..open]);
        out.push(' ');
        links += 1;
        rest = &rest[at + close + 1..];
    }
    out.push_str(rest);
    (out, links)
}

/// Checks whether a text is short beside its addresses, as the last line of a signature is.
pub(crate) fn has_address(line: &str) -> bool {
    line.split_whitespace().any(|word| is_address(word.trim_matches(|c: char| c.is_ascii_punctuation())))
        || (line.bytes().filter(u8::is_ascii_digit).count() >= 8
            && line.contains(['+', '|', '/'])
            && words::count(line, 13) <= 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_from_sentences() {
        for row in
            ["Name\tAge\tTown", "Revenue   120   130", "a | b | c", "id,name,age,town", "Revenue 120 130 140", "1 2 3"]
        {
            assert!(is_row(row), "{row}");
        }
        for line in [
            "In 2019 12 of 30 failed.",
            "Left column   right column",
            "One, two, three, four.",
            "It cost 1,000,000,000 in all",
            "今天,我们,去,了,家",
            "would carry  about   forty passengers   a year,  that the  nets can  be protected by  a",
        ] {
            assert!(!is_row(line), "{line}");
        }
    }

    #[test]
    fn indented_statements_are_code_and_indented_sentences_are_not() {
        assert!(is_code("let x = 5;", 4) && is_code("return total(x) -> y", 8));
        assert!(!is_code("let x = 5;", 0) && !is_code("An indented paragraph goes on", 4));
        assert_eq!((indent("\tx", 1), indent("\n  x", 3), indent("x", 0)), (4, 2, 0));
    }

    #[test]
    fn links_and_addresses_alone_say_nothing() {
        for line in [
            "https://example.org/minutes/2026-03",
            "[![Build](https://i.example/b.svg)](https://ci.example/b) [![Licence](l.svg)](LICENSE)",
            "[Installation](#installation)",
            "Tel. +49 30 123456-0",
            "E-mail: info@example.org",
            "See also [the guide](guide.md)",
        ] {
            assert!(is_bare(line), "{line}");
        }
        for line in [
            "We moved the site to https://example.org in the spring of that year.",
            "It fell by 38.8 to 31.2 (19.6 %).",
            "Call her.",
        ] {
            assert!(!is_bare(line), "{line}");
        }
    }

    #[test]
    fn tables_of_contents_and_tags_are_found() {
        assert!(
            is_leader("Introduction ........ 3")
                && is_leader("2.1 Methods . . . . . 12")
                && !is_leader("It was 1999... 2")
        );
        assert!(
            is_tags("<p align=\"center\"><img src=\"a.png\"></p>")
                && is_tags("<h1>Title</h1>")
                && !is_tags("a < b > c")
        );
    }
}
