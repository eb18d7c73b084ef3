//! The kind of a document: by its signature first, then by its declared type, then by its file name.
//!
//! A signature decides whatever the name and the declared type say. Without one, bytes that are declared to be of a format with a
//! signature are refused, since they are not what they are said to be.

use crate::error::ExtractError;
use crate::kind::{Foreign, Kind};
use crate::media_type::DocumentType;
use crate::text::BOM;

/// Statements about a document beside its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints<'a> {
    /// A `Content-Type` value.
    pub media_type: Option<&'a str>,
    /// A file name.
    pub name: Option<&'a str>,
}

/// Bytes at the start of a document that are looked at for its signature.
const HEAD_BYTES: usize = 1024;
/// Bytes of a message that are looked at for its header fields.
const HEADER_BYTES: usize = 16 * 1024;
/// Type of bytes of which nothing is known.
const UNKNOWN: &str = "application/octet-stream";

/// The kind of the document that `bytes` are.
///
/// # Errors
/// [`ExtractError::MediaType`] for a type that is malformed or unknown, [`ExtractError::Foreign`] for what is recognized and not
/// read, [`ExtractError::Encrypted`] for an encrypted office document, [`ExtractError::Mismatch`] if the bytes are not what they are
/// said to be.
pub fn detect(bytes: &[u8], hints: Hints<'_>) -> Result<Kind, ExtractError> {
    if let Some(kind) = signature(bytes)? {
        return Ok(kind);
    }
    let declared = match hints.media_type {
        Some(value) if !is_unknown(value) => Some(DocumentType::parse(value)?.kind()),
        _ => None,
    };
    let named = || hints.name.and_then(Kind::of_file_name);
    let kind = declared.or_else(named).unwrap_or(Kind::Plain);
    match kind {
        Kind::Plain | Kind::Markdown | Kind::Csv | Kind::Html | Kind::Mail => Ok(kind),
        _ => Err(ExtractError::Mismatch(kind)),
    }
}

fn is_unknown(media_type: &str) -> bool {
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(UNKNOWN)
}

/// The kind that the bytes say they are.
fn signature(bytes: &[u8]) -> Result<Option<Kind>, ExtractError> {
    let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
    if is_pdf(head, bytes) {
        return Ok(Some(Kind::Pdf));
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return package(bytes).map(Some);
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        let name: Vec<u8> = "EncryptedPackage".bytes().flat_map(|byte| [byte, 0]).collect();
        return Err(if find(bytes, &name).is_some() {
            ExtractError::Encrypted(Kind::Docx)
        } else {
            ExtractError::Foreign(Foreign::OldOffice)
        });
    }
    // A text may well begin with the letters of a signature.
    if head.starts_with(b"%!PS-Adobe") {
        return Err(ExtractError::Foreign(Foreign::PostScript));
    }
    if let Some(foreign) = foreign(head).filter(|_| !is_texty(head)) {
        return Err(ExtractError::Foreign(foreign));
    }
    let text = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    if text.starts_with(b"{\\rtf") {
        return Ok(Some(Kind::Rtf));
    }
    if starts_as_markup(head) {
        return Ok(Some(Kind::Html));
    }
    Ok(is_message(bytes.get(..HEADER_BYTES).unwrap_or(bytes)).then_some(Kind::Mail))
}

/// A PDF may have other bytes before its header; a text that names one has no objects.
fn is_pdf(head: &[u8], bytes: &[u8]) -> bool {
    let versioned = |at: usize| head.get(at + 5).is_some_and(u8::is_ascii_digit);
    let Some(at) = find(head, b"%PDF-").filter(|at| versioned(*at)) else { return false };
    let starts = head.get(..at).unwrap_or_default().strip_prefix(BOM).unwrap_or(&head[..at]).trim_ascii().is_empty();
    let line = at.checked_sub(1).and_then(|before| head.get(before)).is_none_or(|byte| matches!(byte, b'\n' | b'\r'));
    starts || (line && find(bytes, b"endobj").is_some())
}

/// UTF-8 without controls, but for a character that the end of the head cuts.
fn is_texty(head: &[u8]) -> bool {
    let valid = match core::str::from_utf8(head) {
        Ok(_) => head.len(),
        Err(error) => error.valid_up_to(),
    };
    head.len() - valid < 4 && !head.iter().any(|byte| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0xC))
}

/// A page of its own: a document type or the outermost element, after an XML declaration and comments.
fn starts_as_markup(head: &[u8]) -> bool {
    let mut rest = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    loop {
        let (opening, end): (&[u8], &[u8]) = if rest.starts_with(b"<?xml") {
            (b"<?xml", b"?>")
        } else if rest.starts_with(b"<!--") {
            (b"<!--", b"-->")
        } else {
            break;
        };
        let Some(at) = rest.get(opening.len()..).and_then(|inside| find(inside, end)) else { return false };
        rest = rest.get(opening.len() + at + end.len()..).unwrap_or_default().trim_ascii_start();
    }
    let starts = |word: &[u8]| {
        let after = rest.get(word.len()).copied().unwrap_or(b'>');
        rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)) && !after.is_ascii_alphanumeric()
    };
    starts(b"<!doctype html") || starts(b"<html")
}

