//! Numbers spelled in English, up to trillions.

use super::signs::{self, Scale};

/// A spelled number.
pub(super) struct Spelled {
    /// Byte after its last word.
    pub(super) end: usize,
    /// What it says.
    pub(super) value: u64,
    /// Its scale from a thousand up, if it has one.
    pub(super) scale: Option<Scale>,
    /// Whether it is a word of many other uses.
    pub(super) vague: bool,
}

const ONES: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: &[&str] = &["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const ORDINALS: &[&str] = &[
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];
const SCALES: &[(&str, usize)] = &[("thousand", 3), ("million", 6), ("billion", 9), ("trillion", 12)];
/// Ordinals up to this one have other uses: first of all, a second, a third of it.
const VAGUE_ORDINAL: u64 = 3;

enum Part {
    Unit(u64),
    Ten(u64),
    Ordinal(u64),
    Hundred,
    Dozen,
    Scale(usize),
}

fn part(word: &str) -> Option<Part> {
    let word = word.to_lowercase();
    let place = |list: &[&str], word: &str| list.iter().position(|known| *known == word).map(|at| at as u64);
    if let Some(value) = place(ONES, &word) {
        return Some(Part::Unit(value));
    }
    if let Some(ten) = place(TENS, &word) {
        return Some(Part::Ten((ten + 2) * 10));
    }
    if let Some(value) = place(ORDINALS, &word) {
        return Some(Part::Ordinal(value));
    }
    if let Some(ten) = word.strip_suffix("ieth").and_then(|stem| place(TENS, &format!("{stem}y"))) {
        return Some(Part::Ordinal((ten + 2) * 10));
    }
    match word.as_str() {
        "hundred" => Some(Part::Hundred),
        "dozen" => Some(Part::Dozen),
        _ => SCALES.iter().find(|(name, _)| *name == word).map(|(_, zeros)| Part::Scale(*zeros)),
    }
}

/// The word of letters that begins at a byte.
fn word(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    &rest[..rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len())]
}

/// Where the next word of the same number could begin: after a space, a hyphen, or "and".
fn next(text: &str, end: usize) -> Option<usize> {
    let rest = &text[end..];
    let joined = rest.strip_prefix([' ', '-', '‑', '\u{a0}', '\n'])?;
    let at = text.len() - joined.len();
    Some(joined.strip_prefix("and ").map_or(at, |after| text.len() - after.len()))
}

/// The spelled number that begins at a byte.
pub(super) fn at(text: &str, start: usize) -> Option<Spelled> {
    let (mut total, mut current, mut scale, mut is_ordinal) = (0u64, 0u64, None, false);
    let (mut end, mut words) = (start, 0);
    let mut position = start;
    loop {
        let word = word(text, position);
        let Some(part) = part(word) else { break };
        let joined_by_and = words > 0 && text[end..position].contains("and");
        match part {
            // "two three" and "twenty and one" are two numbers.
            Part::Unit(value) if current % 10 == 0 && fits(current, value, words, joined_by_and) => current += value,
            Part::Ordinal(value) if current % 10 == 0 && fits(current, value, words, joined_by_and) => {
                current += value;
                is_ordinal = true;
            }
            Part::Ten(value) if words == 0 || current % 100 == 0 => current += value,
            Part::Hundred if !joined_by_and && current < 100 => current = current.max(1) * 100,
            Part::Dozen if !joined_by_and && current < 100 => current = current.max(1) * 12,
            Part::Scale(zeros) if !joined_by_and => {
                let value = current.max(1).saturating_mul(10u64.saturating_pow(zeros as u32));
                total = total.saturating_add(value);
                (current, scale) = (0, Some(Scale { zeros }));
            }
            _ => break,
        }
        words += 1;
        end = position + word.len();
        if is_ordinal {
            break;
        }
        match next(text, end) {
            Some(at) => position = at,
            None => break,
        }
    }
    let value = total.saturating_add(current);
    let vague = words == 1 && (value == 1 || is_ordinal && value <= VAGUE_ORDINAL);
    (words > 0).then_some(Spelled { end, value, scale, vague })
}

