//! Segments and their kinds.

use crate::summary::ByteRange;

/// What a segment is, which decides whether it may be quoted in a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A sentence of running text.
    Prose,
    /// An entry of a list.
    Item,
    /// A title or section heading.
    Heading,
    /// Text that stands in every document of its kind: a signature, a legal footer, a licence, the head of a page.
    Notice,
    /// No running text: a rule, a page number, a row of a table, a line of code.
    Scrap,
}

impl Kind {
    /// Running text or an entry of a list.
    pub fn is_running(self) -> bool {
        matches!(self, Self::Prose | Self::Item)
    }
}

/// A sentence, heading, list entry or fragment of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The whole of it, with a list or heading marker.
    pub range: ByteRange,
    /// Bytes to quote: without the marker.
    pub quote: ByteRange,
    /// Its kind.
    pub kind: Kind,
    /// Words of the same sentence stand before it, or behind it: it was cut because the sentence has no end.
    pub cut: (bool, bool),
    /// It goes on a sentence that the segment of running text before it left open, with something else in between.
    pub resumes: bool,
    /// Index of the segment that it is not understood without: the stem of a list, the question that it answers.
    pub lead: Option<usize>,
    /// Depth of quotation, as of history in a mail.
    pub depth: usize,
    /// Count of later messages of its thread that stand below it.
    pub age: usize,
}
