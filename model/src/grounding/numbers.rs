//! Numbers in a text, however written: digits with any separators, ordinals, decades, percentages, spelled numbers and
//! scales such as million. Compared by value; units are not compared.

use std::collections::HashSet;

use super::decimal::{Decimal, Literal};
use super::spelled::{self, Scale};
use crate::summary::ByteRange;

/// A number as written, and what it may mean.
pub(super) struct Number {
    /// Where it stands, with its scale.
    pub(super) range: ByteRange,
    /// The ways to read it; each a list of values, since "1,2" can be two numbers.
    pub(super) readings: Vec<Vec<Decimal>>,
    /// Whether it is a percentage.
    percent: bool,
    /// Whether it is so common as a word that it says little: "one", "first".
    vague: bool,
}

/// All numbers of a text in order.
pub(super) fn numbers(text: &str) -> Vec<Number> {
    let mut found: Vec<Number> = Vec::new();
    // An unscaled number and where it ends, which a range could scale after all: "3 to 5 million".
    let mut before: Option<usize> = None;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let previous = text[..at].chars().next_back();
        let (number, scale, end) = if let Some(literal) = Literal::at(text, at) {
            if previous.is_some_and(char::is_alphabetic) {
                // A digit inside a word belongs to the word: "H2O".
                found.push(Number { vague: true, ..Number::new(at, literal.end, literal.readings()) });
                at = literal.end;
                continue;
            }
            of_literal(text, &literal)
        } else if c.is_alphabetic() && !previous.is_some_and(char::is_alphanumeric) {
            match spelled::at(text, at) {
                Some(spelled) => {
                    // "zero-shot" counts nothing.
                    let is_prefix = spelled.value == 0 && text[spelled.end..].starts_with('-');
                    let number = Number {
                        vague: spelled.vague || is_prefix,
                        ..Number::new(at, spelled.end, vec![vec![Decimal::from(spelled.value)]])
                    };
                    (number, spelled.scale, spelled.end)
                }
                None => {
                    at += text[at..].find(|c: char| !c.is_alphabetic()).unwrap_or(text.len() - at);
                    continue;
                }
            }
        } else {
            at += c.len_utf8();
            continue;
        };
        let mut number = number;
        number.percent = is_percent(&text[end..]);
        if let Some(earlier) = before.and_then(|index| found.get_mut(index))
            && is_range(&text[earlier.range.end..number.range.start])
        {
            if let Some(scale) = scale {
                let scaled: Vec<Vec<Decimal>> = earlier
                    .readings
                    .iter()
                    .map(|values| values.iter().map(|v| v.shift(scale.zeros)).collect())
                    .collect();
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

/// A number in digits with what follows it, and where that ends.
fn of_literal(text: &str, literal: &Literal) -> (Number, Option<Scale>, usize) {
    let mut number = Number::new(literal.start, literal.end, literal.readings());
    let tail = &text[literal.end..];
    let letters = &tail[..tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len())];
    let scaled = |number: &Number, zeros: usize| -> Vec<Vec<Decimal>> {
        number.readings.iter().map(|values| values.iter().map(|value| value.shift(zeros)).collect()).collect()
    };
    if !letters.is_empty() {
        // A letter may be a scale or a unit: 5M, 5m.
        let zeros = match letters {
            "k" | "K" => 3,
            "M" | "m" | "mn" | "mio" => 6,
            "bn" | "B" | "b" => 9,
            "tn" | "T" => 12,
            _ => 0,
        };
        if zeros > 0 {
            let more = scaled(&number, zeros);
            number.readings.extend(more);
        }
        return (number, None, literal.end + letters.len());
    }
    match spelled::scale_after(text, literal.end) {
        Some((scale, end)) => {
            number.readings = scaled(&number, scale.zeros);
            number.range.end = end;
            (number, Some(scale), end)
        }
        None => (number, None, literal.end),
    }
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
        Self { range: ByteRange::new(start, end), readings, percent: false, vague: false }
    }
}

/// The values of the numbers in a document.
#[derive(Default)]
pub(super) struct Values {
    plain: HashSet<Decimal>,
    percent: HashSet<Decimal>,
}

impl Values {
    /// Every reading of every number of a document, and of words that imply one.
    pub(super) fn of(text: &str) -> Self {
        let mut values = Self::default();
        for number in numbers(text) {
            let set = if number.percent { &mut values.percent } else { &mut values.plain };
            set.extend(number.readings.into_iter().flatten());
        }
        for word in text.split(|c: char| !c.is_alphabetic()) {
            values.plain.extend(spelled::implied(word).iter().map(|value| Decimal::from(*value)));
        }
        if text.contains("half") || text.contains("Half") {
            values.percent.insert(Decimal::from(50));
        }
        values
    }

    fn contains(&self, value: &Decimal, percent: bool) -> bool {
        if self.plain.contains(value) || self.percent.contains(value) {
            return true;
        }
        if percent { self.plain.contains(&value.unshift(2)) } else { self.percent.contains(&value.shift(2)) }
    }

    /// The numbers of a sentence that have no reading in the document, each once, as written.
    pub(super) fn unsupported(&self, sentence: &str) -> Vec<String> {
        let mut unsupported: Vec<String> = Vec::new();
        for number in numbers(sentence) {
            let is_known = number.vague
                || number.readings.iter().any(|values| values.iter().all(|value| self.contains(value, number.percent)));
            if !is_known
                && let Some(written) = number.range.of(sentence)
                && !unsupported.iter().any(|known| known == written)
            {
                unsupported.push(written.to_owned());
            }
        }
        unsupported
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsupported(source: &str, sentence: &str) -> Vec<String> {
        Values::of(source).unsupported(sentence)
    }

    #[test]
    fn a_number_is_the_same_however_it_is_written() {
        for (source, sentence) in [
            ("1,000 people", "1000 and 1 000 and 1.000 and 1'000 and one thousand and a thousand people"),
            ("three dogs, 4.5% of 2nd place", "3 dogs, 4.5 percent, 2 of them, 4,5 per cent"),
            ("It cost 410 million crowns", "It cost 410,000,000 crowns, 410 million, 410M"),
            ("two hundred and fifty cows", "250 cows"),
            ("twenty-one years", "21 years"),
            ("a 3.5-million budget", "3,500,000"),
            ("from 3 to 5 million", "3 million to 5 million"),
            ("in the 1980s and 2019/20", "In 1980, in 2019"),
            ("between 1980–2000", "1980 and 2000"),
            ("12,5 % der Fälle", "12.5%"),
            ("a share of 0.45", "45%"),
            ("45% of it", "a share of 0.45"),
            ("half of the men", "50% of the men"),
            ("on both sides", "on two sides"),
            ("1.234,50 euros", "1,234.5 euros"),
            ("lasted ٣٤ days", "34 days"),
            ("1,00,000 rupees", "100000"),
            ("a dozen eggs, version 2.10.3", "12 eggs in version 2.10.3"),
            ("½ cup", "0.5"),
            ("H2O and CO2", "2"),
            ("$2bn", "2 billion"),
            ("the 21st century", "the twenty-first century"),
            ("5th of May", "fifth of May"),
            ("1-3 models", "three models"),
        ] {
            assert!(unsupported(source, sentence).is_empty(), "{sentence}: {:?}", unsupported(source, sentence));
        }
    }

    #[test]
    fn a_number_that_the_document_does_not_have_is_found() {
        let source = "Of 1,000 people in 2014, 4.5% had two dogs; it cost 410 million and took a decade.";
        for (sentence, expected) in [
            ("1001 people", "1001"),
            ("45% of them", "45"),
            ("410 billion", "410 billion"),
            ("410 people", "410"),
            ("in 2015", "2015"),
            ("three dogs", "three"),
            ("a hundred people", "hundred"),
            ("2 million", "2 million"),
            ("0.5%", "0.5"),
            ("1,001 of them", "1,001"),
            ("in the 1990s", "1990"),
            ("the 19th time", "19"),
            ("thirty-seven", "thirty-seven"),
            ("at 14:30", "14"),
        ] {
            assert_eq!(unsupported(source, sentence).first().map(String::as_str), Some(expected), "{sentence}");
        }
        assert_eq!(unsupported(source, "7 and 7 and 8"), ["7", "8"]);
    }

    #[test]
    fn words_that_only_sound_like_numbers_are_let_be() {
        assert!(
            unsupported("No figures.", "First of all, one of them said it at once, for a second or a third time.")
                .is_empty()
        );
        assert!(unsupported("No figures.", "Someone often weighs the tension.").is_empty());
    }
}
