//! A document and what to do with it, checked before anything is sent.
//!
//! A [`Document`] has no `Debug` or `Display`, and its memory is wiped when the last reference is dropped.

use bytes::Bytes;
use precis_protocol::limits;
use zeroize::Zeroizing;

use crate::error::ClientError;

/// The document types of SPEC 5.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `text/plain`, UTF-8.
    Plain,
    /// `text/markdown`, UTF-8.
    Markdown,
}

impl MediaType {
    /// As it stands in `Content-Type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "text/plain",
            Self::Markdown => "text/markdown",
        }
    }

    /// By the extension of a file name: `.md` and `.markdown` are markdown, everything else is plain text.
    #[must_use]
    pub fn of_file_name(name: &str) -> Self {
        let extension = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
        match extension.as_deref() {
            Some("md" | "markdown") => Self::Markdown,
            _ => Self::Plain,
        }
    }
}

impl std::str::FromStr for MediaType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Plain, Self::Markdown]
            .into_iter()
            .find(|m| m.as_str() == text)
            .ok_or_else(|| "not a supported media type: use text/plain or text/markdown".into())
    }
}

/// UTF-8 text within the size limit of SPEC 10.
#[derive(Clone)]
pub struct Document {
    bytes: Bytes,
    media_type: MediaType,
}

impl Document {
    /// Largest document, in bytes.
    pub const MAX_BYTES: usize = limits::MAX_DOCUMENT_BYTES;

    /// Takes the bytes of a document.
    ///
    /// # Errors
    /// [`ClientError::Input`] when it is empty, too large or not UTF-8. The message never quotes the text.
    pub fn new(bytes: Vec<u8>, media_type: MediaType) -> Result<Self, ClientError> {
        let bytes = Zeroizing::new(bytes);
        if bytes.len() > Self::MAX_BYTES {
            return Err(ClientError::Input(format!(
                "the document is larger than {} bytes; split it and summarize the parts",
                Self::MAX_BYTES
            )));
        }
        let text = std::str::from_utf8(&bytes).map_err(|e| {
            ClientError::Input(format!(
                "the document is not UTF-8 text (byte {}); convert it to UTF-8 first",
                e.valid_up_to()
            ))
        })?;
        if text.trim().is_empty() {
            return Err(ClientError::Input("the document is empty; give one with text in it".into()));
        }
        Ok(Self { bytes: Bytes::from_owner(bytes), media_type })
    }

    /// The exact bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The text as the service extracts it, which is what offsets in a summary count in: a byte-order mark is no part of it.
    #[must_use]
    pub fn text(&self) -> &str {
        let text = std::str::from_utf8(&self.bytes).unwrap_or_default();
        text.strip_prefix('\u{feff}').unwrap_or(text)
    }

    /// The media type.
    #[must_use]
    pub fn media_type(&self) -> MediaType {
        self.media_type
    }
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
    fn markdown_is_known_by_its_extension() {
        assert_eq!(MediaType::of_file_name("a/b.MD"), MediaType::Markdown);
        assert_eq!(MediaType::of_file_name("notes.txt"), MediaType::Plain);
        assert_eq!(MediaType::of_file_name("README"), MediaType::Plain);
    }
}
