//! Documents from where they are to what is sent: read or fetched, recognized, and read as the service reads them.

use std::path::Path;
use std::time::Duration;

use precis_client::{Authorities, Document, Fetched, MediaType, fetch};
use precis_extract::{ExtractError, Hints, Kind, Limits, detect, sandbox};
use zeroize::Zeroizing;

use crate::args::{Target, Wish};
use crate::exit::Failure;
use crate::input::{authorities, read_file, read_start, read_stdin, too_large};
use crate::sources::Source;

/// The reader of documents.
pub struct Reader {
    /// Type that the caller states.
    media_type: Option<MediaType>,
    /// Certificates that are accepted besides those of the system, for links.
    authorities: Authorities,
    /// Longest wait for one answer, for links.
    timeout: Duration,
}

impl Reader {
    /// A reader for the caller's wish.
    ///
    /// # Errors
    /// A usage [`Failure`].
    pub fn new(wish: &Wish, target: &Target) -> Result<Self, Failure> {
        let authorities = authorities(&target.trust)?;
        Ok(Self { media_type: wish.media_type, authorities, timeout: target.reach.timeout })
    }

    /// The document that is named itself.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub async fn read_named(&self, source: &Source) -> Result<Document, Failure> {
        self.read(source).await?.map_err(|why| Failure::usage(why).of_one())
    }

    /// The document at `source`; the reason if a folder holds something there that is no document.
    ///
    /// # Errors
    /// A [`Failure`] of this document; nothing was sent to the service.
    pub async fn read(&self, source: &Source) -> Result<Result<Document, String>, Failure> {
        self.read_at(source).await.map_err(Failure::of_one)
    }

    async fn read_at(&self, source: &Source) -> Result<Result<Document, String>, Failure> {
        let (limit, what) = (Document::MAX_BYTES, "document");
        match source {
            Source::Stdin => self.document(read_stdin(limit, what)?, None, "-"),
            Source::File(path) => self.document(read_file(path, limit, what)?, None, &path.to_string_lossy()),
            Source::Link(link) => {
                let Fetched { bytes, media_type, name } = fetch(link, self.timeout, &self.authorities).await?;
                self.document(bytes, media_type.as_deref(), &name)
            }
            Source::Listed(path) => {
                let bytes = read_start(path, limit)?;
                if let Some(why) = no_document(&bytes, path) {
                    return Ok(Err(why));
                }
                if bytes.len() > limit {
                    return Err(too_large(&path.display().to_string(), limit, what));
                }
                self.document(bytes, None, &path.to_string_lossy())
            }
        }
        .map(Ok)
    }

    /// The document, of the type that its bytes say, else as it is declared, else by its name. What is not text is read here as the
    /// service reads it, in a process that can touch nothing, so that quotes can be checked in it.
    fn document(&self, bytes: Vec<u8>, declared: Option<&str>, name: &str) -> Result<Document, Failure> {
        let media_type = self.media_type.map(MediaType::media_type).or(declared);
        let hints = Hints { media_type, name: Some(name) };
        let usage = |error: ExtractError| Failure::usage(error.to_string());
        let kind = detect(&bytes, hints).map_err(usage)?;
        if kind.is_text() && std::str::from_utf8(&bytes).is_ok() {
            return Ok(Document::new(bytes, kind)?);
        }
        let read = match reader().read(&bytes, hints, &LIMITS) {
            Ok(read) => Some(read),
            // The refusal of what is not UTF-8 says what to do.
            Err(ExtractError::InvalidText { .. }) if kind.is_text() => return Ok(Document::new(bytes, kind)?),
            Err(ExtractError::Unavailable(_)) => {
                eprintln!(
                    "precis: {} documents are not parsed on this machine, which has no sandbox for it; quotes are checked against the text that the service read, and not against the file",
                    kind.name()
                );
                None
            }
            Err(error) => return Err(usage(error)),
        };
        Ok(Document::of_kind(bytes, kind, read)?)
    }
}

/// Bounds of a reading.
const LIMITS: Limits = Limits { max_bytes: Document::MAX_BYTES };

fn reader() -> sandbox::Reader {
    sandbox::Reader::of_this_program(sandbox::Bounds::default())
}

/// The reason if what a folder holds is no document: neither its bytes nor its name say that it is one. A program or a list of
/// settings is text, too, and nobody means to buy a summary of it.
fn no_document(bytes: &[u8], path: &Path) -> Option<String> {
    let name = path.to_string_lossy();
    if Kind::of_file_name(&name).is_some() {
        return None;
    }
    match detect(bytes, Hints { media_type: None, name: None }) {
        Ok(Kind::Plain) => {
            Some("its name is not that of a document; give the file itself to have it summarized".into())
        }
        Err(error) if error.is_of_type() => Some(error.to_string()),
        _ => None,
    }
}

/// The text of a document that is no text in UTF-8 itself; none if it is, or cannot be read here.
pub fn read_text(bytes: &[u8], media_type: &str) -> Option<Zeroizing<String>> {
    // Of a document inside a JSON request the type is not known.
    let known = !media_type.is_empty() && !media_type.to_ascii_lowercase().starts_with("application/json");
    let hints = Hints { media_type: known.then_some(media_type), name: None };
    let kind = detect(bytes, hints).ok()?;
    if kind.is_text() && std::str::from_utf8(bytes).is_ok() {
        return None;
    }
    reader().read(bytes, hints, &LIMITS).ok().map(|read| Zeroizing::new(read.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_folder_bytes_or_name_have_to_say_that_it_is_a_document() {
        let is = |bytes: &[u8], name: &str| no_document(bytes, Path::new(name)).is_none();
        assert!(is(b"Some text.", "notes.txt") && is(b"\xff\xfe", "notes.md"));
        assert!(is(b"%PDF-1.4\n", "scan") && is(b"<!doctype html><p>Hello", "page.asp"));
        assert!(is(b"\x89PNG\r\n\x1a\n", "picture.pdf"), "it is said to be one, and the reader says that it is not");
        assert!(!is(b"fn main() {}", "main.rs") && !is(b"{}", "package.json") && !is(b"Read me.", "README"));
        assert!(!is(b"\x89PNG\r\n\x1a\n", "picture.png") && !is(b"\x1F\x8B\x08", "backup.gz"));
    }
}
