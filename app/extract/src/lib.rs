//! Document bytes and a media type become the text that is priced, summarized and quoted.
//!
//! What [`extract`] guarantees: the text is the document's bytes, unchanged, without a leading byte order mark. Nothing is normalised:
//! line ends stay as they are, Markdown passes verbatim, no character is replaced. So a byte offset into the returned text is an offset into the
//! caller's own document (plus [`BOM_BYTES`] if that began with a byte order mark), and a caller can check a quoted sentence offline (SPEC 5.2).
//!
//! What it refuses, before any payment: an unsupported type or charset, more than the limit, invalid UTF-8, binary data, and documents
//! without visible text. Errors carry sizes and offsets, never content.

mod media_type;
mod screen;

pub use media_type::{DocumentType, MediaTypeError};

/// Bytes of a UTF-8 byte order mark; `extract` strips one, at the very start.
pub const BOM_BYTES: usize = BOM.len();

const BOM: &[u8] = &[0xEF, 0xBB, 0xBF];

/// What a document may cost before it is looked at. The values in force are the protocol's (SPEC 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest document, in bytes as received.
    pub max_bytes: usize,
}

/// Why a document was refused. All of these are for the caller to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The media type is malformed, unsupported, or names a charset other than UTF-8 or US-ASCII.
    #[error(transparent)]
    MediaType(#[from] MediaTypeError),
    /// More bytes than the limit.
    #[error("the document has {actual} bytes, the limit is {limit}")]
    TooLarge {
        /// The limit in force, in bytes.
        limit: usize,
        /// What was received, in bytes.
        actual: usize,
    },
    /// Not UTF-8, or not ASCII where the charset says `us-ascii`.
    #[error("the document is not valid in its charset at byte {offset}")]
    InvalidText {
        /// Offset of the first bad byte in the document as received.
        offset: usize,
    },
    /// A NUL, or too many control characters: this is not a text.
    #[error("the document looks binary")]
    Binary,
    /// Nothing but white space and invisible characters.
    #[error("the document has no visible text")]
    Empty,
}

/// The text of a document of type `media_type` (a `Content-Type` value, RFC 9110 section 8.3).
///
/// # Errors
/// [`ExtractError`]; checked in the order media type, size, charset, content.
pub fn extract(media_type: &str, bytes: &[u8], limits: &Limits) -> Result<String, ExtractError> {
    let document = DocumentType::parse(media_type)?;
    if bytes.len() > limits.max_bytes {
        return Err(ExtractError::TooLarge { limit: limits.max_bytes, actual: bytes.len() });
    }
    let (body, skipped) = match bytes.strip_prefix(BOM) {
        Some(body) => (body, BOM_BYTES),
        None => (bytes, 0),
    };
    if document.ascii_only()
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

#[cfg(test)]
mod tests;
