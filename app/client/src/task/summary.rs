//! A summary of one document: raw document body, options in the query (SPEC 5.1).

use std::fmt::Write as _;

use precis_protocol::headers;
use precis_protocol::result::Content;
use precis_protocol::summary::{Options, SummaryResult};

use crate::document::Document;
use crate::error::ClientError;
use crate::request::{Parts, Request, Task};

/// A summary of one document.
#[derive(Clone, Copy, Debug)]
pub enum Summary {}

impl Task for Summary {
    type Input = Document;
    type Output = SummaryResult;

    fn output(content: Content) -> Option<SummaryResult> {
        match content {
            Content::Summary(result) => Some(result),
            _ => None,
        }
    }
}

/// A request for a summary.
pub type SummaryRequest = Request<Summary>;

impl Request<Summary> {
    /// The request for `document` with `options`.
    ///
    /// # Errors
    /// [`ClientError::Input`] when an option is out of its range.
    pub fn new(document: &Document, options: &Options) -> Result<Self, ClientError> {
        options.check().map_err(|e| ClientError::Input(format!("{e}; change the option")))?;
        let query = query(options);
        let parts = Parts::new(
            options.mode.into(),
            format!("{}{query}", headers::SUMMARIES_PATH),
            format!("{}{query}", headers::QUOTES_PATH),
            document.media_type().media_type(),
            document.bytes().clone(),
            Some(document.clone()),
        )?;
        Ok(Self::from_parts(parts, document.clone()))
    }

    /// The document.
    #[must_use]
    pub const fn document(&self) -> &Document {
        self.input()
    }
}

/// `?mode=…&…`, every byte outside RFC 3986 "unreserved" percent-encoded, in a fixed order.
fn query(options: &Options) -> String {
    let mut out = format!("?mode={}", options.mode.name());
    for (name, value) in [("max_words", options.max_words), ("max_sentences", options.max_sentences)] {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = write!(out, "&{name}={value}");
        }
    }
    if !options.style.is_default() {
        let _ = write!(out, "&style={}", options.style.name());
    }
    if let Some(focus) = &options.focus {
        out.push_str("&focus=");
        for byte in focus.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::document::MediaType;
    use precis_protocol::Style;

    #[test]
    fn options_stand_in_the_query_and_any_focus_is_encoded() {
        let options = Options { max_words: Some(80), focus: Some("a b&c=ü?#".into()), ..Options::default() };
        assert_eq!(query(&options), "?mode=extractive&max_words=80&focus=a%20b%26c%3D%C3%BC%3F%23");
        let styled = Options { style: Style::Tldr, focus: Some("x".into()), ..Options::default() };
        assert_eq!(query(&styled), "?mode=extractive&style=tldr&focus=x");
        assert_eq!(query(&Options::default()), "?mode=extractive", "the usual style has no name in a request");
    }

    #[test]
    fn the_commitment_changes_with_document_type_and_options() {
        let plain = Document::new(b"Some text.".to_vec(), MediaType::Plain).unwrap();
        let markdown = Document::new(b"Some text.".to_vec(), MediaType::Markdown).unwrap();
        let base = SummaryRequest::new(&plain, &Options::default()).unwrap();
        let other_type = SummaryRequest::new(&markdown, &Options::default()).unwrap();
        let other_options = SummaryRequest::new(&plain, &Options { max_words: Some(5), ..Options::default() }).unwrap();
        assert_ne!(base.commitment(), other_type.commitment());
        assert_ne!(base.commitment(), other_options.commitment());
        assert_eq!(base.commitment(), SummaryRequest::new(&plain, &Options::default()).unwrap().commitment());
    }

    #[test]
    fn options_out_of_range_are_refused_before_anything_is_sent() {
        let plain = Document::new(b"Some text.".to_vec(), MediaType::Plain).unwrap();
        assert!(SummaryRequest::new(&plain, &Options { max_words: Some(0), ..Options::default() }).is_err());
    }
}
