//! The exact paid request (SPEC 5.1): raw document body, options in the query.
//!
//! The same bytes are sent for the price, for the payment and for every retry; the commitment of SPEC 6.1 covers them all.

use std::fmt::Write as _;

use bytes::Bytes;
use precis_protocol::request::Commitment;
use precis_protocol::summary::Options;
use precis_protocol::{Mode, headers};

use crate::document::Document;
use crate::error::ClientError;

/// Method of the paid route and of the quote route.
pub(crate) const METHOD: http::Method = http::Method::POST;

/// A request whose bytes no longer change. No `Debug`: it holds the document.
#[derive(Clone)]
pub struct SummaryRequest {
    query: String,
    mode: Mode,
    document: Document,
    commitment: Commitment,
}

impl SummaryRequest {
    /// The request for `document` with `options`.
    ///
    /// # Errors
    /// [`ClientError::Input`] when an option is out of its range.
    pub fn new(document: &Document, options: &Options) -> Result<Self, ClientError> {
        options.check().map_err(|e| ClientError::Input(format!("{e}; change the option")))?;
        let query = query(options);
        let path = format!("{}{query}", headers::SUMMARIES_PATH);
        let commitment = Commitment::new(METHOD.as_str(), &path, document.media_type().media_type(), document.bytes())
            .ok_or_else(|| ClientError::Input("the document is too large".into()))?;
        Ok(Self { query, mode: options.mode, document: document.clone(), commitment })
    }

    /// Path with query, as sent.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}{}", headers::SUMMARIES_PATH, self.query)
    }

    /// Method, as sent.
    #[must_use]
    pub fn method(&self) -> &'static str {
        "POST"
    }

    /// `Content-Type`, as sent.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        self.document.media_type().media_type()
    }

    /// Body, as sent: the document's bytes.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        self.document.bytes()
    }

    /// The summarizer asked for.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The commitment of SPEC 6.1.
    #[must_use]
    pub fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// As an HTTP request on the paid route, with `extra` headers.
    pub(crate) fn to_summaries(&self, extra: &[(&'static str, String)]) -> Result<http::Request<Bytes>, ClientError> {
        self.to_http(&self.path(), extra)
    }

    /// As an HTTP request on the quote route.
    pub(crate) fn to_quotes(&self) -> Result<http::Request<Bytes>, ClientError> {
        self.to_http(&format!("{}{}", headers::QUOTES_PATH, self.query), &[])
    }

    fn to_http(&self, path: &str, extra: &[(&'static str, String)]) -> Result<http::Request<Bytes>, ClientError> {
        let mut builder = http::Request::builder()
            .method(METHOD)
            .uri(path)
            .header(http::header::CONTENT_TYPE, self.media_type())
            .header(http::header::ACCEPT, "application/json");
        for (name, value) in extra {
            builder = builder.header(*name, value);
        }
        builder
            .body(self.body().clone())
            .map_err(|_| ClientError::Input("the request cannot be written as HTTP".into()))
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

    #[test]
    fn options_stand_in_the_query_and_any_focus_is_encoded() {
        let options = Options { max_words: Some(80), focus: Some("a b&c=ü?#".into()), ..Options::default() };
        assert_eq!(query(&options), "?mode=extractive&max_words=80&focus=a%20b%26c%3D%C3%BC%3F%23");
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
