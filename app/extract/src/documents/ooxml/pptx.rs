//! Presentations: the text of the slides in their order, titles first. Speaker notes are counted, hidden slides are hidden text.

use super::super::archive::Archive;
use super::super::extracted::{Writer, tidy};
use super::super::flow::Flow;
use super::super::xml::{Step, attribute, walk};
use super::package::{is_on, main_file, relations};
use crate::error::ExtractError;
use crate::kind::Kind;

const KIND: Kind = Kind::Pptx;
/// Places on a slide that repeat on every slide.
const FURNITURE: [&str; 4] = ["sldNum", "dt", "ftr", "hdr"];

/// Reads a presentation.
pub fn read(bytes: &[u8], writer: Writer) -> Result<Flow, ExtractError> {
    let mut archive = Archive::new(KIND, bytes)?;
    let main = main_file(KIND, &mut archive, "ppt/presentation.xml")?;
    let related = relations(KIND, &mut archive, &main)?;
    let mut order = Vec::new();
    walk(KIND, &archive.needed(&main)?, |step| {
        if let Step::Open("sldId", start) = step {
            // Its own identifier is `id`, that of the relation is `r:id`.
            let mut attributes = start.attributes();
            let ids = attributes.with_checks(false).filter_map(Result::ok);
            let id = ids.filter(|attribute| attribute.key.as_ref().ends_with(":id")).last();
            order.extend(id.and_then(|id| related.get(id.value.as_ref())).map(|relation| relation.file.clone()));
        }
        Ok(())
    })?;
    let mut flow = Flow::new(writer);
    for file in order {
        let slide = Slide::read(&archive.needed(&file)?)?;
        let notes = relations(KIND, &mut archive, &file)?.into_values().any(|relation| relation.role == "notesSlide");
        flow.writer.notes.attachments += u32::from(notes);
        flow.writer.notes.furniture_lines += slide.furniture;
        flow.writer.part(&slide.titles.join(" "))?;
        if slide.hidden {
            let all = slide.titles.iter().chain(slide.paragraphs.iter().map(|(_, text)| text));
            let seen = all.flat_map(|text| text.chars()).filter(|character| !character.is_whitespace()).count();
            flow.writer.notes.hidden_characters += seen as u64;
            continue;
        }
        slide.titles.iter().try_for_each(|title| flow.paragraph(title))?;
        for (item, paragraph) in &slide.paragraphs {
            if *item { flow.item(paragraph)? } else { flow.paragraph(paragraph)? }
        }
    }
    Ok(flow)
}

#[derive(Default)]
struct Slide {
    hidden: bool,
    titles: Vec<String>,
    /// Other paragraphs, and whether each is one of several short ones: a list.
    paragraphs: Vec<(bool, String)>,
    furniture: u32,
}

impl Slide {
    fn read(xml: &str) -> Result<Self, ExtractError> {
        let mut slide = Self::default();
        let (mut text, mut in_text, mut place) = (String::new(), false, String::new());
        let (mut shape, mut skipping): (Vec<String>, usize) = (Vec::new(), 0);
        let mut cells: Option<Vec<String>> = None;
        walk(KIND, xml, |step| {
            match step {
                Step::Open(name, _) if skipping > 0 || name == "Fallback" => skipping += 1,
                Step::Close(_) if skipping > 0 => skipping -= 1,
                Step::Open("sld", start) => slide.hidden = !is_on(attribute(start, "show").as_deref()),
                Step::Open("sp" | "graphicFrame", _) => {
                    shape.clear();
                    place.clear();
                }
                Step::Open("ph", start) => place = attribute(start, "type").unwrap_or_default(),
                Step::Open("tr", _) => cells = Some(Vec::new()),
                Step::Open("tc", _) => {
                    if let Some(cells) = &mut cells {
                        cells.push(String::new());
                    }
                }
                Step::Open("t", _) => in_text = true,
                Step::Close("t") => in_text = false,
                Step::Open("br" | "tab", _) => text.push(' '),
                Step::Text(part) if in_text => text.push_str(&part),
                Step::Close("p") => {
                    let paragraph = tidy(&std::mem::take(&mut text));
                    match cells.as_mut().and_then(|cells| cells.last_mut()) {
                        Some(cell) => {
                            cell.push(' ');
                            cell.push_str(&paragraph);
                        }
                        None if !paragraph.is_empty() => shape.push(paragraph),
                        None => {}
                    }
                }
                Step::Close("tr") => {
                    let row: Vec<String> = cells.take().unwrap_or_default().iter().map(|cell| tidy(cell)).collect();
                    shape.push(row.join(" | "));
                }
                Step::Close("sp" | "graphicFrame") => slide.take(&place, std::mem::take(&mut shape)),
                _ => {}
            }
            Ok(())
        })?;
        Ok(slide)
    }

    fn take(&mut self, place: &str, paragraphs: Vec<String>) {
        if FURNITURE.contains(&place) {
            self.furniture += u32::try_from(paragraphs.len()).unwrap_or(u32::MAX);
        } else if matches!(place, "title" | "ctrTitle") {
            self.titles.extend(paragraphs);
        } else {
            let list = paragraphs.len() > 1;
            self.paragraphs.extend(paragraphs.into_iter().map(|paragraph| (list && paragraph.len() < 200, paragraph)));
        }
    }
}
