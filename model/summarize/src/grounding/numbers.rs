//! Numbers in a text, however written: digits with any separators, ordinals, decades, percentages, spelled numbers and
//! scales such as million. Compared by value; units are not compared.

use super::decimal::{Decimal, Literal};
use super::forms::is_cased;
use super::signs::{self, Scale};
use super::spelled;
use super::usage::Usage;
use crate::summary::ByteRange;

/// What a number says besides its value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The value itself.
    Value,
    /// Little, so common is the word: "one", "first".
    Vague,
    /// A time of day in hours and minutes.
    Time(u32, u32),
    /// No more than how many zeros it has: "thousands".
    Magnitude(usize),
}

/// A number as written, and what it may mean.
pub(super) struct Number {
    /// Where it stands, with its sign and scale.
    pub(super) range: ByteRange,
    /// The ways to read it; each a list of values, since "1,2" can be two numbers.
    pub(super) readings: Vec<Vec<Decimal>>,
    /// What it says.
    pub(super) kind: Kind,
    /// Whether it is a percentage.
    pub(super) percent: bool,
    /// Whether it is below zero.
    pub(super) negative: bool,
    /// Whether it could be a year of our time.
    pub(super) year: bool,
}

/// All numbers of a text in order.
pub(super) fn numbers(text: &str, usage: Usage) -> Vec<Number> {
    let mut found: Vec<Number> = Vec::new();
    // An unscaled number and where it ends, which a range could scale after all: "3 to 5 million".
    let mut before: Option<usize> = None;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let previous = text[..at].chars().next_back();
        let (mut number, scale, end) = if let Some(literal) = Literal::at(text, at) {
            if previous.is_some_and(is_cased) {
                // A digit inside a word belongs to the word: "H2O". Scripts without case have no spaces there.
                let number = Number::new(at, literal.end, literal.readings(usage));
                found.push(Number { kind: Kind::Vague, ..number });
                at = literal.end;
                continue;
            }
            of_literal(text, &literal, usage)
        } else if c.is_alphabetic() && !previous.is_some_and(char::is_alphanumeric) {
            let Some(worded) = of_words(text, at) else {
                at += text[at..].find(|c: char| !c.is_alphabetic()).unwrap_or(text.len() - at);
                continue;
            };
            worded
        } else {
            at += c.len_utf8();
            continue;
        };
        number.percent = is_percent(&text[end..]);
        if let Some(start) = signs::minus(text, number.range.start) {
            number.negative = true;
            number.range.start = start;
        }
        if let Some(earlier) = before.and_then(|index| found.get_mut(index))
            && is_range(text.get(earlier.range.end..number.range.start).unwrap_or_default())
        {
            if let Some(scale) = scale {
                let scaled = earlier.scaled(scale.zeros);
                earlier.readings.extend(scaled);
            }
            earlier.percent |= number.percent;
        }
        before = scale.is_none().then_some(found.len());
        found.push(number);
        at = end;
    }
    found
}

/// A number in words, its scale, and where it ends.
fn of_words(text: &str, at: usize) -> Option<(Number, Option<Scale>, usize)> {
    if let Some((zeros, end)) = spelled::magnitude(text, at) {
        return Some((Number { kind: Kind::Magnitude(zeros), ..Number::new(at, end, Vec::new()) }, None, end));
    }
    let spelled = spelled::at(text, at)?;
    // "zero-shot" and "below zero" count nothing.
    let is_phrase =
        text[spelled.end..].starts_with('-') || text[..at].ends_with("below ") || text[..at].ends_with("above ");
    let kind = if spelled.vague || spelled.value == 0 && is_phrase { Kind::Vague } else { Kind::Value };
    let number = Number { kind, ..Number::new(at, spelled.end, vec![vec![Decimal::from(spelled.value)]]) };
    Some((number, spelled.scale, spelled.end))
}

/// A number in digits with what follows it, and where that ends.
fn of_literal(text: &str, literal: &Literal, usage: Usage) -> (Number, Option<Scale>, usize) {
    let mut number = Number::new(literal.start, literal.end, literal.readings(usage));
    number.year = literal.plain().is_some_and(|value| (1900..2100).contains(&value));
    if let Some((hours, minutes, end)) = time(text, literal) {
        number.kind = Kind::Time(hours, minutes);
        number.readings.push(vec![Decimal::from(u64::from(minutes))]);
        number.range.end = end;
        return (number, None, end);
    }
    let tail = &text[literal.end..];
    let letters = &tail[..tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len())];
    let is_money = signs::is_money(&text[..literal.start]);
    let scale = if letters.is_empty() {
        spelled::scale_after(text, literal.end, is_money)
    } else {
        signs::scale(letters, is_money).map(|(scale, is_sure)| (scale, is_sure, literal.end + letters.len()))
    };
    match scale {
        Some((scale, true, end)) => {
            number.readings = number.scaled(scale.zeros);
            number.range.end = end;
            number.year = false;
            (number, Some(scale), end)
        }
        Some((scale, false, end)) => {
            let scaled = number.scaled(scale.zeros);
            number.readings.extend(scaled);
            (number, None, end)
        }
        None => (number, None, literal.end + letters.len()),
    }
}

/// The time of day that begins with a number, and where it ends: "14:30".
fn time(text: &str, literal: &Literal) -> Option<(u32, u32, usize)> {
    let hours = literal.plain().filter(|hours| *hours <= 24 && literal.end - literal.start <= 2)?;
    let rest = text[literal.end..].strip_prefix([':', 'h'])?;
    let minutes = rest.get(..2).filter(|minutes| minutes.bytes().all(|byte| byte.is_ascii_digit()))?;
    let minutes: u32 = minutes.parse().ok().filter(|minutes| *minutes < 60)?;
    let is_over = !rest[2..].starts_with(|c: char| c.is_numeric());
    (is_over && !text[..literal.start].ends_with(':')).then_some((hours, minutes, literal.end + 3))
}

/// Whether what stands between two numbers makes them a range.
fn is_range(between: &str) -> bool {
    matches!(between.trim(), "-" | "–" | "—" | "to" | "and" | "or" | "/")
}

/// Whether a text goes on with a sign or word for hundredths.
fn is_percent(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\u{a0}', '\u{202f}', '-']);
    text.starts_with(['%', '٪', '％']) || ["percent", "per cent"].iter().any(|word| text.starts_with(word))
}

impl Number {
    fn new(start: usize, end: usize, readings: Vec<Vec<Decimal>>) -> Self {
        let range = ByteRange::new(start, end);
        Self { range, readings, kind: Kind::Value, percent: false, negative: false, year: false }
    }

    /// The readings with so many zeros more.
    fn scaled(&self, zeros: usize) -> Vec<Vec<Decimal>> {
        self.readings.iter().map(|values| values.iter().map(|value| value.shift(zeros)).collect()).collect()
    }
}