/// A header of a message: fields alone up to a blank line, a sender among them, and one that only mail programs write. Mail pasted as
/// text has no such field and stays text.
fn is_message(head: &[u8]) -> bool {
    let (mut fields, mut sender, mut machine) = (0, false, false);
    for (index, line) in head.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        // A mailbox file begins with the envelope.
        if index == 0 && line.starts_with(b"From ") {
            continue;
        }
        if index > 0 && line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            continue;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
        let name = line.get(..colon).unwrap_or_default();
        if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_graphic()) {
            return false;
        }
        let is = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        fields += 1;
        sender |= is(&["From", "Sender", "Return-Path"]);
        machine |= is(&["MIME-Version", "Message-ID", "Received", "Return-Path", "DKIM-Signature", "Content-Type"]);
    }
    fields >= 3 && sender && machine
}

/// The kind of a ZIP file, by the names in it. Which file of it says so is the reader's to check.
fn package(bytes: &[u8]) -> Result<Kind, ExtractError> {
    // The first file of an EPUB or OpenDocument is its type, stored as it stands.
    if bytes.get(30..38) == Some(b"mimetype") {
        let declared = bytes.get(38..).unwrap_or_default();
        if declared.starts_with(Kind::Epub.media_type().as_bytes()) {
            return Ok(Kind::Epub);
        }
        if declared.starts_with(Kind::Odt.media_type().as_bytes()) {
            return Ok(Kind::Odt);
        }
        if declared.starts_with(b"application/vnd.oasis.opendocument") {
            return Err(ExtractError::Foreign(Foreign::OpenDocument));
        }
    }
    let has = |name: &[u8]| find(bytes, name).is_some();
    if has(b"[Content_Types].xml") {
        let folders: [(&[u8], Kind); 3] =
            [(b"word/document", Kind::Docx), (b"ppt/presentation", Kind::Pptx), (b"xl/workbook", Kind::Xlsx)];
        if let Some((_, kind)) = folders.into_iter().find(|(folder, _)| has(folder)) {
            return Ok(kind);
        }
    }
    if has(b"META-INF/container.xml") {
        return Ok(Kind::Epub);
    }
    Err(ExtractError::Foreign(Foreign::Archive))
}

fn foreign(head: &[u8]) -> Option<Foreign> {
    let starts: [(&[u8], Foreign); 23] = [
        (b"\x89PNG\r\n\x1a\n", Foreign::Picture),
        (b"\xFF\xD8\xFF", Foreign::Picture),
        (b"GIF87a", Foreign::Picture),
        (b"GIF89a", Foreign::Picture),
        (b"II*\0", Foreign::Picture),
        (b"MM\0*", Foreign::Picture),
        (b"\0\0\x01\0", Foreign::Picture),
        (b"AT&TFORM", Foreign::Picture),
        (b"ID3", Foreign::Recording),
        (b"OggS", Foreign::Recording),
        (b"fLaC", Foreign::Recording),
        (b"\x1A\x45\xDF\xA3", Foreign::Recording),
        (b"\x1F\x8B", Foreign::Archive),
        (b"BZh", Foreign::Archive),
        (b"\xFD7zXZ\0", Foreign::Archive),
        (b"7z\xBC\xAF\x27\x1C", Foreign::Archive),
        (b"Rar!\x1A\x07", Foreign::Archive),
        (b"\x28\xB5\x2F\xFD", Foreign::Archive),
        (b"\x7FELF", Foreign::Program),
        (b"\xCF\xFA\xED\xFE", Foreign::Program),
        (b"\xCA\xFE\xBA\xBE", Foreign::Program),
        (b"\0asm", Foreign::Program),
        (b"SQLite format 3\0", Foreign::Program),
    ];
    let by_start = starts.iter().find(|(start, _)| head.starts_with(start)).map(|(_, foreign)| *foreign);
    let at = |offset: usize, bytes: &[u8]| head.get(offset..offset + bytes.len()) == Some(bytes);
    by_start
        .or_else(|| (at(0, b"RIFF") && at(8, b"WEBP")).then_some(Foreign::Picture))
        .or_else(|| (at(0, b"RIFF") && (at(8, b"WAVE") || at(8, b"AVI "))).then_some(Foreign::Recording))
        .or_else(|| (at(4, b"ftyphei") || at(4, b"ftypavif")).then_some(Foreign::Picture))
        .or_else(|| at(4, b"ftyp").then_some(Foreign::Recording))
        .or_else(|| (at(0, b"MZ") && head.contains(&0)).then_some(Foreign::Program))
}

pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, wanted)
}

impl ExtractError {
    /// True if the type is at fault, and no document of it is read.
    #[must_use]
    pub fn is_of_type(self) -> bool {
        matches!(self, Self::MediaType(_) | Self::Foreign(_))
    }
}
