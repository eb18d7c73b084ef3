//! Lines that come again: the heads and feet of pages, entries of a table of contents.

use std::collections::BTreeMap;

use crate::segment::line::{Class, Line};
use crate::words;

/// Longest head of a page in words.
const MAX_HEAD_WORDS: usize = 12;
const MAX_HEAD_BYTES: usize = 160;
/// Repetitions of a line that is no heading, and if only its numbers change.
const MIN_TIMES: usize = 3;
const MIN_NUMBERED_TIMES: usize = 2;
/// Entries of a table of contents that stand together.
const MIN_ENTRIES: usize = 3;

/// Mark heads of pages and tables of contents.
pub(crate) fn mark(lines: &mut [Line<'_>]) {
    let plain: Vec<Option<String>> =
        lines.iter().map(|line| line.is_text().then(|| plain(line.body)).flatten()).collect();
    let mut times: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, line) in plain.iter().enumerate() {
        if let Some(line) = line {
            times.entry(line).or_default().push(index);
        }
    }
    let full = lines.iter().filter(|line| !line.is_blank()).count();
    let mut heads = Vec::new();
    for (line, at) in &times {
        let numbered = line.contains('#');
        let differ = numbered && at.windows(2).all(|pair| lines[pair[0]].body != lines[pair[1]].body);
        let ends = line.ends_with('#') || line.starts_with('#');
        let letters = words::lettered(line, 3);
        let paged = differ && ends && at.len() >= MIN_NUMBERED_TIMES && letters >= 2;
        // More than a head on every few lines is no head.
        if (paged || at.len() >= MIN_TIMES && !numbered) && at.len() * 4 <= full {
            heads.extend(at.iter().copied().filter(|index| stands_alone(lines, *index)));
        }
    }
    let contents = contents(lines, &plain, &times);
    for index in heads {
        lines[index].class = Class::Between;
    }
    for index in contents {
        lines[index].class = Class::Scrap;
    }
    for line in lines.iter_mut() {
        let rule = line.is_text() || line.class == Class::Scrap;
        let page = line.body.trim_matches(['-', '–', '—', ' ', '[', ']']);
        let alone = !page.is_empty() && page.len() <= 4 && page.bytes().all(|b| b.is_ascii_digit());
        if rule && (alone || is_numbered_page(line.body)) {
            line.class = Class::Between;
        }
    }
}

/// Words for a page, and those between its number and the last one.
const PAGES: [&str; 8] = ["page", "seite", "página", "pagina", "strona", "sida", "pag", "стр"];
const OF: [&str; 8] = ["of", "von", "de", "di", "sur", "z", "av", "из"];

/// `… Page 2 of 7` or `Seite 2/7` at the end of a short line. A machine that reads paper may read a 1 as an l.
fn is_numbered_page(line: &str) -> bool {
    let lower = line.to_lowercase().replace('/', " of ");
    let words: Vec<&str> = lower.split_whitespace().collect();
    let [.., page, first, of, last] = words.as_slice() else { return false };
    let number =
        |word: &str| word.len() <= 4 && word.chars().all(|c| c.is_ascii_digit() || matches!(c, 'l' | 'i' | 'o'));
    let is_page = PAGES.contains(&page.trim_matches(|c: char| !c.is_alphabetic()));
    words.len() <= MAX_HEAD_WORDS && is_page && number(first) && OF.contains(of) && number(last)
}

/// A short line in small letters, with a sign in place of its numbers; none if it ends as a sentence does.
fn plain(line: &str) -> Option<String> {
    let sentence = line.ends_with(['!', '?', ',', ';', ':']) || line.ends_with('.') && words::count(line, 5) >= 5;
    if line.is_empty()
        || line.len() > MAX_HEAD_BYTES
        || sentence
        || words::count(line, MAX_HEAD_WORDS + 1) > MAX_HEAD_WORDS
    {
        return None;
    }
    let number = |word: &str| word.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'/'));
    let words = line.trim_start_matches(['#', '*', '-', ' ']).split_whitespace();
    let words: Vec<String> =
        words.map(|word| if number(word) { "#".to_owned() } else { word.to_lowercase() }).collect();
    Some(words.join(" "))
}

/// Checks whether nothing joins a line to its neighbours.
fn stands_alone(lines: &[Line<'_>], index: usize) -> bool {
    let apart = |line: Option<&Line<'_>>| line.is_none_or(|line| !line.is_text());
    apart(lines.get(index + 1)) || apart(index.checked_sub(1).and_then(|before| lines.get(before)))
}

/// Runs of lines that all come again further down, each alone.
fn contents(lines: &[Line<'_>], plain: &[Option<String>], times: &BTreeMap<&str, Vec<usize>>) -> Vec<usize> {
    let mut found = Vec::new();
    let mut run: Vec<usize> = Vec::new();
    let comes_again = |index: usize| {
        let key = plain[index].as_deref()?;
        let bare = key.trim_start_matches(['#', ' ']);
        let later = times.get(key).or_else(|| times.get(bare))?;
        (later.len() == 2 && *later.last()? > index + MIN_ENTRIES).then_some(())
    };
    for index in 0..=lines.len() {
        if lines.get(index).is_some_and(|line| line.is_text() && comes_again(index).is_some()) {
            run.push(index);
        } else if lines.get(index).is_none_or(|line| !line.is_blank()) {
            // What comes again as a whole is a copy of the text.
            let last = run.last().copied().unwrap_or_default();
            if run.len() >= MIN_ENTRIES
                && run.iter().all(|index| times[plain[*index].as_deref().unwrap_or_default()].last() > Some(&last))
                && !is_copy(plain, times, &run)
            {
                found.extend(run.iter().copied());
            }
            run.clear();
        }
    }
    found
}

/// Checks whether the second occurrences stand together as the first do.
fn is_copy(plain: &[Option<String>], times: &BTreeMap<&str, Vec<usize>>, run: &[usize]) -> bool {
    let second =
        |index: &usize| plain[*index].as_deref().and_then(|key| times.get(key)?.last().copied()).unwrap_or_default();
    let (first, last) = (run.first().map(second).unwrap_or_default(), run.last().map(second).unwrap_or_default());
    last.saturating_sub(first) <= run[run.len() - 1] - run[0]
}
