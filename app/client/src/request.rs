//! The exact paid request (SPEC 5.1, 5.10, 5.11), whatever it buys.
//!
//! The same bytes are sent for the price, for the payment and for every retry; the commitment of SPEC 6.1 covers them all.

use std::ops::Deref;

use bytes::Bytes;
use precis_protocol::limits;
use precis_protocol::request::Commitment;
use precis_protocol::result::Content;

use crate::document::Document;
use crate::error::ClientError;

/// Method of the paid routes and of the quote routes.
pub(crate) const METHOD: http::Method = http::Method::POST;

/// A task that can be bought: [`Request`] is what asks for it, [`crate::Purchase`] what comes of it.
pub trait Task: Sized {
    /// The input that a request is made from.
    type Input: Clone;
    /// The result.
    type Output: serde::Serialize;

    /// The result, if it is one of this task.
    fn output(content: Content) -> Option<Self::Output>;
}

/// A request for a `T` whose bytes no longer change. No `Debug`: it holds the input.
#[derive(Clone)]
pub struct Request<T: Task> {
    parts: Parts,
    input: T::Input,
}

/// Bytes of a request, and the routes that it goes to.
#[derive(Clone)]
pub struct Parts {
    task: precis_protocol::Task,
    path: String,
    quotes_path: String,
    media_type: &'static str,
    body: Bytes,
    /// The document, where the body is one.
    document: Option<Document>,
    commitment: Commitment,
}

impl<T: Task> Request<T> {
    pub(crate) const fn from_parts(parts: Parts, input: T::Input) -> Self {
        Self { parts, input }
    }

    /// The input that it was made from.
    #[must_use]
    pub const fn input(&self) -> &T::Input {
        &self.input
    }
}

impl<T: Task> Deref for Request<T> {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Parts {
    /// A request for `task` at a path with query, and at that of its quotes.
    ///
    /// # Errors
    /// [`ClientError::Input`] when it is too large to commit to.
    pub(crate) fn new(
        task: precis_protocol::Task,
        path: String,
        quotes_path: String,
        media_type: &'static str,
        body: Bytes,
        document: Option<Document>,
    ) -> Result<Self, ClientError> {
        let commitment = Commitment::new(METHOD.as_str(), &path, media_type, &body)
            .ok_or_else(|| ClientError::Input("the request is too large".into()))?;
        Ok(Self { task, path, quotes_path, media_type, body, document, commitment })
    }

    /// A request whose body is JSON.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn json<T: serde::Serialize>(
        task: precis_protocol::Task,
        path: &str,
        quotes_path: &str,
        body: &T,
    ) -> Result<Self, ClientError> {
        let body = serde_json::to_vec(body).map_err(|_| ClientError::Input("the request is not JSON".into()))?;
        if body.len() > limits::MAX_REQUEST_BODY_BYTES {
            return Err(ClientError::Input(format!("the request is over {} bytes", limits::MAX_REQUEST_BODY_BYTES)));
        }
        Self::new(task, path.to_owned(), quotes_path.to_owned(), "application/json", body.into(), None)
    }

    /// The task that is asked for.
    #[must_use]
    pub const fn task(&self) -> precis_protocol::Task {
        self.task
    }

    /// Path with query, as sent.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Method, as sent.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        "POST"
    }

    /// `Content-Type`, as sent.
    #[must_use]
    pub const fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// Body, as sent.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as a document to hold a receipt against; none if its text is not known here.
    pub(crate) fn comparable(&self) -> Option<&[u8]> {
        let unread = self.document.as_ref().is_some_and(Document::is_unread);
        (!unread).then_some(&self.body[..])
    }

    /// The text that was read here from a document whose type is none that is text itself.
    pub(crate) fn read_text(&self) -> Option<&str> {
        self.document.as_ref().and_then(Document::read_text)
    }

    /// The commitment of SPEC 6.1.
    #[must_use]
    pub const fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// As an HTTP request on the paid route, with `extra` headers.
    pub(crate) fn to_order(&self, extra: &[(&'static str, String)]) -> Result<http::Request<Bytes>, ClientError> {
        self.to_http(&self.path, extra)
    }

    /// As an HTTP request on the quote route.
    pub(crate) fn to_quotes(&self) -> Result<http::Request<Bytes>, ClientError> {
        self.to_http(&self.quotes_path, &[])
    }

    fn to_http(&self, path: &str, extra: &[(&'static str, String)]) -> Result<http::Request<Bytes>, ClientError> {
        let mut builder = http::Request::builder()
            .method(METHOD)
            .uri(path)
            .header(http::header::CONTENT_TYPE, self.media_type)
            .header(http::header::ACCEPT, "application/json");
        for (name, value) in extra {
            builder = builder.header(*name, value);
        }
        builder.body(self.body.clone()).map_err(|_| ClientError::Input("the request cannot be written as HTTP".into()))
    }
}
