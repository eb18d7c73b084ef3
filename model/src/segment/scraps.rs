//! Lines that are no running text: code and rows of tables.

use crate::summary::ByteRange;

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

/// For each line whether it stands in a fenced block of code, fences included. A fence that is never closed is alone.
pub(crate) fn fenced(text: &str, lines: &[ByteRange]) -> Vec<bool> {
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
/// with figures.
pub(crate) fn is_row(line: &str) -> bool {
    let mut gaps = 0;
    let mut width = 0;
    for c in line.chars() {
        width = match c {
            '\t' => GAP_CHARS,
            c if c.is_whitespace() => width + 1,
            _ => {
                gaps += usize::from(width >= GAP_CHARS);
                0
            }
        };
    }
    let separators = line.matches('\t').count().max(line.matches(" | ").count());
    if gaps.max(separators) >= ROW_GAPS || tight_commas(line) >= ROW_COMMAS {
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
}
