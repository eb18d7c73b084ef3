//! What stands right before and after a number in digits: its sign, its currency, and letters that scale it.

use crate::summary::ByteRange;

const CURRENCIES: &[char] = &['$', '€', '£', '¥', '₹', '₩', '₽', '₺', '₴', '₦', '₱', '₫', '฿', '₪', '¢'];
const CODES: &[&str] =
    &["USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "BRL"];
const MINUS: &[char] = &['-', '−', '–'];
/// Characters after a number in which "below zero" is looked for.
const BELOW_REACH: usize = 24;

/// A power of ten that multiplies what stands before it.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    /// Zeros of it.
    pub(super) zeros: usize,
}

/// Whether a text ends with a currency.
pub(super) fn is_money(before: &str) -> bool {
    let before = before.strip_suffix([' ', '\u{a0}', '\u{202f}']).unwrap_or(before);
    before.ends_with(CURRENCIES) || CODES.iter().any(|code| before.ends_with(code))
}

/// Letters right after a number as a scale, and whether they can be nothing else: 5bn; but 5M and 5m only after a
/// currency.
pub(super) fn scale(letters: &str, is_money: bool) -> Option<(Scale, bool)> {
    let (zeros, is_sure) = match letters {
        "k" | "K" => (3, true),
        "mn" | "mio" | "Mio" | "mln" => (6, true),
        "bn" | "Bn" | "mrd" | "Mrd" => (9, true),
        "tn" => (12, true),
        "M" | "m" => (6, is_money),
        "B" | "b" => (9, is_money),
        "T" => (12, is_money),
        _ => return None,
    };
    Some((Scale { zeros }, is_sure))
}

/// Where the sign of a negative number begins that begins at a byte. A dash after a number makes a range, after a
/// letter a compound.
pub(super) fn minus(text: &str, start: usize) -> Option<usize> {
    let before = text[..start].trim_end_matches(CURRENCIES);
    if let Some(rest) = before.strip_suffix(MINUS) {
        let is_apart = rest.is_empty()
            || rest.ends_with([' ', '\n', '\t', '\u{a0}', '(', '[', '"', '“', '‘', '\'', '~', '=', ':']);
        return (is_apart && !is_operand(rest.trim_end())).then_some(rest.len());
    }
    let rest = before.strip_suffix([' ', '\u{a0}'])?;
    ["minus", "Minus", "negative", "Negative"].iter().find_map(|word| {
        let head = rest.strip_suffix(word)?;
        (!head.ends_with(char::is_alphanumeric)).then_some(head.len())
    })
}

/// Whether what a text ends with can have something taken off: a number, or a letter in a formula.
fn is_operand(before: &str) -> bool {
    let mut letters = before.chars().rev();
    match letters.next() {
        Some(last) if last.is_alphabetic() => !letters.next().is_some_and(char::is_alphabetic),
        last => last.is_some_and(|last| last.is_numeric() || last == ')'),
    }
}

/// Whether a number of a document is below zero without a sign: "5 degrees below zero", and "(5)" in accounts.
pub(super) fn is_below(text: &str, range: ByteRange) -> bool {
    let after = &text[range.end..];
    if text[..range.start].trim_end_matches(CURRENCIES).ends_with('(') && after.trim_start_matches('%').starts_with(')')
    {
        return true;
    }
    let end = after.char_indices().nth(BELOW_REACH).map_or(after.len(), |(at, _)| at);
    after[..end].split(|c: char| !c.is_alphabetic()).any(|word| word == "below")
}
