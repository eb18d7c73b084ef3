//! A number in digits: where it ends, how its separators may be read, and its value without rounding.

use super::forms::digit;
use super::usage::{Threes, Usage};

/// An exact decimal, not negative, without leading and trailing zeros.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Decimal {
    whole: String,
    fraction: String,
}

impl From<u64> for Decimal {
    fn from(value: u64) -> Self {
        Self::new(&value.to_string(), "")
    }
}

impl Decimal {
    /// From digits before and after the point.
    pub(super) fn new(whole: &str, fraction: &str) -> Self {
        Self { whole: whole.trim_start_matches('0').to_owned(), fraction: fraction.trim_end_matches('0').to_owned() }
    }

    /// Times ten, `zeros` times over.
    pub(super) fn shift(&self, zeros: usize) -> Self {
        let fraction = format!("{:0<zeros$}", self.fraction);
        Self::new(&format!("{}{}", self.whole, &fraction[..zeros]), &fraction[zeros..])
    }

    /// How many digits stand before the point.
    pub(super) fn digits(&self) -> usize {
        self.whole.len()
    }

    /// Divided by ten, `places` times over.
    pub(super) fn unshift(&self, places: usize) -> Self {
        let whole = format!("{:0>places$}", self.whole);
        let (kept, moved) = whole.split_at(whole.len() - places);
        Self::new(kept, &format!("{moved}{}", self.fraction))
    }
}

/// Digits in groups with separators between them.
pub(super) struct Literal {
    /// First byte.
    pub(super) start: usize,
    /// Byte after the last.
    pub(super) end: usize,
    groups: Vec<String>,
    separators: Vec<char>,
}

impl Literal {
    /// The literal that begins at a byte, if a digit or a fraction sign stands there.
    pub(super) fn at(text: &str, start: usize) -> Option<Self> {
        if let Some(fraction) = text[start..].chars().next().and_then(fraction) {
            let end = start + text[start..].chars().next().map_or(0, char::len_utf8);
            return Some(Self { start, end, groups: vec!["0".into(), fraction.into()], separators: vec!['.'] });
        }
        let (group, mut end) = group(text, start)?;
        let (mut groups, mut separators) = (vec![group], Vec::new());
        while let Some(separator) = text[end..].chars().next() {
            let Some((group, after)) = group_after(text, end + separator.len_utf8()) else {
                break;
            };
            let joins = match separator {
                '.' | ',' | '٫' => true,
                '\'' | '’' | '٬' => group.len() == 3,
                ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' => {
                    let is_uniform = separators.iter().all(|known| *known == separator);
                    let is_first = groups.len() > 1 || groups[0].len() <= 3;
                    group.len() == 3 && is_uniform && is_first && !continues(&text[after..])
                }
                _ => false,
            };
            if !joins {
                break;
            }
            separators.push(match separator {
                '٫' => '.',
                '٬' => ',',
                other => other,
            });
            groups.push(group);
            end = after;
        }
        Some(Self { start, end, groups, separators })
    }

    /// The separator that is surely a decimal one, as no group of three digits follows it.
    pub(super) fn decimal_mark(&self) -> Option<char> {
        let (last, before) = self.separators.split_last()?;
        let group = self.groups.last()?;
        let is_single = before.is_empty() || !before.contains(last) && is_grouped(&self.groups[..before.len() + 1]);
        (is_single && group.len() != 3).then_some(*last)
    }

    /// The number that it is if it has no separators.
    pub(super) fn plain(&self) -> Option<u32> {
        if self.separators.is_empty() { self.groups.first()?.parse().ok() } else { None }
    }

    /// The ways to read it, each a list of values.
    pub(super) fn readings(&self, usage: Usage) -> Vec<Vec<Decimal>> {
        let each = || self.groups.iter().map(|group| Decimal::new(group, "")).collect::<Vec<_>>();
        let Some((last_group, head)) = self.groups.split_last() else {
            return Vec::new();
        };
        let Some((last, before)) = self.separators.split_last() else {
            return vec![each()];
        };
        let decimal = || vec![Decimal::new(&head.concat(), last_group)];
        let whole = || vec![Decimal::new(&self.groups.concat(), "")];
        let is_uniform = before.iter().all(|separator| separator == last);
        match (last, is_uniform) {
            ('.' | ',', true) if before.is_empty() && is_grouped(&self.groups) => match usage.of(*last) {
                Threes::Thousands => vec![whole()],
                Threes::Decimals => vec![decimal()],
                Threes::Either => vec![decimal(), whole()],
            },
            (',', true) if before.is_empty() && last_group.len() != 3 => vec![decimal(), each()],
            ('.' | ',', true) if before.is_empty() => vec![decimal()],
            ('.' | ',', true) if is_grouped(&self.groups) => vec![whole()],
            ('.' | ',', false) if is_grouped(head) => vec![decimal(), each()],
            (' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’', true) => vec![whole(), each()],
            // A version, a date, an address: its parts.
            _ => vec![each()],
        }
    }
}

