//! Workbooks: the cells of the visible sheets that hold sentences.

use super::super::archive::Archive;
use super::super::cells::Cells;
use super::super::extracted::Writer;
use super::super::xml::{Step, attribute, walk};
use super::package::{main_file, relations};
use crate::error::{Bound, ExtractError};
use crate::kind::Kind;

const KIND: Kind = Kind::Xlsx;
/// Cells of a workbook that are looked at.
const MAX_CELLS: usize = 2_000_000;

/// Reads a workbook.
pub fn read(bytes: &[u8], writer: Writer) -> Result<Writer, ExtractError> {
    let mut archive = Archive::new(KIND, bytes)?;
    let main = main_file(KIND, &mut archive, "xl/workbook.xml")?;
    let related = relations(KIND, &mut archive, &main)?;
    let mut sheets = Vec::new();
    walk(KIND, &archive.needed(&main)?, |step| {
        if let Step::Open("sheet", start) = step {
            let visible = attribute(start, "state").is_none_or(|state| state == "visible");
            let file = attribute(start, "id").and_then(|id| related.get(&id)).map(|relation| relation.file.clone());
            sheets.extend(file.map(|file| (attribute(start, "name").unwrap_or_default(), visible, file)));
        }
        Ok(())
    })?;
    let strings =
        related.values().find(|relation| relation.role == "sharedStrings").map(|relation| relation.file.clone());
    let shared = match strings {
        Some(file) => shared(&archive.needed(&file)?)?,
        None => Vec::new(),
    };
    let mut cells = Cells::new(writer, MAX_CELLS);
    for (name, visible, file) in sheets {
        let xml = archive.needed(&file)?;
        cells.sheet(&name)?;
        sheet(&xml, &shared, |cell| if visible { cells.cell(cell) } else { cells.hidden(cell) })?;
    }
    cells.finish()
}

/// The strings that cells name by number. Readings of Japanese words are no text of their own.
fn shared(xml: &str) -> Result<Vec<String>, ExtractError> {
    let (mut all, mut text, mut in_text, mut reading) = (Vec::new(), String::new(), false, false);
    walk(KIND, xml, |step| {
        match step {
            Step::Open("t", _) => in_text = true,
            Step::Close("t") => in_text = false,
            Step::Open("rPh", _) => reading = true,
            Step::Close("rPh") => reading = false,
            Step::Text(part) if in_text && !reading => text.push_str(&part),
            Step::Close("si") => {
                if all.len() == MAX_CELLS {
                    return Err(ExtractError::Exceeds(KIND, Bound::Parts));
                }
                all.push(std::mem::take(&mut text));
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(all)
}

/// The text of each cell; numbers, dates and the results of formulas that are numbers are none.
fn sheet(
    xml: &str,
    shared: &[String],
    mut on: impl FnMut(&str) -> Result<(), ExtractError>,
) -> Result<(), ExtractError> {
    let (mut kind, mut text, mut in_value) = (String::new(), String::new(), false);
    walk(KIND, xml, |step| {
        match step {
            Step::Open("c", start) => {
                kind = attribute(start, "t").unwrap_or_default();
                text.clear();
            }
            Step::Open("v" | "t", _) => in_value = true,
            Step::Close("v" | "t") => in_value = false,
            Step::Text(part) if in_value => text.push_str(&part),
            Step::Close("c") => {
                let cell = match kind.as_str() {
                    "s" => {
                        text.trim().parse::<usize>().ok().and_then(|index| shared.get(index)).map_or("", String::as_str)
                    }
                    _ => text.as_str(),
                };
                if !cell.is_empty() {
                    on(cell)?;
                }
            }
            _ => {}
        }
        Ok(())
    })
}
