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
    /// No running text: a rule, a page number, a row of a table, a line of code.
    Scrap,
}
