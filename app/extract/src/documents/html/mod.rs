//! Web pages, chapters of books and mail in HTML: what is read of a page, without what stands around it.

mod style;
mod walk;

use dom_query::{Document, NodeRef};
use dom_smoothie::{Config, Readability};

use super::charset;
use super::extracted::Writer;
use super::flow::Flow;
use crate::detect::Hints;
use crate::error::{Bound, ExtractError};
use crate::kind::Kind;
use style::Hidden;
pub use walk::Around;
use walk::Walk;

/// Elements of a page.
const MAX_ELEMENTS: usize = 400_000;
/// The main part of a page, if it is marked, has at least this share of the text, as one over it.
const MAIN_SHARE: usize = 3;
/// The article that is found in an unmarked page has at least this share of the text, as one over it.
const ARTICLE_SHARE: usize = 2;
/// Bytes of a page up to which its article is looked for.
const MAX_SEARCHED: usize = 2 * 1024 * 1024;

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
    let document = parse(html, writer.kind())?;
    let hidden = Hidden::of(&document);
    let limit = html.len();
    let whole = |root: &NodeRef<'_>, around: Around| {
        let mut walk = Walk::new(Flow::new(Writer::new(Kind::Html, limit.saturating_mul(2))), &hidden, around);
        walk.node(root)?;
        walk.finish()
    };
    let body = document.body().unwrap_or_else(|| document.root());
    let seen = whole(&body, Around::Page)?.writer.finish();
    let mut from = body;
    for selector in ["main, [role=main]", "article"] {
        let marked = document.select(selector);
        if let [one] = marked.nodes()
            && whole(one, Around::Page)?.writer.finish().text.len() >= seen.text.len() / MAIN_SHARE
        {
            from = *one;
            break;
        }
    }
    if from.id == body.id
        && html.len() <= MAX_SEARCHED
        && let Some(article) = article(html)
    {
        let found = whole(&article.root(), Around::Nothing)?.writer.finish();
        // Hidden text is found by the styles of the page, which the article lacks.
        if seen.notes.hidden_characters == 0
            && found.text.len() >= seen.text.len() / ARTICLE_SHARE
            && found.text.len() < seen.text.len()
        {
            let mut walk = Walk::new(Flow::new(writer), &hidden, Around::Nothing);
            walk.node(&article.root())?;
            let mut flow = walk.finish()?;
            flow.writer.notes.furniture_lines += seen.notes.furniture_lines;
            return Ok(flow);
        }
    }
    let mut walk = Walk::new(Flow::new(writer), &hidden, Around::Page);
    walk.node(&from)?;
    let mut flow = walk.finish()?;
    flow.writer.notes.hidden_characters = seen.notes.hidden_characters;
    flow.writer.notes.furniture_lines = seen.notes.furniture_lines;
    Ok(flow)
}

/// Writes the text of a chapter or of a mail, which is all there is.
pub fn write(html: &str, flow: Flow, around: Around) -> Result<Flow, ExtractError> {
    let document = parse(html, flow.writer.kind())?;
    let hidden = Hidden::of(&document);
    let mut walk = Walk::new(flow, &hidden, around);
    walk.node(&document.body().unwrap_or_else(|| document.root()))?;
    walk.finish()
}

fn parse(html: &str, kind: Kind) -> Result<Document, ExtractError> {
    if memchr::memchr_iter(b'<', html.as_bytes()).take(MAX_ELEMENTS + 1).count() > MAX_ELEMENTS {
        return Err(ExtractError::Exceeds(kind, Bound::Parts));
    }
    Ok(Document::from(html))
}

/// The article of a page that does not mark it.
fn article(html: &str) -> Option<Document> {
    let config = Config { max_elements_to_parse: 50_000, disable_json_ld: true, ..Config::default() };
    let article = Readability::new(html, None, Some(config)).ok()?.parse().ok()?;
    Some(Document::from(article.content))
}
