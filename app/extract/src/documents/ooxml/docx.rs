//! Word documents: body text with text boxes, content controls, notes and tables. Deleted and moved text, comments, field codes,
//! headers and footers are no part of it; hidden text is counted.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::events::BytesStart;

use super::super::archive::{Archive, resolve};
use super::super::extracted::Writer;
use super::super::flow::Flow;
use super::super::xml::{Step, attribute, walk};
use super::package::{is_on, main_file, relations};
use crate::error::{Bound, ExtractError};
use crate::kind::Kind;

const KIND: Kind = Kind::Docx;
/// Elements that hold no text of the document: fallbacks of what stands beside them, codes of fields, what was deleted or moved away,
/// properties as they were.
const SKIPPED: [&str; 13] = [
    "Fallback",
    "instrText",
    "delInstrText",
    "delText",
    "del",
    "moveFrom",
    "rPrChange",
    "pPrChange",
    "sectPr",
    "sdtPr",
    "tblPr",
    "tcPr",
    "trPr",
];
/// Text of a size below this is not meant to be read, in half points.
const SMALLEST_SIZE: u32 = 5;
/// Deepest nesting of paragraphs: a text box stands in a paragraph.
const MAX_PARAGRAPHS: usize = 32;

/// Reads a document.
pub fn read(bytes: &[u8], writer: Writer) -> Result<Flow, ExtractError> {
    let mut archive = Archive::new(KIND, bytes)?;
    let main = main_file(KIND, &mut archive, "word/document.xml")?;
    let mut notes = BTreeMap::new();
    let mut styles = BTreeSet::new();
    for relation in relations(KIND, &mut archive, &main)?.into_values() {
        match relation.role.as_str() {
            "footnotes" => read_notes(&mut archive, &relation.file, "footnote", &mut notes)?,
            "endnotes" => read_notes(&mut archive, &relation.file, "endnote", &mut notes)?,
            "styles" => styles = hidden_styles(&mut archive, &relation.file)?,
            _ => {}
        }
    }
    // Some writers state no relation to the notes.
    for (file, role) in [("footnotes.xml", "footnote"), ("endnotes.xml", "endnote")] {
        if !notes.keys().any(|(kind, _): &(String, String)| kind == role) {
            read_notes(&mut archive, &resolve(&main, file), role, &mut notes)?;
        }
    }
    let xml = archive.needed(&main)?;
    let mut body = Body::new(Flow::new(writer), &styles, notes);
    walk(KIND, &xml, |step| body.step(step))?;
    Ok(body.flow)
}

/// Notes by what they are and their identifier.
type Notes = BTreeMap<(String, String), String>;

fn read_notes(archive: &mut Archive<'_>, file: &str, role: &str, notes: &mut Notes) -> Result<(), ExtractError> {
    let Some(xml) = archive.markup(file)? else { return Ok(()) };
    let styles = BTreeSet::new();
    let mut current: Option<(String, Body<'_>)> = None;
    walk(KIND, &xml, |step| {
        match &step {
            Step::Open(name, start) if *name == role => {
                let flow = Flow::new(Writer::new(KIND, xml.len().saturating_mul(2)));
                let body = Body::new(flow, &styles, BTreeMap::new());
                current = Some((attribute(start, "id").unwrap_or_default(), body));
            }
            Step::Close(name) if *name == role => {
                if let Some((id, body)) = current.take() {
                    notes.insert((role.to_owned(), id), body.flow.writer.finish().text);
                }
            }
            _ => {
                if let Some((_, body)) = &mut current {
                    body.step(step)?;
                }
            }
        }
        Ok(())
    })
}

/// Styles that hide their text.
fn hidden_styles(archive: &mut Archive<'_>, file: &str) -> Result<BTreeSet<String>, ExtractError> {
    let Some(xml) = archive.markup(file)? else { return Ok(BTreeSet::new()) };
    let (mut current, mut based, mut hidden) = (String::new(), BTreeMap::new(), BTreeSet::new());
    walk(KIND, &xml, |step| {
        if let Step::Open(name, start) = step {
            let value = attribute(start, "val");
            match name {
                "style" => current = attribute(start, "styleId").unwrap_or_default(),
                "basedOn" => {
                    based.insert(current.clone(), value.unwrap_or_default());
                }
                "vanish" if is_on(value.as_deref()) => {
                    hidden.insert(current.clone());
                }
                _ => {}
            }
        }
        Ok(())
    })?;
    hidden.remove("");
    let inherits: Vec<String> = based
        .keys()
        .filter(|style| {
            let mut parent = based.get(*style);
            // As many steps as a chain may have; a circle ends there.
            for _ in 0..16 {
                match parent {
                    Some(name) if hidden.contains(name) => return true,
                    Some(name) => parent = based.get(name),
                    None => break,
                }
            }
            false
        })
        .cloned()
        .collect();
    hidden.extend(inherits);
    Ok(hidden)
}

struct Body<'a> {
    flow: Flow,
    styles: &'a BTreeSet<String>,
    notes: Notes,
    /// Paragraphs that are open, the innermost last.
    paragraphs: Vec<Paragraph>,
    /// True if the text of the runs that are open is hidden.
    runs: Vec<bool>,
    skipping: usize,
    in_text: bool,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    item: bool,
    hidden: bool,
    notes: Vec<String>,
    /// Within the paragraph's own properties.
    properties: bool,
}

