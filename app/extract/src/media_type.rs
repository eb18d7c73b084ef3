//! The document types of SPEC 5.1, parsed from a `Content-Type` value.

use crate::kind::Kind;

/// A supported document type and its charset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentType {
    kind: Kind,
    charset: Charset,
}

/// A charset, as far as it is told apart without a table of charsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    /// None is named.
    Default,
    /// `utf-8`.
    Utf8,
    /// `us-ascii`.
    Ascii,
    /// Another.
    Other,
}

/// Why a media type was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "documents", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum MediaTypeError {
    /// Not a media type by RFC 9110 section 8.3.1, or longer than [`DocumentType::MAX_BYTES`].
    #[error("the media type is malformed")]
    Malformed,
    /// Not a type of SPEC 5.1.
    #[error("the media type is not supported; send text, Markdown, HTML, PDF, DOCX, PPTX, ODT, EPUB, RTF or mail")]
    Unsupported,
    /// A charset that is not known, or more than one.
    #[error("the charset is not supported; send utf-8")]
    Charset,
}

impl DocumentType {
    /// Longest media type that is looked at, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// Parses a `Content-Type` value. Parameters other than `charset` do not change the text and are ignored.
    ///
    /// # Errors
    /// [`MediaTypeError`].
    pub fn parse(value: &str) -> Result<Self, MediaTypeError> {
        if value.len() > Self::MAX_BYTES || !value.is_ascii() {
            return Err(MediaTypeError::Malformed);
        }
        let (essence, rest) = split(value);
        let essence = trim(essence);
        let (kind, subtype) = essence.split_once('/').ok_or(MediaTypeError::Malformed)?;
        if !is_token(kind) || !is_token(subtype) {
            return Err(MediaTypeError::Malformed);
        }
        let kind = Kind::of_essence(essence).ok_or(MediaTypeError::Unsupported)?;
        let charset = match charset_name(rest)? {
            None => Charset::Default,
            Some(name) if name.eq_ignore_ascii_case("utf-8") => Charset::Utf8,
            Some(name) if name.eq_ignore_ascii_case("us-ascii") => Charset::Ascii,
            Some(_) => Charset::Other,
        };
        Ok(Self { kind, charset })
    }

    /// The kind of document.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// The type without parameters.
    #[must_use]
    pub fn essence(self) -> &'static str {
        self.kind.media_type()
    }

    pub(crate) fn charset(self) -> Charset {
        self.charset
    }
}

/// The charset that the parameters of a media type name, if any.
fn charset_name(mut rest: Option<&str>) -> Result<Option<&str>, MediaTypeError> {
    let mut charset = None;
    while let Some(parameters) = rest {
        let (name, value, after) = parameter(parameters)?;
        if name.eq_ignore_ascii_case("charset") && charset.replace(value).is_some() {
            return Err(MediaTypeError::Charset);
        }
        rest = after;
    }
    Ok(charset)
}

/// The charset that `media_type` names, as it stands there.
#[cfg(feature = "documents")]
pub(crate) fn declared_charset(media_type: &str) -> Option<&str> {
    charset_name(split(media_type).1).ok().flatten()
}

fn split(value: &str) -> (&str, Option<&str>) {
    match value.split_once(';') {
        Some((head, tail)) => (head, Some(tail)),
        None => (value, None),
    }
}

/// One `name=value` of a parameter list: name, value without quotes, and the list after its semicolon. An empty parameter is allowed
/// (RFC 9110 section 5.6.6); a quoted value may hold semicolons but no escapes, which no charset needs.
fn parameter(list: &str) -> Result<(&str, &str, Option<&str>), MediaTypeError> {
    let list = list.trim_start_matches([' ', '\t']);
    if list.is_empty() {
        return Ok(("", "", None));
    }
    if let Some(rest) = list.strip_prefix(';') {
        return Ok(("", "", Some(rest)));
    }
    let (name, value) = list.split_once('=').ok_or(MediaTypeError::Malformed)?;
    if !is_token(name) {
        return Err(MediaTypeError::Malformed);
    }
    if let Some(quoted) = value.strip_prefix('"') {
        let (content, after) = quoted.split_once('"').ok_or(MediaTypeError::Malformed)?;
        let (between, rest) = split(after);
        if content.contains('\\') || content.contains(|c: char| c.is_ascii_control()) || !trim(between).is_empty() {
            return Err(MediaTypeError::Malformed);
        }
        return Ok((name, content, rest));
    }
    let (value, rest) = split(value);
    let value = trim(value);
    if !is_token(value) {
        return Err(MediaTypeError::Malformed);
    }
    Ok((name, value, rest))
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
