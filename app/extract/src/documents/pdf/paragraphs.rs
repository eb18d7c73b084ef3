//! Lines in the order of reading become paragraphs.

use super::hyphens::{Join, Words};
use super::lines::Line;

/// A paragraph.
pub struct Paragraph {
    /// Its text.
    pub text: String,
    /// It is an item below the one before it.
    pub item: bool,
}

/// A line spacing wider than the usual one by this parts paragraphs.
const WIDER: f64 = 1.3;
/// Line spacing, at most, within a paragraph, in sizes of the font.
const WIDEST: f64 = 2.2;
/// Sizes of a font that differ by more than this are different ones.
const OTHER_SIZE: f64 = 1.15;
/// A first line may be indented by so much, in sizes of the font.
const INDENT: f64 = 0.8;

/// The paragraphs of a page.
pub fn join(lines: &[Line], words: &Words) -> Vec<Paragraph> {
    let usual = usual_spacing(lines);
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut right = f64::NEG_INFINITY;
    for (index, line) in lines.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| lines.get(index));
        let item = is_item(&line.text);
        let so_far = paragraphs.last().map_or("", |paragraph| paragraph.text.as_str());
        let follows = !item && before.is_some_and(|before| follows(so_far, before, line, usual, right));
        match paragraphs.last_mut() {
            Some(paragraph) if follows => {
                append(&mut paragraph.text, &line.text, words);
                right = right.max(line.end);
            }
            _ => {
                let below = item && before.is_some_and(|before| line.at > before.at);
                paragraphs.push(Paragraph { text: line.text.clone(), item: below });
                right = line.end;
            }
        }
    }
    paragraphs
}

/// True if a paragraph goes on in the next column or on the next page.
pub fn continues(before: &str, after: &str) -> bool {
    let open =
        !before.trim_end().ends_with(['.', '!', '?', ':', ';', '"', '\u{201d}', '\u{3002}', '\u{ff01}', '\u{ff1f}']);
    let lower = after.chars().next().is_some_and(|character| character.is_lowercase());
    open && lower && before.chars().count() > 25
}

fn append(text: &mut String, more: &str, words: &Words) {
    match words.joins(text, more) {
        Join::Blank => text.push(' '),
        Join::Nothing => {}
        Join::Drop => {
            text.pop();
        }
    }
    text.push_str(more);
}

/// `right` is the right end of the paragraph so far.
fn follows(so_far: &str, before: &Line, line: &Line, usual: f64, right: f64) -> bool {
    let spacing = line.at - before.at;
    let (larger, smaller) = (before.size.max(line.size), before.size.min(line.size));
    if spacing <= 0.0 {
        // The next column.
        return larger <= smaller * OTHER_SIZE && continues(so_far, &line.text);
    }
    if larger > smaller * OTHER_SIZE || spacing > WIDEST * larger {
        return false;
    }
    let apart = line.start > before.end || line.end < before.start;
    if apart || spacing > usual.max(larger) * WIDER {
        // An open sentence goes on below a picture or a wide space.
        return false;
    }
    let row = before.text.contains(" | ") || line.text.contains(" | ");
    let ended = before.text.ends_with(['.', '!', '?', ':', '\u{3002}', '\u{ff01}', '\u{ff1f}']);
    let indented = line.start > before.start + INDENT * line.size;
    let short = before.end < right - 4.0 * before.size || before.end < line.end - 6.0 * before.size;
    !(row || (ended && (indented || short)))
}

/// The line spacing that most lines have.
fn usual_spacing(lines: &[Line]) -> f64 {
    let mut spacings: Vec<f64> = lines
        .windows(2)
        .filter_map(|pair| if let [one, other] = pair { Some(other.at - one.at) } else { None })
        .filter(|spacing| *spacing > 1.0 && *spacing < 100.0)
        .collect();
    spacings.sort_by(f64::total_cmp);
    spacings.get(spacings.len() / 2).copied().unwrap_or(0.0)
}

/// A line that begins an item of a list.
fn is_item(text: &str) -> bool {
    let Some((mark, rest)) = text.split_once(char::is_whitespace) else { return false };
    if rest.is_empty() {
        return false;
    }
    let bullet = matches!(
        mark,
        "\u{2022}"
            | "\u{25cf}"
            | "\u{25aa}"
            | "\u{2023}"
            | "\u{2043}"
            | "\u{25e6}"
            | "*"
            | "\u{2013}"
            | "-"
            | "\u{2014}"
    );
    let number = mark.strip_suffix(['.', ')']).is_some_and(|number| {
        !number.is_empty() && number.len() <= 2 && number.chars().all(|character| character.is_ascii_digit())
    });
    let letter = mark.len() <= 3 && mark.starts_with('(') && mark.ends_with(')');
    bullet || number || letter
}