/// Whether a number below twenty can follow what is there.
fn fits(current: u64, value: u64, words: usize, joined_by_and: bool) -> bool {
    match current % 100 {
        _ if words == 0 => true,
        0 => true,
        _ => value < 10 && value > 0 && !joined_by_and,
    }
}

/// A scale word right after a number in digits, whether it can be nothing else, and where it ends.
pub(super) fn scale_after(text: &str, end: usize, is_money: bool) -> Option<(Scale, bool, usize)> {
    let at = next(text, end).filter(|at| !text[end..*at].contains("and"))?;
    let word = word(text, at);
    let (scale, is_sure) = match part(word) {
        Some(Part::Scale(zeros)) => (Scale { zeros }, true),
        Some(Part::Hundred) => (Scale { zeros: 2 }, true),
        // A letter that stands apart is a unit as well: 5 K.
        _ => signs::scale(word, is_money).map(|(scale, is_sure)| (scale, is_sure && (is_money || word.len() > 1)))?,
    };
    Some((scale, is_sure, at + word.len()))
}

/// A word that says only how many zeros a number has, with the one after "of", and where it ends: "tens of thousands".
pub(super) fn magnitude(text: &str, start: usize) -> Option<(usize, usize)> {
    let zeros = |word: &str| match word.to_lowercase().as_str() {
        "tens" | "dozens" => Some(1),
        "hundreds" => Some(2),
        many => {
            let scale = many.strip_suffix('s')?;
            SCALES.iter().find(|(name, _)| *name == scale).map(|(_, zeros)| *zeros)
        }
    };
    let first = word(text, start);
    let (count, end) = (zeros(first)?, start + first.len());
    let second = text[end..].strip_prefix(" of ").map(|rest| word(rest, 0));
    match second.and_then(|second| Some((count + zeros(second)?, end + " of ".len() + second.len()))) {
        Some(both) => Some(both),
        None if first.eq_ignore_ascii_case("tens") => None,
        None => Some((count, end)),
    }
}

/// The numbers that another word says, in lower case.
pub(super) fn implied(word: &str) -> &'static [u64] {
    match word {
        "once" | "single" => &[1],
        "both" | "pair" | "pairs" | "couple" | "twice" | "double" | "doubled" | "dual" | "twofold" | "twin" => &[2],
        "triple" | "thrice" | "tripled" | "threefold" | "third" => &[3],
        "quarter" | "quarters" | "quadruple" | "fourfold" => &[4],
        "decade" => &[10],
        "dozens" => &[12],
        "hundreds" | "century" | "centuries" => &[100],
        "thousands" => &[1000],
        "millions" => &[1_000_000],
        "billions" => &[1_000_000_000],
        _ => &[],
    }
}

/// The hundredths that another word says, in lower case.
pub(super) fn share(word: &str) -> Option<u64> {
    match word {
        "half" | "halves" | "halved" => Some(50),
        "quarter" | "quarters" => Some(25),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelled_numbers_have_their_value() {
        for (text, value) in [
            ("zero", 0),
            ("nineteen", 19),
            ("forty-two", 42),
            ("two hundred and fifty cows", 250),
            ("three hundred and five", 305),
            ("one million two hundred thousand", 1_200_000),
            ("two dozen eggs", 24),
            ("twelve thousand and six", 12_006),
            ("fifty-third", 53),
            ("thirtieth", 30),
            ("twenty and one", 20),
            ("two three", 2),
            ("hundred", 100),
            ("ten or eleven", 10),
        ] {
            assert_eq!(at(text, 0).map(|spelled| spelled.value), Some(value), "{text}");
        }
        assert!(at("once upon", 0).is_none());
    }
}
