//! Web pages, chapters of books and mail in HTML: what is read of a page, without what stands around it.

mod style;
mod tree;
mod walk;

use super::charset;
use super::extracted::Writer;
use super::flow::Flow;
use crate::detect::Hints;
use crate::error::{Bound, ExtractError};
use crate::kind::Kind;
use style::Hidden;
use tree::{NodeRef, Tree};
pub use walk::Around;
use walk::Walk;

/// Elements of a page.
const MAX_ELEMENTS: usize = 400_000;
/// The main part of a page, if it is marked, has at least this share of the text, as one over it.
const MAIN_SHARE: usize = 3;

/// Reads a page.
pub fn read(bytes: &[u8], hints: Hints<'_>, writer: Writer) -> Result<Flow, ExtractError> {
    // What is declared with the document counts before what it says of itself, but for a byte order mark.
    let text = match charset::other_than_utf8(bytes, hints)? {
        Some(text) => text,
        None => charset::markup(bytes).ok_or(ExtractError::InvalidText { offset: invalid_at(bytes) })?,
    };
    page(&text, writer)
}

fn invalid_at(bytes: &[u8]) -> usize {
    core::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len)
}

fn page(html: &str, writer: Writer) -> Result<Flow, ExtractError> {
    let tree = parse(html, writer.kind())?;
    let hidden = Hidden::of(&tree);
    let from_node = |root: NodeRef<'_>, writer: Writer| {
        let mut walk = Walk::new(Flow::new(writer), &hidden, Around::Page);
        walk.node(root)?;
        walk.finish()
    };
    let look = |root: NodeRef<'_>| {
        let room = Writer::new(Kind::Html, html.len().saturating_mul(2));
        from_node(root, room).map(|flow| flow.writer.finish())
    };
    let body = body(&tree);
    let seen = look(body)?;
    let is_main = |node: NodeRef<'_>| node.name() == "main" || node.attr("role") == Some("main");
    let marked = [tree.elements(is_main), tree.elements(|node| node.name() == "article")];
    let mut from = body;
    for marked in &marked {
        if let [one] = marked.as_slice()
            && look(*one)?.text.len() >= seen.text.len() / MAIN_SHARE
        {
            from = *one;
            break;
        }
    }
    let mut flow = from_node(from, writer)?;
    flow.writer.notes.hidden_characters = seen.notes.hidden_characters;
    flow.writer.notes.furniture_lines = seen.notes.furniture_lines;
    Ok(flow)
}

/// Writes the text of a chapter or of a mail, which is all there is.
pub fn write(html: &str, flow: Flow, around: Around) -> Result<Flow, ExtractError> {
    let tree = parse(html, flow.writer.kind())?;
    let hidden = Hidden::of(&tree);
    let mut walk = Walk::new(flow, &hidden, around);
    walk.node(body(&tree))?;
    walk.finish()
}

fn body(tree: &Tree) -> NodeRef<'_> {
    tree.elements(|node| node.name() == "body").first().copied().unwrap_or_else(|| tree.root())
}

fn parse(html: &str, kind: Kind) -> Result<Tree, ExtractError> {
    if memchr::memchr_iter(b'<', html.as_bytes()).take(MAX_ELEMENTS + 1).count() > MAX_ELEMENTS {
        return Err(ExtractError::Exceeds(kind, Bound::Parts));
    }
    Ok(Tree::of(html))
}
