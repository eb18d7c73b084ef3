//! Chat logs and scripts of what was said: lines that begin with a time, a name, or both.

use crate::segment::line::{Class, Line};
use crate::words;

/// Fewest such lines, and the share of all lines, one in so many.
const MIN_LINES: usize = 3;
const ONE_IN: usize = 3;
/// Longest name in words and in characters.
const MAX_NAME_WORDS: usize = 4;
const MAX_NAME_CHARS: usize = 32;

/// Longest line of the head of a log, in words.
const HEAD_WORDS: usize = 12;
/// Names under which the program of a chat speaks.
const PROGRAMS: &[&str] = &[
    "system",
    "bot",
    "chatbot",
    "system message",
    "automated message",
    "auto-reply",
    "autoreply",
    "notification",
    "sistema",
    "système",
    "systeem",
    "система",
    "бот",
    "系统",
    "系統",
    "システム",
    "النظام",
];

/// The start of a message.
struct Opening {
    /// Bytes of the time.
    time: usize,
    /// Bytes of the name with its colon, behind the time.
    name: usize,
}

/// Mark who says what. Nothing is marked unless the text is such a log.
pub(crate) fn mark(lines: &mut [Line<'_>]) -> bool {
    if mark_headed(lines) {
        return true;
    }
    let full = lines.iter().filter(|line| !line.is_blank()).count();
    let openings: Vec<Option<Opening>> =
        lines.iter().map(|line| if line.is_text() && line.depth == 0 { opening(line.text) } else { None }).collect();
    let timed = openings.iter().flatten().filter(|opening| opening.time > 0).count();
    let mut names: Vec<&str> = lines
        .iter()
        .zip(&openings)
        .filter_map(|(line, opening)| {
            opening.as_ref().map(|opening| &line.text[opening.time..opening.time + opening.name])
        })
        .filter(|name| !name.is_empty())
        .collect();
    names.sort_unstable();
    // Without times, names must come again: what is labelled once is a field, not a speaker.
    let again = names.chunk_by(|a, b| a == b).filter(|same| same.len() >= 2).map(<[&str]>::len).sum::<usize>();
    let is_log = |count: usize| count >= MIN_LINES && count * ONE_IN >= full;
    let (by_time, by_name) = (is_log(timed), is_log(again));
    if !by_time && !by_name {
        return false;
    }
    let head = if by_time { openings.iter().position(Option::is_some).unwrap_or(0) } else { 0 };
    for paragraph in lines[..head].chunk_by_mut(|line, next| line.is_blank() == next.is_blank()) {
        // When it began and who took part stands in lines that are no sentences, with a remark among them at most.
        let is_form = paragraph.iter().any(|line| !line.text.ends_with(['.', '!', '?', '。']));
        if is_form && paragraph.iter().all(|line| words::size(line.text) <= HEAD_WORDS) {
            paragraph.iter_mut().filter(|line| line.is_text()).for_each(|line| line.class = Class::Scrap);
        }
    }
    for (line, opening) in lines.iter_mut().zip(openings) {
        let Some(Opening { time, name }) = opening else { continue };
        if time > 0 && is_program(&line.text[time..time + name]) {
            line.class = Class::Scrap;
            continue;
        }
        if time > 0 && name == 0 {
            // Somebody joined, left, or sent a picture; or a log without names. Where most lines have a name, one without is
            // the program's.
            let said = line.text[time..].ends_with(['.', '!', '?']) && names.len() * 2 < timed;
            line.class = if names.is_empty() || said { Class::Speech(time) } else { Class::Scrap };
        } else if time > 0 || by_name {
            line.class = Class::Speech(time);
        }
    }
    true
}

/// Checks whether a name is that of the program and not of a person.
fn is_program(name: &str) -> bool {
    let name = name.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    PROGRAMS.contains(&name.as_str())
}

/// Logs in which a name and a time stand above what is said, line by line.
fn mark_headed(lines: &mut [Line<'_>]) -> bool {
    let full = lines.iter().filter(|line| !line.is_blank()).count();
    let headed: Vec<bool> = lines.iter().map(|line| line.depth == 0 && is_head(line.text)).collect();
    let count = headed.iter().filter(|head| **head).count();
    if count < MIN_LINES || count * (ONE_IN + 1) < full {
        return false;
    }
    for (line, head) in lines.iter_mut().zip(headed) {
        if head {
            line.class = Class::Scrap;
        } else if line.is_text() {
            line.class = Class::Speech(0);
        }
    }
    true
}

/// `Ana  10:02 AM`, `Ana — 12.03.26, 10:02`.
fn is_head(line: &str) -> bool {
    let Some(at) = line.char_indices().take(MAX_NAME_CHARS + 1).find(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at)
    else {
        return false;
    };
    let (name, rest) = line.split_at(at);
    let name = name.trim_end_matches([' ', '\t', '—', '–', '-', ',', '[', '(', '|']);
    let clock = format!("{rest} ");
    is_name_like(name) && line.len() <= 2 * MAX_NAME_CHARS && time(&clock) >= rest.len()
}

/// A few words, perhaps in small letters.
fn is_name_like(text: &str) -> bool {
    let words = text.split_whitespace().count();
    (1..=MAX_NAME_WORDS).contains(&words)
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '\'' | '@'))
}

