//! Why a document is refused, with what its sender can do about it. No message quotes the document.

use crate::kind::{Foreign, Kind};
use crate::media_type::MediaTypeError;

/// Why a document was refused. All of these are for the caller to mend, but for [`Unavailable`](Self::Unavailable).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "documents", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ExtractError {
    /// The media type is malformed or unsupported, or its charset cannot be decoded.
    #[error(transparent)]
    MediaType(#[from] MediaTypeError),
    /// More bytes than the limit.
    #[error("the document has {actual} bytes, the limit is {limit}")]
    TooLarge {
        /// The limit in force, in bytes.
        limit: usize,
        /// The size received, in bytes.
        actual: usize,
    },
    /// Not valid in the charset that it is in: UTF-8 unless another is declared.
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
    /// Something that no text is read from.
    #[error("the document is {}; {}", .0.name(), .0.advice())]
    Foreign(Foreign),
    /// The document is said to be of a kind that its bytes are not.
    #[error("the document is said to be {} and is not; send it with its own type", .0.name())]
    Mismatch(Kind),
    /// The document opens with a password only.
    #[error("the {} document is encrypted: remove the password first", .0.name())]
    Encrypted(Kind),
    /// The document is cut short or broken beyond reading.
    #[error("the {} document is damaged or cut short; send the whole file, or save it again", .0.name())]
    Damaged(Kind),
    /// Pages without text: pictures of pages.
    #[error("the PDF document has no text layer on its {pages} page(s): run OCR first")]
    NoTextLayer {
        /// Pages of the document.
        pages: u32,
    },
    /// The glyphs of most of the text stand for no known characters.
    #[error(
        "the text of the PDF document cannot be decoded: its fonts do not say which characters they show; save it again with them, or run OCR"
    )]
    Undecodable,
    /// Single letters instead of words.
    #[error("the text of the {} document falls apart into single letters; save it again, or send it as text", .0.name())]
    Scattered(Kind),
    /// A table without a sentence in it.
    #[error("the {} document is a table without sentences; send text to summarize", .0.name())]
    NoSentences(Kind),
    /// Reading it would take more than a document may.
    #[error("the {kind} document takes more {bound} than a document may; send it as text, or in parts", kind = .0.name(), bound = .1.name())]
    Exceeds(Kind, Bound),
    /// The reader of this kind of document broke off.
    #[error("the {} document could not be read; save it again, or send it as text", .0.name())]
    Broken(Kind),
    /// This machine cannot read such documents at present; the document is not at fault.
    #[error("{} documents cannot be read here at present", .0.name())]
    Unavailable(Kind),
}

/// A resource of which a document may take only so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "documents", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Bound {
    /// Bytes when unpacked, absolutely or for each packed byte.
    Unpacked,
    /// Bytes of text.
    Text,
    /// Pages, sheets, slides, files or parts.
    Parts,
    /// Levels of nesting.
    Depth,
    /// Time.
    Time,
}

impl Bound {
    /// As it stands in a message.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unpacked => "room when unpacked",
            Self::Text => "text",
            Self::Parts => "parts",
            Self::Depth => "nesting",
            Self::Time => "time",
        }
    }
}
