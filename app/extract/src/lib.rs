//! Document bytes and a media type become the text that is priced, summarized and quoted.
//!
//! [`extract`] takes plain text and Markdown in UTF-8. It guarantees: the text is the document's bytes, unchanged, without a leading
//! byte order mark. Nothing is normalised: line ends stay as they are, Markdown passes verbatim, no character is replaced. So a byte
//! offset into the returned text is an offset into the caller's own document (plus [`BOM_BYTES`] if that began with a byte order
//! mark), and a caller can check a quoted sentence offline (SPEC 5.2).
//!
//! It refuses, before any payment: an unsupported type or charset, more than the limit, invalid UTF-8, binary data, and documents
//! without visible text. Errors carry sizes and offsets, never content.
//!
//! With the feature `documents`, [`documents::read`] takes every [`Kind`] and charset, and `sandbox` runs it in a child process that
//! can touch nothing but its two pipes. That text is the reader's, not the document's bytes: its offsets map to [`documents::Part`]s.

mod detect;
#[cfg(feature = "documents")]
pub mod documents;
mod error;
mod kind;
mod media_type;
#[cfg(feature = "documents")]
pub mod sandbox;
mod screen;
#[cfg(test)]
mod tests;
mod text;

pub use detect::{Hints, detect};
pub use error::{Bound, ExtractError};
pub use kind::{Foreign, Kind};
pub use media_type::{DocumentType, MediaTypeError};
pub use text::{BOM_BYTES, Limits, extract};
