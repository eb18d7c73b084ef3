//! Comma-separated values (RFC 4180), with whatever separator the first line has most of.

use super::cells::Cells;
use super::extracted::Writer;
use crate::error::ExtractError;

/// Cells that are looked at.
const MAX_CELLS: usize = 2_000_000;

/// Reads a table out of its text.
pub fn read(text: &str, writer: Writer) -> Result<Writer, ExtractError> {
    let mut cells = Cells::new(writer, MAX_CELLS);
    let separator = separator(text);
    let (mut cell, mut quoted) = (String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.trim().is_empty() => quoted = true,
            '\n' if !quoted => put(&mut cells, &mut cell)?,
            other if other == separator && !quoted => put(&mut cells, &mut cell)?,
            other => cell.push(other),
        }
    }
    put(&mut cells, &mut cell)?;
    cells.finish()
}

fn put(cells: &mut Cells, cell: &mut String) -> Result<(), ExtractError> {
    let text = std::mem::take(cell);
    if text.trim().is_empty() { Ok(()) } else { cells.cell(&text) }
}

fn separator(text: &str) -> char {
    let line = text.lines().next().unwrap_or_default();
    let mut best = (',', line.matches(',').count());
    for other in [';', '\t', '|'] {
        let found = line.matches(other).count();
        if found > best.1 {
            best = (other, found);
        }
    }
    best.0
}
