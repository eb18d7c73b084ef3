//! How a text separates thousands and decimals, as far as it shows that.

use super::decimal::Literal;
use super::forms::{digit, is_cased};
use super::usage::{Threes, Usage};

/// The decimal separators that a document shows where they are no thousands.
#[derive(Clone, Copy, Default)]
pub(super) struct Marks {
    comma: bool,
    point: bool,
}

impl Marks {
    pub(super) fn of(text: &str) -> Self {
        let (mut commas, mut points) = (0usize, 0usize);
        let (mut at, mut previous) = (0, ' ');
        while let Some(c) = text[at..].chars().next() {
            // "[1,2]" cites two works.
            let counts = !is_cased(previous) && previous != '[';
            match digit(c).and_then(|_| Literal::at(text, at)) {
                Some(literal) => {
                    match literal.decimal_mark().filter(|_| counts) {
                        Some(',') => commas += 1,
                        Some('.') => points += 1,
                        _ => {}
                    }
                    at = literal.end;
                    previous = '0';
                }
                None => {
                    at += c.len_utf8();
                    previous = c;
                }
            }
        }
        Self { comma: commas > 0 && commas >= points, point: points > commas }
    }

    /// How to read the document itself.
    pub(super) fn document(self) -> Usage {
        if self.comma { Usage { comma: Threes::Either, point: Threes::Thousands } } else { Usage::default() }
    }

    /// How to read what was written about it: a comma before three digits is never a decimal one.
    pub(super) fn sentence(self) -> Usage {
        let point = match (self.comma, self.point) {
            (true, _) => Threes::Thousands,
            (_, true) => Threes::Decimals,
            _ => Threes::Either,
        };
        Usage { comma: Threes::Thousands, point }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_separator_is_one_that_no_three_digits_follow() {
        for (text, comma, point) in [
            ("1.000 Menschen, 2,5 % davon", true, false),
            ("1.234,50 Euro", true, false),
            ("1,000 people, 2.5% of them", false, true),
            ("1,234.50 dollars", false, true),
            ("1,000 and 1.000 and 1,00,000", false, false),
            ("as shown [1,2] and in version 1.2.3", false, false),
            ("3.1, 4.2 and 1,2", false, true),
        ] {
            let marks = Marks::of(text);
            assert_eq!((marks.comma, marks.point), (comma, point), "{text}");
        }
    }
}
