//! A line, and what it is when it is looked at alone or among its neighbours.

use crate::summary::ByteRange;

/// A line without the white space around it.
pub(crate) struct Line<'a> {
    /// Its bytes; empty for a blank line.
    pub(crate) range: ByteRange,
    /// Its text.
    pub(crate) text: &'a str,
    /// Its text without the `>` of a quotation.
    pub(crate) body: &'a str,
    /// Count of `>` at its beginning.
    pub(crate) depth: usize,
    /// Count of later messages of its thread that stand below it.
    pub(crate) age: usize,
    /// Its kind.
    pub(crate) class: Class,
}

/// Kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Running text, a list entry or a heading.
    Text,
    /// No running text: a row, code, a link, a rule, the header of a message.
    Scrap,
    /// The head of a page, behind which a sentence can go on.
    Between,
    /// The number and the time of a subtitle, behind which a sentence goes on.
    Cue,
    /// Text that stands in every document of its kind: a signature, a legal footer.
    Notice,
    /// Words of somebody with a name before them, behind so many bytes of a time.
    Speech(usize),
    /// A title behind so many bytes, as the subject of a message.
    Subject(usize),
}

impl Line<'_> {
    /// Checks whether there is nothing on it.
    pub(crate) fn is_blank(&self) -> bool {
        self.range.is_empty()
    }

    /// Checks whether it can still be told to be something else than running text.
    pub(crate) fn is_text(&self) -> bool {
        !self.is_blank() && self.class == Class::Text
    }
}
