//! Strict JSON: bounded size and depth, no duplicate members anywhere, no byte-order mark, nothing after the document.
//!
//! Unknown members are refused by the types themselves (`deny_unknown_fields`).

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::limits::{MAX_JSON_DEPTH, MAX_JSON_MEMBERS};

/// Why a document was refused. The text names places, never contents of values.
#[derive(Debug, thiserror::Error)]
pub enum StrictError {
    /// Larger than its limit.
    #[error("the document has {found} bytes, the limit is {limit}")]
    TooLarge {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not JSON, too deep, duplicate member, unknown member or wrong shape.
    #[error("line {line} column {column}: {what}{}", named(.member))]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there.
        what: &'static str,
        /// The member that is wrong, by its path from the root such as `options.mode`; empty if no member of the type is.
        member: String,
    },
}

/// Longest path of a member in an error, characters.
const MAX_MEMBER_CHARACTERS: usize = 80;

fn named(member: &str) -> String {
    if member.is_empty() { String::new() } else { format!(" (`{member}`)") }
}

/// The path of the member that does not fit a `T`. The name of a member that `T` does not have is not repeated.
fn member<T: DeserializeOwned>(bytes: &[u8]) -> String {
    let read: Result<T, _> = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(bytes));
    let Err(error) = read else { return String::new() };
    if error.inner().to_string().contains("unknown field") {
        return String::new();
    }
    let mut path = error.path().to_string();
    path.retain(|c| c.is_ascii_alphanumeric() || ".[]_-".contains(c));
    path.truncate(MAX_MEMBER_CHARACTERS);
    path.trim_matches('.').to_owned()
}

/// Parses `bytes` as `T`.
///
/// # Errors
/// [`StrictError`] when the document is over `limit` bytes, is not JSON, nests deeper than
/// [`MAX_JSON_DEPTH`], has an object of more than [`MAX_JSON_MEMBERS`], repeats a member, or is not a `T`.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, StrictError> {
    if bytes.len() > limit {
        return Err(StrictError::TooLarge { found: bytes.len(), limit });
    }
    let mut walker = serde_json::Deserializer::from_slice(bytes);
    NoDuplicates { depth: MAX_JSON_DEPTH }.deserialize(&mut walker).map_err(|e| malformed(&e))?;
    walker.end().map_err(|e| malformed(&e))?;
    serde_json::from_slice(bytes).map_err(|e| match malformed(&e) {
        StrictError::Malformed { line, column, what, .. } => {
            StrictError::Malformed { line, column, what, member: member::<T>(bytes) }
        }
        other => other,
    })
}

/// Whether `bytes` are the compact JSON of `value`, with members in the order of its type: the one encoding where no byte is free.
pub fn is_compact<T: serde::Serialize>(value: &T, bytes: &[u8]) -> bool {
    serde_json::to_vec(value).is_ok_and(|compact| compact == bytes)
}

/// serde_json's own message can quote values, so only its class and place are kept.
fn malformed(error: &serde_json::Error) -> StrictError {
    let text = error.to_string();
    let what = [
        ("duplicate", "a member stands twice"),
        ("too deep", "nested too deeply"),
        ("too many members", "an object with too many members"),
        ("unknown field", "an unknown member"),
        ("missing field", "a member is missing"),
        ("unknown variant", "an unknown value"),
    ];
    let what = what.iter().find(|(needle, _)| text.contains(needle)).map(|(_, what)| *what);
    let what = what.unwrap_or(match error.classify() {
        serde_json::error::Category::Eof => "the document ends too early",
        serde_json::error::Category::Data => "a member has the wrong form",
        _ => "not valid JSON",
    });
    StrictError::Malformed { line: error.line(), column: error.column(), what, member: String::new() }
}

/// Walks a document without keeping it, refusing depth and duplicate members.
#[derive(Clone, Copy)]
struct NoDuplicates {
    depth: usize,
}

impl NoDuplicates {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        self.depth.checked_sub(1).map(|depth| Self { depth }).ok_or_else(|| E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for NoDuplicates {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NoDuplicates {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut seen = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !seen.insert(name) {
                return Err(de::Error::custom("duplicate"));
            }
            if seen.len() > MAX_JSON_MEMBERS {
                return Err(de::Error::custom("too many members"));
            }
            members.next_value_seed(inner)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::Value;

    #[test]
    fn what_a_lenient_parser_would_accept_is_refused() {
        let refused = |text: &str| from_slice::<Value>(text.as_bytes(), 1000).is_err();
        assert!(!refused(r#"{"a":1,"b":{"a":2}}"#));
        for bad in
            [r#"{"a":1,"a":1}"#, r#"{"b":[{"a":1,"a":2}]}"#, "{} {}", "", "{", "\u{feff}{}", "nul", r#"{"a":1,}"#]
        {
            assert!(refused(bad), "{bad}");
        }
        assert!(refused(&"[".repeat(40)));
        assert!(refused(&format!("{}{}", "[".repeat(MAX_JSON_DEPTH + 1), "]".repeat(MAX_JSON_DEPTH + 1))));
        assert!(!refused(&format!("{}{}", "[".repeat(MAX_JSON_DEPTH), "]".repeat(MAX_JSON_DEPTH))));
        assert!(matches!(
            from_slice::<Value>(&[b' '; 1001], 1000),
            Err(StrictError::TooLarge { found: 1001, limit: 1000 })
        ));
    }

    #[test]
    fn errors_never_quote_the_document() {
        let error = from_slice::<u32>(br#""the secret""#, 100).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn the_member_that_is_wrong_is_named_and_names_of_the_document_are_not_repeated() {
        let of = |text: &str| {
            from_slice::<crate::summary::SummaryRequest>(text.as_bytes(), 1000).map(|_| ()).unwrap_err().to_string()
        };
        let mode = of(r#"{"document":"a","options":{"mode":"poetic secret"}}"#);
        assert!(mode.ends_with("an unknown value (`options.mode`)"), "{mode}");
        let words = of(r#"{"document":"a","options":{"max_words":"many"}}"#);
        assert!(words.ends_with("(`options.max_words`)"), "{words}");
        for text in [
            r#"{"document":"a","canary":1}"#,
            r#"{"document":"a","options":{"canary":1}}"#,
            "canary",
            r#"{"document":"a","options":"canary"}"#,
        ] {
            assert!(!of(text).contains("canary"), "{text}");
        }
    }
}
