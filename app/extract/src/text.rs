//! Plain text and Markdown: the text is the document.

use crate::error::ExtractError;
use crate::media_type::{Charset, DocumentType, MediaTypeError};
use crate::screen;

/// Bytes of a UTF-8 byte order mark; `extract` strips one, at the very start.
pub const BOM_BYTES: usize = BOM.len();

pub(crate) const BOM: &[u8] = &[0xEF, 0xBB, 0xBF];

/// The cost of a document before it is looked at. The values in force are the protocol's (SPEC 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest document, in bytes as received.
    pub max_bytes: usize,
}

/// The text of a document of type `media_type` (a `Content-Type` value, RFC 9110 section 8.3).
///
/// # Errors
/// [`ExtractError`]; checked in the order media type, size, charset, content.
pub fn extract(media_type: &str, bytes: &[u8], limits: &Limits) -> Result<String, ExtractError> {
    let document = DocumentType::parse(media_type)?;
    if !document.kind().is_text() {
        return Err(MediaTypeError::Unsupported.into());
    }
    if document.charset() == Charset::Other {
        return Err(MediaTypeError::Charset.into());
    }
    if bytes.len() > limits.max_bytes {
        return Err(ExtractError::TooLarge { limit: limits.max_bytes, actual: bytes.len() });
    }
    let (body, skipped) = match bytes.strip_prefix(BOM) {
        Some(body) => (body, BOM_BYTES),
        None => (bytes, 0),
    };
    if document.charset() == Charset::Ascii
        && let Some(offset) = bytes.iter().position(|byte| !byte.is_ascii())
    {
        return Err(ExtractError::InvalidText { offset });
    }
    let text = core::str::from_utf8(body)
        .map_err(|error| ExtractError::InvalidText { offset: skipped + error.valid_up_to() })?;
    if screen::is_binary(text) {
        return Err(ExtractError::Binary);
    }
    if screen::is_blank(text) {
        return Err(ExtractError::Empty);
    }
    Ok(text.to_owned())
}
