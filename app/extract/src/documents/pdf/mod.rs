//! PDF: the text that a reader of the pages sees, in the order in which it is read.
//!
//! The drawing of each page is followed glyph by glyph. What is drawn and cannot be seen is hidden text. Glyphs become lines by their
//! places, lines become columns and paragraphs; what repeats at the edges of the pages is left out.

mod columns;
mod drawing;
mod furniture;
mod glyph;
mod hyphens;
mod lines;
mod paragraphs;

use hayro_interpret::hayro_syntax::{LoadPdfError, Pdf, page::Page};
use hayro_interpret::kurbo::Rect;
use hayro_interpret::util::TransformExt as _;
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, interpret_page};

use super::extracted::{MAX_PARTS, Writer};
use crate::error::{Bound, ExtractError};
use crate::kind::Kind;
use drawing::Drawing;
use lines::Line;

const KIND: Kind = Kind::Pdf;
/// Glyphs of a document.
const MAX_GLYPHS: usize = 4_000_000;

/// Reads a document.
pub fn read(bytes: &[u8], mut writer: Writer) -> Result<Writer, ExtractError> {
    let pdf = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(_) => ExtractError::Encrypted(KIND),
        LoadPdfError::Invalid => ExtractError::Damaged(KIND),
    })?;
    if is_cut_short(bytes) || pdf.pages().is_empty() {
        return Err(ExtractError::Damaged(KIND));
    }
    if pdf.pages().len() > MAX_PARTS {
        return Err(ExtractError::Exceeds(KIND, Bound::Parts));
    }
    let cache = InterpreterCache::new();
    let mut pages = Vec::new();
    let (mut glyphs, mut pictures) = (0usize, 0usize);
    for page in pdf.pages().iter() {
        let read = read_page(page, &pdf, &cache);
        glyphs += read.glyphs;
        if glyphs > MAX_GLYPHS {
            return Err(ExtractError::Exceeds(KIND, Bound::Text));
        }
        pictures += usize::from(read.lines.is_empty() && read.pictures);
        writer.notes.hidden_characters += read.hidden;
        writer.notes.undecodable_characters += read.undecodable;
        writer.notes.recognized |= read.recognized;
        writer.notes.furniture_lines += read.aside;
        pages.push(read.lines);
    }
    // A document most of whose pages are pictures is a scan.
    if pictures * 2 > pages.len() {
        return Err(ExtractError::NoTextLayer { pages: u32::try_from(pages.len()).unwrap_or(u32::MAX) });
    }
    writer.notes.furniture_lines += furniture::remove(&mut pages);
    let pages: Vec<Vec<Line>> = pages.into_iter().map(columns::in_order).collect();
    let words = hyphens::Words::of(&pages);
    let mut before: Option<String> = None;
    for page in &pages {
        writer.part("")?;
        for (index, paragraph) in paragraphs::join(page, &words).into_iter().enumerate() {
            let continues =
                index == 0 && before.as_deref().is_some_and(|before| paragraphs::continues(before, &paragraph.text));
            if continues {
                let dropped =
                    before.as_deref().is_some_and(|before| words.joins(before, &paragraph.text) == hyphens::Join::Drop);
                writer.continuation(&paragraph.text, dropped)?;
            } else if paragraph.item {
                writer.line(&paragraph.text)?;
            } else {
                writer.paragraph(&paragraph.text)?;
            }
            before = Some(paragraph.text);
        }
    }
    Ok(writer)
}

/// True if the end of the file is missing: no end mark after the last object.
fn is_cut_short(bytes: &[u8]) -> bool {
    let last = |mark: &[u8]| memchr::memmem::rfind(bytes, mark);
    match (last(b"%%EOF"), last(b"endobj")) {
        (Some(end), Some(object)) => end < object,
        (Some(_), None) => false,
        // Some writers forget the mark, and none the place of the table of objects.
        (None, object) => last(b"startxref").is_none_or(|table| object.is_some_and(|object| table < object)),
    }
}

/// The contents that a page shows.
struct Read {
    lines: Vec<Line>,
    glyphs: usize,
    hidden: u64,
    undecodable: u64,
    /// Lines that run across the others: a stamp, a mark in the margin.
    aside: u32,
    pictures: bool,
    recognized: bool,
}

fn read_page<'a>(page: &Page<'a>, pdf: &'a Pdf, cache: &InterpreterCache<'a>) -> Read {
    let (width, height) = page.render_dimensions();
    let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let transform = page.initial_transform(true).to_kurbo();
    let mut context = Context::new(transform, bounds, cache, pdf.xref(), InterpreterSettings::default());
    let mut drawing = Drawing::new(bounds);
    interpret_page(page, &mut context, &mut drawing);
    let drawn = drawing.finish();
    let (lines, aside) = lines::of(drawn.glyphs);
    Read {
        lines,
        glyphs: drawn.count,
        hidden: drawn.hidden,
        undecodable: drawn.undecodable,
        aside,
        pictures: drawn.pictures,
        recognized: drawn.recognized,
    }
}
