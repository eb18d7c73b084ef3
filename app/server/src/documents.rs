//! Reading documents before they are priced: what has to be parsed is parsed in a child process that can touch nothing.
//!
//! Hostile documents cost their senders nothing, so that children are few, and short-lived. Text needs none, and waits for none.

use std::time::Duration;

use precis_extract::sandbox::{Bounds, Gate, Reader};
use precis_extract::{ExtractError, Hints, Limits, detect};
use precis_protocol::limits::MAX_DOCUMENT_BYTES;

use crate::error::{Class, Failure};

/// Children at once.
const CHILDREN: usize = 2;
/// Longest wait for one of them.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bounds of a child.
const BOUNDS: Bounds =
    Bounds { processor: Duration::from_secs(5), wall: Duration::from_secs(15), memory: 512 * 1024 * 1024 };

static GATE: Gate = Gate::new(CHILDREN);

/// The text of a document of type `media_type`. Blocks.
///
/// # Errors
/// A [`Failure`] of the client's making, or 503 while there are too many documents to parse.
pub fn text(media_type: &str, bytes: &[u8]) -> Result<String, Failure> {
    let hints = Hints { media_type: Some(media_type), name: None };
    let kind = detect(bytes, hints).map_err(refused)?;
    let place = if kind.is_text() { None } else { Some(GATE.enter(PATIENCE).ok_or_else(busy)?) };
    let limits = Limits { max_bytes: MAX_DOCUMENT_BYTES };
    let read = Reader::of_this_program(BOUNDS).read(bytes, hints, &limits);
    drop(place);
    read.map(|read| read.text).map_err(refused)
}

fn busy() -> Failure {
    Failure::new(Class::Overloaded, "")
}

fn refused(error: ExtractError) -> Failure {
    let class = match error {
        ExtractError::MediaType(_) => Class::UnsupportedMediaType,
        ExtractError::TooLarge { .. } => Class::DocumentTooLong,
        ExtractError::Unavailable(_) => Class::Overloaded,
        _ => Class::UnreadableDocument,
    };
    Failure::new(class, error.to_string())
}
