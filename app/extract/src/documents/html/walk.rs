//! The walk through a page: blocks become paragraphs, what stands around the text is left out and counted.

use super::style::Hidden;
use super::tree::NodeRef;
use crate::documents::flow::Flow;
use crate::error::ExtractError;

/// The surroundings of a text that are no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// Nothing but what no reader sees.
    Nothing,
    /// Navigation, banners, footers and forms of a page.
    Page,
    /// Messages that a mail answers.
    Mail,
}

/// Never text.
const UNREAD: [&str; 22] = [
    "script", "style", "noscript", "template", "head", "svg", "math", "iframe", "object", "embed", "canvas", "audio",
    "video", "map", "select", "option", "datalist", "input", "textarea", "button", "rt", "rp",
];
/// Around the text of a page.
const FURNITURE: [&str; 6] = ["nav", "footer", "aside", "form", "dialog", "menu"];
/// Roles of what is around the text of a page.
const ROLES: [&str; 9] =
    ["navigation", "banner", "contentinfo", "search", "complementary", "dialog", "alertdialog", "menu", "toolbar"];
/// Words in the classes and identifiers of what is around the text of a page.
const WORDS: [&str; 26] = [
    "cookie",
    "consent",
    "gdpr",
    "newsletter",
    "subscribe",
    "breadcrumb",
    "breadcrumbs",
    "sidebar",
    "menu",
    "navbar",
    "nav",
    "navigation",
    "share",
    "sharing",
    "social",
    "promo",
    "advert",
    "advertisement",
    "ads",
    "banner",
    "footer",
    "popup",
    "modal",
    "related",
    "comments",
    "toolbar",
];
/// Blocks: their text is parted from what is around them.
const BLOCKS: [&str; 38] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "html",
    "legend",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "ul",
    "caption",
];

/// An element with the name of furniture and more than this share of the text, as one over it, is text.
const LARGEST_SHARE: usize = 3;

/// A walk that writes what it passes.
pub struct Walk<'a> {
    flow: Flow,
    hidden: &'a Hidden,
    around: Around,
    text: String,
    /// The text is the item of a list.
    item: bool,
    breaks: usize,
    /// Bytes of text in what is walked through.
    bytes: usize,
}

/// A step that is yet to be done.
enum Step<'a> {
    Enter(NodeRef<'a>),
    Leave(&'a str),
}

impl<'a> Walk<'a> {
    /// Writes to `flow`.
    pub fn new(flow: Flow, hidden: &'a Hidden, around: Around) -> Self {
        Self { flow, hidden, around, text: String::new(), item: false, breaks: 0, bytes: 0 }
    }

    /// Walks through `root`; not by recursion, since pages nest as deep as they like.
    pub fn node(&mut self, root: NodeRef<'_>) -> Result<(), ExtractError> {
        let mut steps = vec![Step::Enter(root)];
        let mut articles = 0usize;
        self.bytes = root.text().len();
        while let Some(step) = steps.pop() {
            match step {
                Step::Enter(node) => {
                    if let Some(text) = node.own_text() {
                        self.push(text);
                        continue;
                    }
                    let name = node.name();
                    if UNREAD.contains(&name) {
                        continue;
                    }
                    if self.hidden.hides(node) {
                        self.flow.writer.notes.hidden_characters += seen(node);
                        continue;
                    }
                    if node.id != root.id && self.is_furniture(name, node, articles > 0) {
                        self.flow.writer.notes.furniture_lines += lines(node);
                        continue;
                    }
                    articles += usize::from(matches!(name, "article" | "main"));
                    self.enter(name)?;
                    steps.push(Step::Leave(name));
                    steps.extend(node.children().rev().map(Step::Enter));
                }
                Step::Leave(name) => {
                    articles -= usize::from(matches!(name, "article" | "main"));
                    self.leave(name)?;
                }
            }
        }
        self.flush()
    }

    /// The finished writing.
    pub fn finish(mut self) -> Result<Flow, ExtractError> {
        self.flush()?;
        Ok(self.flow)
    }

    fn is_furniture(&self, name: &str, node: NodeRef<'_>, in_article: bool) -> bool {
        let words = |known: &[&str]| {
            let all = [node.attr("class"), node.attr("id")];
            all.iter().flatten().any(|value| {
                let value = value.to_ascii_lowercase();
                value.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| known.contains(&word))
            })
        };
        match self.around {
            Around::Nothing => {
                node.attr("role").is_some_and(|role| role.eq_ignore_ascii_case("doc-toc")) || name == "nav"
            }
            Around::Mail => {
                (name == "blockquote"
                    && (node.attr("cite").is_some() || node.attr("type").is_some_and(|kind| kind == "cite")))
                    || words(&["quote", "quoted", "signature", "moz"])
                    || node.attr("id").is_some_and(|id| matches!(id, "divRplyFwdMsg" | "appendonsend" | "Signature"))
            }
            Around::Page => {
                FURNITURE.contains(&name)
                    || (name == "header" && !in_article)
                    || node.attr("role").is_some_and(|role| ROLES.contains(&role.to_ascii_lowercase().as_str()))
                    || (matches!(name, "div" | "section" | "ul" | "ol" | "p" | "span" | "table")
                        && words(&WORDS)
                        && node.text().len() <= self.bytes / LARGEST_SHARE)
            }
        }
    }

    fn push(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.breaks = 0;
        }
        self.text.push_str(text);
    }

    fn flush(&mut self) -> Result<(), ExtractError> {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return Ok(());
        }
        if std::mem::take(&mut self.item) { self.flow.item(&text) } else { self.flow.paragraph(&text) }
    }

    fn enter(&mut self, name: &str) -> Result<(), ExtractError> {
        if BLOCKS.contains(&name) {
            self.flush()?;
            self.breaks = 0;
        }
        match name {
            "li" => self.item = true,
            "ul" | "ol" | "table" => self.item = false,
            "br" => {
                self.breaks += 1;
                self.text.push(' ');
                if self.breaks > 1 {
                    self.flush()?;
                }
            }
            _ => {}
        }
        match name {
            "table" => self.flow.open_table(),
            "tr" => {
                self.flush()?;
                self.flow.close_row()
            }
            "td" | "th" => {
                self.flush()?;
                self.flow.open_cell();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn leave(&mut self, name: &str) -> Result<(), ExtractError> {
        if BLOCKS.contains(&name) || matches!(name, "td" | "th" | "tr") {
            self.flush()?;
            self.item = false;
        }
        match name {
            "tr" => self.flow.close_row(),
            "table" => self.flow.close_table(),
            _ => Ok(()),
        }
    }
}

/// Characters of the text in `node` that are not blank.
fn seen(node: NodeRef<'_>) -> u64 {
    node.text().chars().filter(|character| !character.is_whitespace()).count() as u64
}

fn lines(node: NodeRef<'_>) -> u32 {
    let text = node.text();
    u32::try_from(text.lines().filter(|line| !line.trim().is_empty()).count()).unwrap_or(u32::MAX)
}
