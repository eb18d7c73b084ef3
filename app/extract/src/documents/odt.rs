//! `OpenDocument` texts: body text with notes, text boxes and tables. What was deleted, comments, headers and footers are no part of
//! it; hidden text is counted.

use std::collections::BTreeSet;

use quick_xml::events::BytesStart;

use super::archive::Archive;
use super::extracted::Writer;
use super::flow::Flow;
use super::xml::{Step, attribute, walk};
use crate::error::{Bound, ExtractError};
use crate::kind::Kind;

const KIND: Kind = Kind::Odt;
/// Elements that hold no text of the document.
const SKIPPED: [&str; 9] = [
    "tracked-changes",
    "annotation",
    "note-citation",
    "forms",
    "sequence-decls",
    "scripts",
    "object",
    "index-title-template",
    "font-face-decls",
];
/// Deepest nesting of paragraphs: a note stands in a paragraph.
const MAX_PARAGRAPHS: usize = 32;
/// Blanks that one element may stand for.
const MAX_BLANKS: usize = 64;

/// Reads a document.
pub fn read(bytes: &[u8], writer: Writer) -> Result<Flow, ExtractError> {
    let mut archive = Archive::new(KIND, bytes)?;
    if archive.markup("META-INF/manifest.xml")?.is_some_and(|manifest| manifest.contains("encryption-data")) {
        return Err(ExtractError::Encrypted(KIND));
    }
    let mut hidden = BTreeSet::new();
    if let Some(styles) = archive.markup("styles.xml")? {
        hidden_styles(&styles, &mut hidden)?;
    }
    let content = archive.needed("content.xml")?;
    hidden_styles(&content, &mut hidden)?;
    let mut body = Body {
        flow: Flow::new(writer),
        hidden,
        paragraphs: Vec::new(),
        skipping: 0,
        hiding: 0,
        lists: 0,
        inside: false,
    };
    walk(KIND, &content, |step| body.step(step))?;
    Ok(body.flow)
}

fn hidden_styles(xml: &str, hidden: &mut BTreeSet<String>) -> Result<(), ExtractError> {
    let mut current = String::new();
    walk(KIND, xml, |step| {
        if let Step::Open(name, start) = step {
            match name {
                "style" => current = attribute(start, "name").unwrap_or_default(),
                "text-properties" => {
                    let white = attribute(start, "color").is_some_and(|colour| colour.eq_ignore_ascii_case("#ffffff"));
                    let ground = attribute(start, "background-color").is_some_and(|colour| {
                        !matches!(colour.to_ascii_lowercase().as_str(), "#ffffff" | "transparent")
                    });
                    if attribute(start, "display").as_deref() == Some("none") || (white && !ground) {
                        hidden.insert(current.clone());
                    }
                }
                _ => {}
            }
        }
        Ok(())
    })
}

struct Body {
    flow: Flow,
    hidden: BTreeSet<String>,
    /// Paragraphs that are open, the innermost last, each with the notes in it.
    paragraphs: Vec<String>,
    skipping: usize,
    hiding: usize,
    lists: usize,
    /// Within the text of the document.
    inside: bool,
}

impl Body {
    fn step(&mut self, step: Step<'_>) -> Result<(), ExtractError> {
        match step {
            Step::Open(name, start) => {
                if self.skipping > 0 || SKIPPED.contains(&name) {
                    self.skipping += 1;
                    self.flow.writer.notes.attachments += u32::from(name == "annotation");
                    return Ok(());
                }
                if self.hiding > 0 || (self.inside && self.hides(name, start)) {
                    self.hiding += 1;
                    return Ok(());
                }
                self.open(name, start)
            }
            Step::Close(_) if self.skipping > 0 => {
                self.skipping -= 1;
                Ok(())
            }
            Step::Close(_) if self.hiding > 0 => {
                self.hiding -= 1;
                Ok(())
            }
            Step::Close(name) => self.close(name),
            Step::Text(text) => {
                if self.skipping > 0 || !self.inside {
                    return Ok(());
                }
                if self.hiding > 0 {
                    let seen = text.chars().filter(|character| !character.is_whitespace()).count();
                    self.flow.writer.notes.hidden_characters += seen as u64;
                } else if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.push_str(&text);
                }
                Ok(())
            }
        }
    }

    fn hides(&self, name: &str, start: &BytesStart<'_>) -> bool {
        let styled = || attribute(start, "style-name").is_some_and(|style| self.hidden.contains(&style));
        match name {
            "hidden-text" | "hidden-paragraph" => true,
            "section" => attribute(start, "display").as_deref() == Some("none"),
            "p" | "h" | "span" | "a" => styled(),
            _ => false,
        }
    }

    fn open(&mut self, name: &str, start: &BytesStart<'_>) -> Result<(), ExtractError> {
        let blank = |body: &mut Self, count: usize| {
            if let Some(paragraph) = body.paragraphs.last_mut() {
                paragraph.extend(std::iter::repeat_n(' ', count));
            }
        };
        match name {
            "body" => self.inside = true,
            "p" | "h" => {
                if self.paragraphs.len() == MAX_PARAGRAPHS {
                    return Err(ExtractError::Exceeds(KIND, Bound::Depth));
                }
                self.paragraphs.push(String::new());
            }
            "s" => {
                let count = attribute(start, "c").and_then(|count| count.parse::<usize>().ok()).unwrap_or(1);
                blank(self, count.min(MAX_BLANKS));
            }
            "tab" | "line-break" => blank(self, 1),
            "list-item" => self.lists += 1,
            "table" => self.flow.open_table()?,
            "table-cell" => self.flow.open_cell(),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), ExtractError> {
        match name {
            "body" => self.inside = false,
            "p" | "h" => {
                if let Some(paragraph) = self.paragraphs.pop() {
                    if self.lists > 0 { self.flow.item(&paragraph)? } else { self.flow.paragraph(&paragraph)? }
                }
            }
            "list-item" => self.lists = self.lists.saturating_sub(1),
            "table-row" => self.flow.close_row()?,
            "table" => self.flow.close_table()?,
            _ => {}
        }
        Ok(())
    }
}
