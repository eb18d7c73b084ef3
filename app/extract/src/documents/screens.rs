//! Looks at the text after reading and before the price: nobody pays for something that is no text.

use super::extracted::Extracted;
use crate::error::ExtractError;
use crate::kind::Kind;
use crate::screen;

/// Words up to which no share is taken.
const FEW_WORDS: usize = 20;
/// Letters, as one over it, that may be undecodable.
const UNDECODABLE_SHARE: u64 = 4;

/// Refuses what cannot be summarized.
///
/// # Errors
/// [`ExtractError::Undecodable`], [`ExtractError::NoTextLayer`], [`ExtractError::Scattered`], [`ExtractError::Binary`] and
/// [`ExtractError::Empty`].
pub fn check(extracted: &Extracted) -> Result<(), ExtractError> {
    let (text, notes) = (&extracted.text, &extracted.notes);
    let letters = text.chars().filter(|character| !character.is_whitespace()).count() as u64;
    if notes.undecodable_characters > letters / UNDECODABLE_SHARE {
        return Err(ExtractError::Undecodable);
    }
    if screen::is_blank(text) {
        return Err(if extracted.kind == Kind::Pdf && notes.hidden_characters == 0 {
            ExtractError::NoTextLayer { pages: notes.parts }
        } else {
            ExtractError::Empty
        });
    }
    if screen::is_binary(text) {
        return Err(ExtractError::Binary);
    }
    if is_scattered(text) {
        return Err(ExtractError::Scattered(extracted.kind));
    }
    Ok(())
}

/// Most words are single letters, in a script that has longer ones.
fn is_scattered(text: &str) -> bool {
    let (mut words, mut single) = (0usize, 0usize);
    for word in text.split_whitespace() {
        let mut letters = word.chars().filter(|character| character.is_alphabetic());
        let Some(first) = letters.next() else { continue };
        // A word may be one sign where signs are words.
        if first > '\u{2fff}' {
            continue;
        }
        words += 1;
        single += usize::from(letters.next().is_none());
    }
    words > FEW_WORDS && single * 2 > words
}
