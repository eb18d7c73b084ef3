//! Months and days of the week, as words, abbreviations, or months in dates.

use super::super::forms::{fold, key};

/// Capitalized words that stand next to a name without belonging to it.
const NAMES: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
/// Longer abbreviations than the first three letters.
const LONGER: &[(&str, usize)] = &[("sept", 8), ("tues", 13), ("thur", 15), ("thurs", 15)];
/// Letters of the usual abbreviations.
const SHORT_LETTERS: usize = 3;

/// Which months and days a document names.
#[derive(Default)]
pub(super) struct Calendar {
    known: [bool; NAMES.len()],
}

impl Calendar {
    /// Months in dates of digits.
    pub(super) fn of(text: &str) -> Self {
        let mut calendar = Self::default();
        let mut at = 0;
        let bytes = text.as_bytes();
        while at < bytes.len() {
            if !bytes[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            for month in months(&bytes[at..]).into_iter().flatten() {
                calendar.known[month - 1] = true;
            }
            at += bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        }
        calendar
    }

    /// Note a word of the document, and whether a number stands next to it.
    pub(super) fn note(&mut self, word: &str, beside_number: bool) {
        // "may" and "march" without capitals are verbs.
        let is_capital = word.starts_with(char::is_uppercase);
        let place = match abbreviated(word) {
            Some(place) if beside_number => Some(place),
            _ => full(word),
        };
        if let Some(place) = place.filter(|_| is_capital) {
            self.known[place] = true;
        }
    }

    /// Whether the document names the month or day that a word is; none if it is neither.
    pub(super) fn has(&self, word: &str) -> Option<bool> {
        full(word).map(|place| self.known[place])
    }

    /// Whether a word abbreviates a month or day that the document names.
    pub(super) fn has_abbreviated(&self, word: &str) -> bool {
        abbreviated(word).is_some_and(|place| self.known[place])
    }
}

/// Whether a word is the name of a month or day.
pub(super) fn is_calendar(word: &str) -> bool {
    full(word).is_some()
}

/// Whether a word can abbreviate one.
pub(super) fn is_abbreviated(word: &str) -> bool {
    abbreviated(word).is_some()
}

fn full(word: &str) -> Option<usize> {
    let key = key(word);
    NAMES.iter().position(|name| *name == key)
}

fn abbreviated(word: &str) -> Option<usize> {
    if !(SHORT_LETTERS..=SHORT_LETTERS + 2).contains(&word.len()) {
        return None;
    }
    let folded = fold(word);
    let longer = LONGER.iter().find(|(short, _)| *short == folded).map(|(_, place)| *place);
    longer.or_else(|| NAMES.iter().position(|name| name.get(..SHORT_LETTERS) == Some(folded.as_str())))
}

/// The months that a date at the start of some bytes can mean: the second number of 2025-11-25, either of 11/12/2025.
fn months(bytes: &[u8]) -> [Option<usize>; 2] {
    let digits = |from: usize| bytes.iter().skip(from).take(5).take_while(|byte| byte.is_ascii_digit()).count();
    let value = |from: usize, count: usize| {
        bytes[from..from + count].iter().fold(0, |value, byte| value * 10 + usize::from(byte - b'0'))
    };
    let month = |value: usize| (1..=12).contains(&value).then_some(value);
    let first = digits(0);
    let Some(separator) = bytes.get(first).filter(|byte| matches!(byte, b'-' | b'/' | b'.')) else { return [None; 2] };
    let second = digits(first + 1);
    let after = first + 1 + second;
    let third = if bytes.get(after) == Some(separator) { digits(after + 1) } else { 0 };
    match (first, second, third) {
        (4, 1 | 2, 1 | 2) => [month(value(first + 1, second)), None],
        (1 | 2, 1 | 2, 4) => [month(value(0, first)), month(value(first + 1, second))],
        (1 | 2, 1 | 2, 2) if *separator == b'/' => [month(value(0, first)), month(value(first + 1, second))],
        _ => [None; 2],
    }
}
