//! The words of a written sentence that could be names, and how they go together.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::super::forms::{bare, fold, is_cased, is_short};
use super::calendar::is_calendar;
use super::index::exact;
use super::link::is_hyphen;
use super::lists::{DERIVED, DERIVED_LETTERS, INSIDE, OPENERS};
use super::openers::acts_as_name;

/// A word of a written sentence.
pub(super) struct Token<'a> {
    pub(super) start: usize,
    /// Without possessive ending.
    pub(super) text: &'a str,
    /// Byte after it, ending included.
    end: usize,
    /// Whether it could be (part of) a name.
    is_name: bool,
    /// Whether it follows an article or a number, so that its plural ending counts.
    pub(super) is_counted: bool,
}

/// Words before a plural.
const COUNTING: &[&str] = &[
    "the", "these", "those", "many", "most", "some", "several", "few", "all", "both", "other", "two", "three", "four",
    "five", "six", "seven", "eight", "nine", "ten", "no", "more", "new",
];

/// The words of a sentence. `is_mentioned` says whether a word stands in the document in any form.
pub(super) fn tokens<'a>(
    sentence: &'a str,
    is_common: &impl Fn(&str) -> bool,
    is_mentioned: impl Fn(&str) -> bool,
) -> Vec<Token<'a>> {
    let all: Vec<(usize, &str)> = sentence.unicode_word_indices().collect();
    let begins_capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    let capitals = all.iter().filter(|(_, word)| begins_capital(word)).count();
    // In a headline capitals tell nothing.
    let is_headline = all.len() > 3 && capitals * 10 > all.len() * 7;
    all.iter()
        .enumerate()
        .map(|(index, (start, word))| {
            let text = bare(word);
            let before = sentence[..*start].trim_end_matches(['"', '“', '‘', '\'', '«', '(', '[', ' ']);
            let opens = index == 0 || before.ends_with([':', ';', '.', '!', '?', '•', '\n']) && !is_initial(before);
            let rest = text.chars().skip(1);
            let inner = rest.clone().any(char::is_uppercase)
                || text.starts_with(is_cased) && rest.clone().any(char::is_numeric);
            let lower = fold(text);
            let is_name = if word.ends_with("n't") || word.ends_with("n’t") {
                false
            } else if inner {
                text.starts_with(char::is_alphabetic) && (!is_headline || !is_ordinary(&lower, is_common))
            } else if begins_capital(text) {
                let is_initial = text.chars().nth(1).is_none() && sentence[start + word.len()..].starts_with('.');
                let is_invented =
                    || !is_headline && !is_mentioned(text) && acts_as_name(&lower, &sentence[start + text.len()..]);
                let is_plain =
                    (opens || is_headline) && !is_initial && is_ordinary(&lower, is_common) && !is_invented();
                !is_plain && (is_initial || !matches!(text, "I" | "A"))
            } else {
                false
            };
            let is_counted = index.checked_sub(1).is_some_and(|before| {
                let before = all[before].1;
                before.starts_with(char::is_numeric) || COUNTING.contains(&before.to_lowercase().as_str())
            });
            Token { start: *start, text, end: start + word.len(), is_name, is_counted }
        })
        .collect()
}

/// Whether a text ends with a single capital letter and its dot, which ends no sentence, or a title.
fn is_initial(before: &str) -> bool {
    let word = before.trim_end_matches('.').rsplit([' ', '.', '-']).next().unwrap_or("");
    before.ends_with('.')
        && (word.chars().count() == 1 || is_short(word) || matches!(word, "Mr" | "Mrs" | "Ms" | "vs" | "al"))
}

fn is_ordinary(lower: &str, is_common: &impl Fn(&str) -> bool) -> bool {
    is_common(lower)
        || OPENERS.contains(&lower)
        || lower.len() >= DERIVED_LETTERS && DERIVED.iter().any(|ending| lower.ends_with(ending))
}

/// Names as runs of words; more than one run where a small word holds them together.
pub(super) fn group(sentence: &str, words: &[Token<'_>]) -> Vec<Vec<Range<usize>>> {
    let mut names: Vec<Vec<Range<usize>>> = Vec::new();
    let is_calendar = |at: usize| is_calendar(words[at].text);
    let mut at = 0;
    while at < words.len() {
        if !words[at].is_name {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        while end < words.len() && !is_calendar(at) && continues(sentence, words, end) && !is_calendar(end) {
            end += 1;
        }
        let run = at..end;
        match names.last_mut() {
            Some(name) if name.last().is_some_and(|last| is_inside(sentence, words, last, &run)) => name.push(run),
            _ => names.push(vec![run]),
        }
        at = end;
    }
    names
}

/// Whether a word goes on with the name before it.
fn continues(sentence: &str, words: &[Token<'_>], at: usize) -> bool {
    let (before, word) = (&words[at - 1], &words[at]);
    let between = &sentence[before.end..word.start];
    if is_hyphen(between) {
        // The whole compound is the name: GPT-4, Graph-based is not.
        return word.is_name || word.text.starts_with(char::is_numeric);
    }
    let is_possessive = before.end > before.start + before.text.len();
    let is_abbreviated =
        between == ". " && (before.text.chars().count() == 1 || is_initial(&sentence[..word.start - 1]));
    word.is_name && !is_possessive && (between == " " || is_abbreviated)
}

/// Whether only a small word of names stands between two runs.
fn is_inside(sentence: &str, words: &[Token<'_>], left: &Range<usize>, right: &Range<usize>) -> bool {
    let between = &sentence[words[left.end - 1].end..words[right.start].start];
    between.starts_with(' ') && between.ends_with(' ') && INSIDE.contains(&between.trim())
}

/// Whether a word in brackets is made of the initials of the words before it, so that the sentence itself explains it.
pub(super) fn is_acronym_of(sentence: &str, words: &[Token<'_>], at: usize) -> bool {
    let letters: Vec<char> = exact(words[at].text).to_lowercase().chars().collect();
    if letters.len() < 2 || !sentence[..words[at].start].ends_with('(') || at < letters.len() {
        return false;
    }
    words[at - letters.len()..at]
        .iter()
        .zip(&letters)
        .all(|(word, letter)| word.text.to_lowercase().starts_with(*letter))
}
