//! The text of a document, with the parts that it is from and what was left out.

use serde::{Deserialize, Serialize};

use crate::error::{Bound, ExtractError};
use crate::kind::Kind;

/// Most parts of a document: pages, slides, sheets, chapters.
pub const MAX_PARTS: usize = 5000;
/// Longest label of a part, in characters.
const MAX_LABEL: usize = 80;

/// The text of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extracted {
    /// The kind of document that was read.
    pub kind: Kind,
    /// The text, paragraphs parted by a blank line. Of plain text and Markdown in UTF-8: the document itself.
    pub text: String,
    /// The parts of the document that have text, in the order of the text. Empty for kinds without parts.
    pub parts: Vec<Part>,
    /// The parts of the document that are not in the text.
    pub notes: Notes,
}

/// A page, slide, sheet or chapter: `start..end` are byte offsets in the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its number in the document, from 1.
    pub number: u32,
    /// Its name or title, if it has one.
    pub label: String,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// Counts of the parts of a document that are not in its text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notes {
    /// Parts of the document, with and without text.
    pub parts: u32,
    /// Parts without text: pictures of pages, empty sheets.
    pub parts_without_text: u32,
    /// Characters of hidden text: invisible, covered, of the colour of the ground, off the page, or marked as hidden.
    pub hidden_characters: u64,
    /// Characters whose glyphs stand for no known character.
    pub undecodable_characters: u64,
    /// Lines of page headers and footers, navigation, signatures and quoted mail.
    pub furniture_lines: u32,
    /// Attachments, comments and speaker notes.
    pub attachments: u32,
    /// Cells of tables that hold no sentence.
    pub cells: u32,
    /// The text of pictures of pages is what a recognition program put there.
    pub recognized: bool,
}

impl Extracted {
    /// The part that a byte offset in the text lies in.
    #[must_use]
    pub fn part_at(&self, offset: usize) -> Option<&Part> {
        let after = self.parts.partition_point(|part| part.start <= offset);
        self.parts.get(after.checked_sub(1)?).filter(|part| offset < part.end)
    }

    /// Place of a byte offset, as in `page 3`; nothing for documents without parts.
    #[must_use]
    pub fn place(&self, offset: usize) -> Option<String> {
        let part = self.part_at(offset)?;
        let name = self.kind.part_name();
        (!name.is_empty()).then(|| format!("{name} {}", part.number))
    }

    /// True if the parts lie in order within the text, on the boundaries of characters.
    pub(crate) fn is_sound(&self) -> bool {
        let mut before = 0;
        self.parts.len() <= MAX_PARTS
            && self.parts.iter().all(|part| {
                let sound = before <= part.start
                    && part.start <= part.end
                    && self.text.is_char_boundary(part.start)
                    && self.text.is_char_boundary(part.end);
                before = part.end;
                sound
            })
    }
}

/// Writes the text of a document, paragraph by paragraph.
pub struct Writer {
    kind: Kind,
    max_bytes: usize,
    text: String,
    parts: Vec<Part>,
    open: Option<Part>,
    /// Counts of the parts that were left out.
    pub notes: Notes,
}

impl Writer {
    /// Takes at most `max_bytes` of text.
    pub fn new(kind: Kind, max_bytes: usize) -> Self {
        Self { kind, max_bytes, text: String::new(), parts: Vec::new(), open: None, notes: Notes::default() }
    }

    /// The kind of document.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// True if nothing is written yet.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Begins the next part of the document.
    pub fn part(&mut self, label: &str) -> Result<(), ExtractError> {
        self.close();
        self.notes.parts += 1;
        if self.notes.parts as usize > MAX_PARTS {
            return Err(ExtractError::Exceeds(self.kind, Bound::Parts));
        }
        let label = tidy(label).chars().take(MAX_LABEL).collect();
        self.open = Some(Part { number: self.notes.parts, label, start: usize::MAX, end: 0 });
        Ok(())
    }

    fn close(&mut self) {
        let Some(mut part) = self.open.take() else { return };
        if part.start == usize::MAX {
            self.notes.parts_without_text += 1;
        } else {
            part.end = self.text.len();
            self.parts.push(part);
        }
    }

    /// A paragraph, parted from what is before it by a blank line. White space is made single, what nobody sees is dropped.
    pub fn paragraph(&mut self, text: &str) -> Result<(), ExtractError> {
        self.put("\n\n", &tidy(text))
    }

    /// A line below the line before it: a list item, a row of a table.
    pub fn line(&mut self, text: &str) -> Result<(), ExtractError> {
        self.put("\n", &tidy(text))
    }

    /// The rest of a paragraph that began in the part before; the hyphen that parts a word there is dropped if `dropped` says so.
    pub fn continuation(&mut self, text: &str, dropped: bool) -> Result<(), ExtractError> {
        if dropped && self.text.ends_with(['-', '\u{2010}']) {
            self.text.pop();
            if let Some(part) = self.parts.last_mut() {
                part.end = part.end.min(self.text.len());
            }
        }
        let hyphenated = dropped || self.text.ends_with('-');
        if let Some(part) = self.open.as_mut().filter(|part| part.start == usize::MAX) {
            part.start = self.text.len() + usize::from(!hyphenated);
        }
        self.put(if hyphenated { "" } else { " " }, &tidy(text))
    }

    fn put(&mut self, between: &str, text: &str) -> Result<(), ExtractError> {
        if text.is_empty() {
            return Ok(());
        }
        if self.text.len() + between.len() + text.len() > self.max_bytes {
            return Err(ExtractError::Exceeds(self.kind, Bound::Text));
        }
        if !self.text.is_empty() {
            let starts_part = self.open.as_ref().is_some_and(|part| part.start == usize::MAX);
            self.text.push_str(if starts_part { "\n\n" } else { between });
        }
        if let Some(part) = self.open.as_mut().filter(|part| part.start == usize::MAX) {
            part.start = self.text.len();
        }
        self.text.push_str(text);
        Ok(())
    }

    /// The whole.
    pub fn finish(mut self) -> Extracted {
        self.close();
        Extracted { kind: self.kind, text: self.text, parts: self.parts, notes: self.notes }
    }
}

/// One line: white space made single, controls and characters without a look dropped.
pub fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut space = false;
    for character in text.chars() {
        if character.is_whitespace() {
            space = true;
        } else if !character.is_control() && !crate::screen::is_invisible(character) {
            if space && !tidy.is_empty() {
                tidy.push(' ');
            }
            space = false;
            tidy.push(character);
        }
    }
    tidy
}
