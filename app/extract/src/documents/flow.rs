//! Paragraphs, list items and tables of a flowing document become text.
//!
//! A row of short cells is one line. Where a cell holds prose, its paragraphs stand by themselves: tables are used for layout.

use super::extracted::Writer;
use crate::error::{Bound, ExtractError};

/// A cell with more characters than this holds prose.
const PROSE_CHARACTERS: usize = 120;
/// Deepest nesting of tables.
const MAX_TABLES: usize = 32;

/// The text of a document in the making.
pub struct Flow {
    /// Place where it is written.
    pub writer: Writer,
    tables: Vec<Table>,
}

#[derive(Default)]
struct Table {
    row: Vec<Vec<String>>,
    rows: usize,
}

impl Flow {
    /// Writes to `writer`.
    pub fn new(writer: Writer) -> Self {
        Self { writer, tables: Vec::new() }
    }

    /// A paragraph or a heading.
    pub fn paragraph(&mut self, text: &str) -> Result<(), ExtractError> {
        if text.trim().is_empty() {
            return Ok(());
        }
        match self.tables.last_mut() {
            None => self.writer.paragraph(text),
            Some(table) => {
                match table.row.last_mut() {
                    Some(cell) => cell.push(text.to_owned()),
                    None => table.row.push(vec![text.to_owned()]),
                }
                Ok(())
            }
        }
    }

    /// An item of a list.
    pub fn item(&mut self, text: &str) -> Result<(), ExtractError> {
        if text.trim().is_empty() {
            return Ok(());
        }
        if self.tables.is_empty() { self.writer.line(&format!("- {}", text.trim())) } else { self.paragraph(text) }
    }

    /// Begins a table.
    pub fn open_table(&mut self) -> Result<(), ExtractError> {
        if self.tables.len() == MAX_TABLES {
            return Err(ExtractError::Exceeds(self.writer.kind(), Bound::Depth));
        }
        self.tables.push(Table::default());
        Ok(())
    }

    /// Begins a cell.
    pub fn open_cell(&mut self) {
        if let Some(table) = self.tables.last_mut() {
            table.row.push(Vec::new());
        }
    }

    /// Ends a row.
    pub fn close_row(&mut self) -> Result<(), ExtractError> {
        let Some(table) = self.tables.last_mut() else { return Ok(()) };
        let cells: Vec<_> = std::mem::take(&mut table.row).into_iter().filter(|cell| !cell.is_empty()).collect();
        if cells.is_empty() {
            return Ok(());
        }
        let first = table.rows == 0;
        table.rows += 1;
        let prose = cells.iter().any(|cell| cell.len() > 1 || cell.iter().any(|text| text.len() > PROSE_CHARACTERS));
        if self.tables.len() > 1 {
            // The cell that the table stands in takes its text.
            let outer = self.tables.len() - 2;
            if let Some(cell) = self.tables.get_mut(outer).and_then(|table| table.row.last_mut()) {
                if prose { cell.extend(cells.into_iter().flatten()) } else { cell.push(row(&cells)) }
            }
            return Ok(());
        }
        if prose || cells.len() == 1 {
            return cells.iter().flatten().try_for_each(|text| self.writer.paragraph(text));
        }
        if first { self.writer.paragraph(&row(&cells)) } else { self.writer.line(&row(&cells)) }
    }

    /// Ends a table.
    pub fn close_table(&mut self) -> Result<(), ExtractError> {
        self.close_row()?;
        self.tables.pop();
        Ok(())
    }
}

fn row(cells: &[Vec<String>]) -> String {
    cells.iter().map(|cell| cell.join(" ")).collect::<Vec<_>>().join(" | ")
}
