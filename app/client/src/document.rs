//! A document and what to do with it, checked before anything is sent.
//!
//! A [`Document`] has no `Debug` or `Display`, and its memory is wiped when the last reference is dropped.

use std::sync::Arc;

use bytes::Bytes;
use precis_extract::Kind;
use precis_extract::documents::Extracted;
use precis_protocol::limits;
use zeroize::Zeroizing;

use crate::error::ClientError;

/// The document types of SPEC 5.1.
pub type MediaType = Kind;

/// A document within the size limit of SPEC 10: UTF-8 text, or another type with the text that was read from it.
#[derive(Clone)]
pub struct Document {
    bytes: Bytes,
    media_type: MediaType,
    read: Option<Arc<Read>>,
}

/// The reading of a document whose type is none that is text itself. The text is wiped.
struct Read {
    text: Zeroizing<String>,
    places: Extracted,
}

impl Document {
    /// Largest document, in bytes.
    pub const MAX_BYTES: usize = limits::MAX_DOCUMENT_BYTES;

    /// Takes the bytes of a document that is not text, and what was read from it here; nothing if this platform cannot read it. Then
    /// the service's text is taken for the document's: no quote is checked in the document itself.
    ///
    /// # Errors
    /// [`ClientError::Input`] when it is too large.
    pub fn of_kind(bytes: Vec<u8>, media_type: MediaType, read: Option<Extracted>) -> Result<Self, ClientError> {
        let bytes = Zeroizing::new(bytes);
        check_size(&bytes)?;
        let read = read.map(|mut read| {
            let text = Zeroizing::new(std::mem::take(&mut read.text));
            Arc::new(Read { text, places: read })
        });
        Ok(Self { bytes: Bytes::from_owner(bytes), media_type, read })
    }

    /// Takes the bytes of a document that is text.
    ///
    /// # Errors
    /// [`ClientError::Input`] when it is empty, too large or not UTF-8. The message never quotes the text.
    pub fn new(bytes: Vec<u8>, media_type: MediaType) -> Result<Self, ClientError> {
        let bytes = Zeroizing::new(bytes);
        check_size(&bytes)?;
        let text = std::str::from_utf8(&bytes).map_err(|e| {
            ClientError::Input(format!(
                "the document is not UTF-8 text (byte {}); convert it to UTF-8 first",
                e.valid_up_to()
            ))
        })?;
        if text.trim().is_empty() {
            return Err(ClientError::Input("the document is empty; give one with text in it".into()));
        }
        Ok(Self { bytes: Bytes::from_owner(bytes), media_type, read: None })
    }

    /// The exact bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The text as the service extracts it, which is what offsets in a summary count in: a byte-order mark is no part of it.
    #[must_use]
    pub fn text(&self) -> &str {
        if let Some(read) = &self.read {
            return &read.text;
        }
        let text = std::str::from_utf8(&self.bytes).unwrap_or_default();
        text.strip_prefix('\u{feff}').unwrap_or(text)
    }

    /// The text that was read from a document whose type is none that is text itself.
    #[must_use]
    pub fn read_text(&self) -> Option<&str> {
        self.read.as_ref().map(|read| read.text.as_str())
    }

    /// Set if its text is not known here, so that nothing can be compared with it.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.read.is_none() && !self.media_type.is_text()
    }

    /// Place of a byte of the text in the document, as in `page 3`.
    #[must_use]
    pub fn place(&self, offset: u64) -> Option<String> {
        self.read.as_ref()?.places.place(usize::try_from(offset).ok()?)
    }

    /// The media type.
    #[must_use]
    pub fn media_type(&self) -> MediaType {
        self.media_type
    }
}

fn check_size(bytes: &[u8]) -> Result<(), ClientError> {
    if bytes.len() > Document::MAX_BYTES {
        return Err(ClientError::Input(format!(
            "the document is larger than {} bytes; split it and summarize the parts",
            Document::MAX_BYTES
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Document, MediaType};

    #[test]
    fn what_is_not_text_is_refused_without_being_quoted() {
        let error = Document::new(b"secret\xff".to_vec(), MediaType::Plain).err().unwrap().to_string();
        assert!(error.contains("byte 6") && !error.contains("secret"), "{error}");
        assert!(Document::new(b" \n\t".to_vec(), MediaType::Plain).is_err());
        assert!(Document::new(vec![b'a'; Document::MAX_BYTES + 1], MediaType::Plain).is_err());
        assert!(Document::new(vec![b'a'; Document::MAX_BYTES], MediaType::Plain).is_ok());
    }

    #[test]
    fn a_quote_in_a_document_with_parts_has_a_place() {
        use precis_extract::documents::{Extracted, Notes, Part};
        let part = |number, start, end| Part { number, label: String::new(), start, end };
        let read = Extracted {
            kind: MediaType::Pdf,
            text: "One.\n\nTwo.".into(),
            parts: vec![part(1, 0, 4), part(3, 6, 10)],
            notes: Notes::default(),
        };
        let document = Document::of_kind(b"%PDF-1.4".to_vec(), MediaType::Pdf, Some(read)).unwrap();
        assert_eq!((document.text(), document.read_text()), ("One.\n\nTwo.", Some("One.\n\nTwo.")));
        assert_eq!(document.place(7).as_deref(), Some("page 3"));
        assert_eq!(document.place(5), None);
    }
}