/// `[12:03] Ana: `, `12/03/2026, 14:05 - Ana: `, `<ana> `, `Ana: `.
fn opening(line: &str) -> Option<Opening> {
    let time = time(line);
    let rest = &line[time..];
    let name = if rest.starts_with('<') {
        rest.find('>').filter(|at| *at <= MAX_NAME_CHARS && *at > 1).map_or(0, |at| at + 1)
    } else {
        let head = rest.char_indices().take(MAX_NAME_CHARS).find(|(_, c)| matches!(c, ':' | '：'));
        head.filter(|(at, _)| is_name(&rest[..*at])).map_or(0, |(at, c)| at + c.len_utf8())
    };
    let said = rest[name..].trim_start();
    // A time of day has a colon too.
    let name = if said.len() < rest.len() - name || rest[..name].ends_with(['>', '：']) { name } else { 0 };
    ((time > 0 || name > 0) && !said.is_empty() && !said.starts_with("//")).then_some(Opening { time, name })
}

/// A few words that begin like names.
fn is_name(text: &str) -> bool {
    let text = text.trim_matches(['*', '_', ' ']);
    let words = text.split_whitespace().count();
    (1..=MAX_NAME_WORDS).contains(&words)
        && text.starts_with(|c: char| c.is_alphabetic() && !c.is_lowercase() || c == '@')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '\'' | '’' | '(' | ')' | '@' | '~'))
}

/// Bytes of a date and a time of day with the marks and spaces around them; 0 if there is no time of day.
fn time(line: &str) -> usize {
    let end = line
        .char_indices()
        .find(|(_, c)| {
            !(c.is_ascii_digit()
                || matches!(
                    c,
                    '[' | ']' | '(' | ')' | ':' | '.' | '/' | '-' | ',' | ' ' | '–' | '\u{200e}' | '\u{202f}'
                ))
        })
        .map_or(line.len(), |(at, _)| at);
    let mut end = end;
    for half in ["AM", "PM", "am", "pm", "Uhr", "h "] {
        if line[end..].starts_with(half) && line[end + half.len()..].starts_with([']', ' ', ',', ')', ':']) {
            let after = &line[end + half.len()..];
            end += half.len() + (after.len() - after.trim_start_matches([']', ' ', ',', ')', '-', '–', ':']).len());
            break;
        }
    }
    let head = &line[..end];
    let bytes = head.as_bytes();
    let clock = bytes.windows(4).any(|four| {
        four[0].is_ascii_digit() && four[1] == b':' && four[2].is_ascii_digit() && four[3].is_ascii_digit()
    });
    if clock && head.ends_with([' ', ']', ')', '-']) && !head.starts_with('-') { end } else { 0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_and_names_are_found_in_the_usual_shapes() {
        for (line, quoted) in [
            ("[12:03] Ana: hello there", "Ana: hello there"),
            ("12/03/2026, 14:05 - Ana B.: hello", "Ana B.: hello"),
            ("10:02 AM <ana> hello", "<ana> hello"),
            ("[03.12.26, 14:05:10] Ana: hello", "Ana: hello"),
            ("Dr. Weber: That is so.", "Dr. Weber: That is so."),
        ] {
            let opening = opening(line).unwrap();
            assert_eq!(&line[opening.time..], quoted);
            assert!(opening.name > 0);
        }
        assert!(opening("https://a.example").is_none() && opening("It is 5:30 now.").is_none());
        assert!(opening("the plan is this: we go").is_none());
        assert!(
            is_head("marta  9:02 AM") && is_head("Ana B. — 12.03.26, 10:02") && !is_head("We met at 9:02 and left")
        );
    }
}
