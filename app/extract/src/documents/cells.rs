//! Tables by themselves: the cells that hold sentences are text, the others are counted.

use super::extracted::{Writer, tidy};
use crate::error::{Bound, ExtractError};

/// Words that a cell has at least to be a sentence, where words are parted by blanks.
const SENTENCE_WORDS: usize = 6;
/// Characters that a cell has at least to be a sentence, where they are not.
const SENTENCE_CHARACTERS: usize = 20;

/// The cells of a table as they come.
pub struct Cells {
    writer: Writer,
    left: usize,
}

impl Cells {
    /// Takes at most `most` cells.
    pub fn new(writer: Writer, most: usize) -> Self {
        Self { writer, left: most }
    }

    /// Begins a sheet.
    pub fn sheet(&mut self, name: &str) -> Result<(), ExtractError> {
        self.writer.part(name)
    }

    /// A cell that can be seen.
    pub fn cell(&mut self, text: &str) -> Result<(), ExtractError> {
        self.count()?;
        if is_sentence(text) {
            return self.writer.paragraph(text);
        }
        self.writer.notes.cells = self.writer.notes.cells.saturating_add(1);
        Ok(())
    }

    /// A cell of a hidden sheet.
    pub fn hidden(&mut self, text: &str) -> Result<(), ExtractError> {
        self.count()?;
        if is_sentence(text) {
            self.writer.notes.hidden_characters +=
                text.chars().filter(|character| !character.is_whitespace()).count() as u64;
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), ExtractError> {
        self.left = self.left.checked_sub(1).ok_or(ExtractError::Exceeds(self.writer.kind(), Bound::Parts))?;
        Ok(())
    }

    /// The finished writing.
    ///
    /// # Errors
    /// [`ExtractError::NoSentences`] if no cell holds a sentence.
    pub fn finish(self) -> Result<Writer, ExtractError> {
        let kind = self.writer.kind();
        let cells = self.writer.notes.cells;
        let extracted_nothing = self.writer.is_empty();
        if extracted_nothing && cells > 0 { Err(ExtractError::NoSentences(kind)) } else { Ok(self.writer) }
    }
}

fn is_sentence(text: &str) -> bool {
    let text = tidy(text);
    let wordlike = text.split(' ').filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1).count();
    let unspaced = text
        .chars()
        .filter(|c| matches!(*c, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'));
    wordlike >= SENTENCE_WORDS || unspaced.count() >= SENTENCE_CHARACTERS
}
