//! Subtitles: numbers and times between lines of what is said.

use crate::segment::line::{Class, Line};

/// Fewest times that make a text one of subtitles.
const MIN_CUES: usize = 2;
/// Longest line in bytes that can be a time alone.
const MAX_TIME_BYTES: usize = 24;

/// Mark what is not said. Nothing is marked unless the text is one of subtitles.
pub(crate) fn mark(lines: &mut [Line<'_>]) -> bool {
    let times = lines.iter().filter(|line| is_cue(line.text)).count();
    let alone = lines.iter().filter(|line| is_time(line.text)).count();
    let full = lines.iter().filter(|line| !line.is_blank()).count();
    let bare = alone >= 3 * MIN_CUES && alone * 3 >= full;
    if times < MIN_CUES && !bare {
        return false;
    }
    for index in 0..lines.len() {
        let line = &lines[index];
        let next_is_cue = lines.get(index + 1).is_some_and(|next| is_cue(next.text));
        let header = index < 8
            && ["WEBVTT", "Kind:", "Language:", "NOTE", "STYLE"].iter().any(|word| line.text.starts_with(word));
        if !line.is_blank()
            && (is_cue(line.text)
                || is_time(line.text)
                || header
                || (next_is_cue && !line.text.ends_with(['.', '?', '!'])))
        {
            lines[index].class = Class::Cue;
        }
    }
    true
}

/// `00:00:01,000 --> 00:00:04,200`, with settings behind it.
fn is_cue(line: &str) -> bool {
    line.split_once("-->").is_some_and(|(from, to)| {
        let to = to.trim_start().split(' ').next().unwrap_or_default();
        is_time(from.trim()) && is_time(to)
    })
}

/// Digits with colons, at least one of them, and a fraction.
fn is_time(line: &str) -> bool {
    let inside = line.trim_matches(['[', ']', '(', ')']);
    inside.len() <= MAX_TIME_BYTES
        && inside.contains(':')
        && inside.starts_with(|c: char| c.is_ascii_digit())
        && inside.ends_with(|c: char| c.is_ascii_digit())
        && inside.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_ratios_in_sentences() {
        assert!(is_cue("00:00:01,000 --> 00:00:04,200 align:start") && is_cue("01:02.500 --> 01:03.000"));
        assert!(is_time("[0:15]") && is_time("1:02:03") && !is_time("2026") && !is_time("at 5:30"));
        assert!(!is_cue("a --> b"));
    }
}