/// Whether digits stand in groups of three, or of two before the last three as in India.
fn is_grouped(groups: &[String]) -> bool {
    let Some((first, inner)) = groups.split_first() else { return false };
    first.len() <= 3 && !first.starts_with('0') && inner.iter().all(|group| group.len() == 3)
        || inner.len() > 1
            && inner.last().is_some_and(|group| group.len() == 3)
            && inner[..inner.len() - 1].iter().all(|group| group.len() == 2)
}

/// A run of digits at a byte, as ASCII, and where it ends.
fn group(text: &str, start: usize) -> Option<(String, usize)> {
    let mut digits = String::new();
    let mut end = start;
    for c in text[start..].chars() {
        let Some(value) = digit(c) else { break };
        digits.extend(char::from_digit(value, 10));
        end += c.len_utf8();
    }
    (!digits.is_empty()).then_some((digits, end))
}

fn group_after(text: &str, start: usize) -> Option<(String, usize)> {
    text.is_char_boundary(start).then(|| group(text, start)).flatten()
}

/// Whether a text goes on as if the group before it were a number for itself: "2 300.5" is not 2300.5 for certain.
fn continues(rest: &str) -> bool {
    rest.starts_with(char::is_alphanumeric)
}

fn fraction(c: char) -> Option<&'static str> {
    Some(match c {
        '½' => "5",
        '¼' => "25",
        '¾' => "75",
        '⅕' => "2",
        '⅛' => "125",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn readings(text: &str) -> Vec<Vec<String>> {
        let literal = Literal::at(text, 0);
        let show = |value: &Decimal| format!("{}.{}", value.whole, value.fraction);
        literal.map_or(Vec::new(), |literal| {
            literal.readings(Usage::default()).iter().map(|values| values.iter().map(show).collect()).collect()
        })
    }

    #[test]
    fn separators_are_read_in_every_usual_way() {
        assert_eq!(readings("1,000"), [vec!["1000."]]);
        assert_eq!(readings("1.000"), [vec!["1."], vec!["1000."]]);
        assert_eq!(readings("1.50 m"), [vec!["1.5"]]);
        assert_eq!(readings("1,2"), [vec!["1.2"], vec!["1.", "2."]]);
        assert_eq!(readings("1,234,567.80"), [vec!["1234567.8"], vec!["1.", "234.", "567.", "80."]]);
        assert_eq!(readings("1 000 000 men"), [vec!["1000000."], vec!["1.", ".", "."]]);
        assert_eq!(readings("12 500kg")[0], ["12."]);
        assert_eq!(readings("192.168.0.1"), [vec!["192.", "168.", ".", "1."]]);
        assert_eq!(readings("5."), [vec!["5."]]);
        assert!(readings("x").is_empty());
    }

    proptest! {
        #[test]
        fn shifting_there_and_back_changes_nothing(whole in 0u64..1_000_000_000, places in 0usize..15) {
            let value = Decimal::from(whole);
            prop_assert_eq!(&value.shift(places).unshift(places), &value);
            prop_assert_eq!(&value.unshift(places).shift(places), &value);
        }

        #[test]
        fn any_text_gives_a_literal_inside_it(text in "[0-9٣.,' \u{a0}’½x]{0,24}") {
            for (at, _) in text.char_indices() {
                if let Some(literal) = Literal::at(&text, at) {
                    prop_assert!(literal.end > at && text.is_char_boundary(literal.end));
                    prop_assert!(!literal.readings(Usage::default()).is_empty());
                }
            }
        }
    }
}
