//! Kinds of segments.

/// What a segment is, which decides whether it may be quoted in a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A sentence of running text.
    Prose,
    /// An entry of a list.
    Item,
    /// A title or section heading.
    Heading,
    /// What stands in every document of its kind: a signature, a legal footer, a licence, the head of a page.
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
