//! Documents of every kind become text, by bytes alone: no file, no network, no clock, so that the same bytes give the same text
//! wherever they are read.
//!
//! The parsers read hostile bytes. Outside of tests they run in the child process of `sandbox` only.

mod archive;
mod cells;
mod charset;
mod csv;
mod epub;
mod extracted;
mod flow;
mod html;
mod mail;
mod odt;
mod ooxml;
mod pdf;
mod rtf;
mod screens;
#[cfg(test)]
mod tests;
mod xml;

use extracted::Writer;
pub use extracted::{Extracted, MAX_PARTS, Notes, Part};

use crate::detect::{Hints, detect};
use crate::error::ExtractError;
use crate::kind::Kind;
use crate::screen;
use crate::text::{Limits, extract};

/// The text of a document, and what of it was left out.
///
/// # Errors
/// [`ExtractError`].
pub fn read(bytes: &[u8], hints: Hints<'_>, limits: &Limits) -> Result<Extracted, ExtractError> {
    if bytes.len() > limits.max_bytes {
        return Err(ExtractError::TooLarge { limit: limits.max_bytes, actual: bytes.len() });
    }
    let kind = detect(bytes, hints)?;
    if kind.is_text() { text(kind, bytes, hints, limits) } else { document(kind, bytes, hints, limits) }
}

/// The text of a document of `kind` that is text: in UTF-8 the document itself, and [`extract`] of its type.
///
/// # Errors
/// [`ExtractError`].
pub fn text(kind: Kind, bytes: &[u8], hints: Hints<'_>, limits: &Limits) -> Result<Extracted, ExtractError> {
    let plain = |text: String| Extracted { kind, text, parts: Vec::new(), notes: Notes::default() };
    let Some(text) = charset::other_than_utf8(bytes, hints)? else {
        let ascii = hints.media_type.is_some_and(charset::is_ascii);
        return extract(if ascii { "text/plain; charset=us-ascii" } else { "text/plain" }, bytes, limits).map(plain);
    };
    if text.len() > limits.max_bytes {
        return Err(ExtractError::TooLarge { limit: limits.max_bytes, actual: text.len() });
    }
    if screen::is_binary(&text) {
        return Err(ExtractError::Binary);
    }
    if screen::is_blank(&text) {
        return Err(ExtractError::Empty);
    }
    Ok(plain(text))
}

/// The text of a document of `kind` that has to be parsed. For the child process.
fn document(kind: Kind, bytes: &[u8], hints: Hints<'_>, limits: &Limits) -> Result<Extracted, ExtractError> {
    let writer = Writer::new(kind, limits.max_bytes);
    let writer = match kind {
        Kind::Html => html::read(bytes, hints, writer)?.writer,
        Kind::Pdf => pdf::read(bytes, writer)?,
        Kind::Docx => ooxml::docx::read(bytes, writer)?.writer,
        Kind::Pptx => ooxml::pptx::read(bytes, writer)?.writer,
        Kind::Xlsx => ooxml::xlsx::read(bytes, writer)?,
        Kind::Csv => csv::read(&text(kind, bytes, hints, limits)?.text, writer)?,
        Kind::Odt => odt::read(bytes, writer)?.writer,
        Kind::Epub => epub::read(bytes, writer)?.writer,
        Kind::Rtf => rtf::read(bytes, writer)?.writer,
        Kind::Mail => mail::read(bytes, writer)?.writer,
        Kind::Plain | Kind::Markdown => return text(kind, bytes, hints, limits),
    };
    let extracted = writer.finish();
    screens::check(&extracted)?;
    Ok(extracted)
}