impl<'a> Body<'a> {
    fn new(flow: Flow, styles: &'a BTreeSet<String>, notes: Notes) -> Self {
        Self { flow, styles, notes, paragraphs: Vec::new(), runs: Vec::new(), skipping: 0, in_text: false }
    }

    fn step(&mut self, step: Step<'_>) -> Result<(), ExtractError> {
        match step {
            Step::Open(name, start) => {
                // Row and paragraph marks that were inserted or deleted are properties, not text.
                let mark = matches!(name, "del" | "moveFrom") && self.runs.is_empty() && self.in_properties();
                if self.skipping > 0 || (SKIPPED.contains(&name) && !mark) {
                    self.skipping += 1;
                    return Ok(());
                }
                self.open(name, start)
            }
            Step::Close(name) => {
                if self.skipping > 0 {
                    self.skipping -= 1;
                    return Ok(());
                }
                self.close(name)
            }
            Step::Text(text) => {
                if self.in_text && self.skipping == 0 {
                    self.push(&text);
                }
                Ok(())
            }
        }
    }

    fn in_properties(&self) -> bool {
        self.paragraphs.last().is_some_and(|paragraph| paragraph.properties)
    }

    fn push(&mut self, text: &str) {
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        if paragraph.hidden || self.runs.last().copied().unwrap_or(false) {
            let seen = text.chars().filter(|character| !character.is_whitespace()).count();
            self.flow.writer.notes.hidden_characters += seen as u64;
        } else {
            paragraph.text.push_str(text);
        }
    }

    fn open(&mut self, name: &str, start: &BytesStart<'_>) -> Result<(), ExtractError> {
        match name {
            "p" => {
                if self.paragraphs.len() == MAX_PARAGRAPHS {
                    return Err(ExtractError::Exceeds(KIND, Bound::Depth));
                }
                self.paragraphs.push(Paragraph::default());
            }
            "pPr" => {
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.properties = true;
                }
            }
            "numPr" => {
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.item = true;
                }
            }
            "pStyle" => {
                let hidden = attribute(start, "val").is_some_and(|style| self.styles.contains(&style));
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.hidden = hidden;
                }
            }
            "r" => self.runs.push(false),
            "vanish" | "webHidden" | "specVanish" | "rStyle" | "color" | "sz" if !self.in_properties() => {
                let value = attribute(start, "val");
                let hides = match name {
                    "rStyle" => value.is_some_and(|style| self.styles.contains(&style)),
                    "color" => value.is_some_and(|colour| colour.eq_ignore_ascii_case("FFFFFF")),
                    "sz" => value.and_then(|size| size.parse::<u32>().ok()).is_some_and(|size| size < SMALLEST_SIZE),
                    _ => is_on(value.as_deref()),
                };
                if let Some(run) = self.runs.last_mut() {
                    *run |= hides;
                }
            }
            // White on a ground of its own is legible.
            "shd" | "highlight" if !self.in_properties() => {
                let ground = attribute(start, "fill").or_else(|| attribute(start, "val")).unwrap_or_default();
                let dark = !matches!(ground.to_ascii_lowercase().as_str(), "" | "auto" | "ffffff" | "none" | "white");
                if let Some(run) = self.runs.last_mut().filter(|_| dark) {
                    *run = false;
                }
            }
            "t" => self.in_text = true,
            "tab" | "br" | "cr" if !self.runs.is_empty() => self.push(" "),
            "noBreakHyphen" => self.push("-"),
            "footnoteReference" => self.note("footnote", start),
            "endnoteReference" => self.note("endnote", start),
            "tbl" => self.flow.open_table()?,
            "tc" => self.flow.open_cell(),
            "commentReference" => self.flow.writer.notes.attachments += 1,
            _ => {}
        }
        Ok(())
    }

    fn note(&mut self, role: &str, start: &BytesStart<'_>) {
        let Some(id) = attribute(start, "id") else { return };
        if let (Some(text), Some(paragraph)) = (self.notes.remove(&(role.to_owned(), id)), self.paragraphs.last_mut()) {
            paragraph.notes.push(text);
        }
    }

    fn close(&mut self, name: &str) -> Result<(), ExtractError> {
        match name {
            "p" => {
                if let Some(paragraph) = self.paragraphs.pop() {
                    if paragraph.item {
                        self.flow.item(&paragraph.text)?;
                    } else {
                        self.flow.paragraph(&paragraph.text)?;
                    }
                    paragraph.notes.iter().try_for_each(|note| self.flow.paragraph(note))?;
                }
            }
            "pPr" => {
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.properties = false;
                }
            }
            "r" => {
                self.runs.pop();
            }
            "t" => self.in_text = false,
            "tr" => self.flow.close_row()?,
            "tbl" => self.flow.close_table()?,
            _ => {}
        }
        Ok(())
    }
}
