//! A text looked at in steps: what makes it unsuitable, cheapest first, and the number of its tokens.
//!
//! The steps end where both tokenizers separate in any case, so that their counts add up to the count of the whole text.

use crate::embed::{Census, Embedder};
use crate::embedders::Embedders;
use crate::error::Error;
use crate::limits::Limits;
use crate::segment;
use crate::words;
use precis_engine::tokenizer::cut;

/// How far a text has been looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screening {
    read: usize,
    tokens: u64,
    /// Set if the embedding model for all languages reads it.
    is_multilingual: bool,
    /// Tokens by the embedding model's tokenizer.
    pieces: Census,
}

/// What a step found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screened {
    /// The text is suitable, and has so many tokens.
    Admitted {
        /// As [`crate::Summarizer::count_tokens`] counts them.
        tokens: u32,
    },
    /// Nothing speaks against it so far.
    GoOn(Screening),
}

impl Screening {
    /// What a step reads of a text at least, as far as there is so much, bytes.
    pub const STEP_BYTES: usize = 32 * 1024;

    /// Bytes that have been read.
    #[must_use]
    pub fn read(&self) -> usize {
        self.read
    }

    /// The embedding model that reads a text; which one it is, is settled with the first step.
    pub(crate) fn reader<'e>(&mut self, text: &str, embedders: &'e Embedders) -> &'e Embedder {
        self.is_multilingual = if self.read == 0 { embedders.is_multilingual(text) } else { self.is_multilingual };
        embedders.get(self.is_multilingual)
    }

    /// The next step. `cut` is where the tokenizers separate, `pieces` counts by the embedding model's, `tokens` by the mode's
    /// own if that is another and needs a text that the embedding model can read.
    pub(crate) fn step(
        mut self,
        text: &str,
        limits: &Limits,
        (cut, pieces): (impl FnOnce(&str, usize) -> usize, impl FnOnce(&str) -> Result<Census, Error>),
        tokens: Option<impl FnOnce(&str) -> Result<usize, Error>>,
    ) -> Result<Screened, Error> {
        if self.read == 0 {
            limits.check_bytes(text)?;
            limits.check_tokens(words::saturate(fewest_tokens(text)))?;
            segment::require_sentences(text)?;
        }
        let end = cut(text, self.read + Self::STEP_BYTES);
        let part = text.get(self.read..end).unwrap_or_default();
        let census = pieces(part)?;
        let needs_letters = tokens.is_some();
        let counted = tokens.map_or(Ok(census.tokens), |count| count(part))?;
        self.read = end;
        self.tokens += counted as u64;
        self.pieces += census;
        let tokens = u32::try_from(self.tokens).unwrap_or(u32::MAX);
        limits.check_tokens(tokens)?;
        // The embedding model ranks the text whichever model counts it, and may need more tokens for it.
        limits.check_tokens(words::saturate(self.pieces.tokens))?;
        if end < text.len() {
            return Ok(Screened::GoOn(self));
        }
        if needs_letters {
            self.pieces.require_known(text)?;
        }
        Ok(Screened::Admitted { tokens })
    }
}

impl Screening {
    /// The next step for a text of which nothing is asked but its number of tokens.
    pub(crate) fn counting_step(
        mut self,
        text: &str,
        limits: &Limits,
        count: impl FnOnce(&str) -> Result<usize, Error>,
    ) -> Result<Screened, Error> {
        if self.read == 0 {
            limits.check_bytes(text)?;
            limits.check_tokens(words::saturate(fewest_tokens(text)))?;
        }
        let end = cut(text, self.read + Self::STEP_BYTES);
        self.tokens += count(text.get(self.read..end).unwrap_or_default())? as u64;
        self.read = end;
        let tokens = u32::try_from(self.tokens).unwrap_or(u32::MAX);
        limits.check_tokens(tokens)?;
        Ok(if end < text.len() { Screened::GoOn(self) } else { Screened::Admitted { tokens } })
    }
}

/// A number that the tokens of a text are not below, by any tokenizer: each word with an ASCII letter or digit is one at least.
fn fewest_tokens(text: &str) -> usize {
    let words = text.split_ascii_whitespace();
    words.filter(|word| word.bytes().any(|byte| byte.is_ascii_alphanumeric())).count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LIMITS: Limits =
        Limits { max_document_tokens: 50_000, max_document_bytes: 1 << 20, max_sentences: 1, max_output_tokens: 1 };

    fn census(part: &str) -> Result<Census, Error> {
        Ok(Census { tokens: part.split_whitespace().count(), ..Census::default() })
    }

    /// How a text is judged, and after how many steps.
    fn judge(text: &str) -> (Result<u32, Error>, usize) {
        let (mut screening, mut steps) = (Screening::default(), 0);
        loop {
            steps += 1;
            match screening.step(text, &LIMITS, (cut, census), None::<fn(&str) -> Result<usize, Error>>) {
                Ok(Screened::GoOn(after)) => screening = after,
                Ok(Screened::Admitted { tokens }) => return (Ok(tokens), steps),
                Err(error) => return (Err(error), steps),
            }
        }
    }

    #[test]
    fn steps_add_up_to_the_whole_text() {
        let text = "A word, and another one. ".repeat(8_000);
        let (tokens, steps) = judge(&text);
        assert_eq!(tokens, Ok(40_000));
        assert!((6..=7).contains(&steps), "{steps} steps");
    }

    #[test]
    fn a_text_with_too_many_words_is_refused_before_any_token_is_counted() {
        let (refused, steps) = judge(&"One two three. ".repeat(30_000));
        assert!(matches!(refused, Err(Error::TooLong { unit: "tokens", .. })) && steps == 1);
    }

    #[test]
    fn a_text_with_too_many_tokens_is_refused_as_soon_as_they_are_too_many() {
        // No word of it has an ASCII letter, so that nothing is known of it beforehand.
        let (refused, steps) = judge(&"Слово за словом. А. ".repeat(20_000));
        assert!(matches!(refused, Err(Error::TooLong { unit: "tokens", .. })), "{refused:?}");
        assert!(steps > 1 && steps < 20, "{steps} steps");
    }
}
