//! A walk through mark-up: elements open and close, text stands between. Entities are those of XML alone.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::error::{Bound, ExtractError};
use crate::kind::Kind;

/// Deepest nesting of elements.
const MAX_DEPTH: usize = 1024;

/// A step of the walk. Names are without prefixes.
pub enum Step<'a> {
    /// An element begins.
    Open(&'a str, &'a BytesStart<'a>),
    /// An element ends.
    Close(&'a str),
    /// Text.
    Text(Cow<'a, str>),
}

/// Walks through `xml`, step by step.
///
/// # Errors
/// [`ExtractError::Damaged`] for what is not well formed, [`ExtractError::Exceeds`] for too deep a nesting, and those of `on`.
pub fn walk(
    kind: Kind,
    xml: &str,
    mut on: impl FnMut(Step<'_>) -> Result<(), ExtractError>,
) -> Result<(), ExtractError> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut depth = 0usize;
    loop {
        match reader.read_event().map_err(|_| ExtractError::Damaged(kind))? {
            Event::Start(start) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(ExtractError::Exceeds(kind, Bound::Depth));
                }
                on(Step::Open(local(start.name().as_ref()), &start))?;
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                on(Step::Close(local(end.name().as_ref())))?;
            }
            Event::Text(text) => on(Step::Text(text.into_inner()))?,
            Event::CData(text) => on(Step::Text(text.into_inner()))?,
            Event::GeneralRef(reference) => {
                if let Ok(Some(character)) = reference.resolve_char_ref() {
                    on(Step::Text(Cow::Owned(character.to_string())))?;
                } else if let Some(text) = quick_xml::escape::resolve_predefined_entity(&reference) {
                    on(Step::Text(Cow::Borrowed(text)))?;
                }
            }
            Event::Eof => return if depth == 0 { Ok(()) } else { Err(ExtractError::Damaged(kind)) },
            _ => {}
        }
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// An attribute by its name without prefix.
pub fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    start
        .attributes()
        .with_checks(false)
        .filter_map(Result::ok)
        .find(|attribute| local(attribute.key.as_ref()) == name)
        .map(|attribute| {
            quick_xml::escape::unescape(&attribute.value).map_or_else(|_| attribute.value.to_string(), Cow::into_owned)
        })
}
