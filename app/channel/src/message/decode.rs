//! Both forms of Binary HTTP messages (RFC 9292 sections 3.1 and 3.2), read without copying known-length content.
//!
//! Sections that are left out at the end are empty (section 3.8), everything that was begun must be complete, and padding is zeros.

use bytes::{Bytes, BytesMut};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header::HOST};

use super::fields::{Section, drop_hop_by_hop, drop_ours, take_content_length, take_host};
use super::{Limits, MAX_AUTHORITY_BYTES, MAX_INFORMATIONAL, MAX_METHOD_BYTES, MAX_PATH_BYTES, MessageError, varint};
use precis_protocol::limits::MAX_HEADER_BYTES;

const MAX_SCHEME_BYTES: usize = 8;

/// A request with an origin-form URI; its authority, if any, is in `Host` alone.
///
/// # Errors
/// [`MessageError`], whatever is wrong with the bytes.
pub fn decode_request(message: Bytes, limits: &Limits) -> Result<Request<Bytes>, MessageError> {
    let mut reader = Reader::new(message);
    let form = match reader.varint()? {
        0 => Form::KnownLength,
        2 => Form::Indeterminate,
        _ => return Err(MessageError::Malformed),
    };
    let method = reader.vector(MAX_METHOD_BYTES)?;
    let scheme = reader.vector(MAX_SCHEME_BYTES)?;
    let authority = reader.vector(MAX_AUTHORITY_BYTES)?;
    let path = reader.vector(MAX_PATH_BYTES)?;
    let (mut fields, content) = reader.rest(form, limits.request)?;

    let method = Method::from_bytes(&method).map_err(|_| MessageError::Malformed)?;
    if scheme[..] != *b"https" || path.first() != Some(&b'/') {
        return Err(MessageError::Malformed);
    }
    let path = PathAndQuery::from_maybe_shared(path).map_err(|_| MessageError::Malformed)?;
    let authority = one_authority(&authority, take_host(&mut fields)?)?;
    drop_ours(&mut fields);
    if let Some(authority) = authority {
        fields.insert(HOST, HeaderValue::from_str(authority.as_str()).map_err(|_| MessageError::Malformed)?);
    }

    let mut request = Request::new(content);
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from(path);
    *request.headers_mut() = fields;
    Ok(request)
}

/// A final response; informational ones before it are read and left out.
///
/// # Errors
/// [`MessageError`], whatever is wrong with the bytes.
pub fn decode_response(message: Bytes, limits: &Limits) -> Result<Response<Bytes>, MessageError> {
    let mut reader = Reader::new(message);
    let form = match reader.varint()? {
        1 => Form::KnownLength,
        3 => Form::Indeterminate,
        _ => return Err(MessageError::Malformed),
    };
    let mut informational = 0;
    let status = loop {
        match reader.varint()? {
            100..=199 if informational < MAX_INFORMATIONAL => {
                informational += 1;
                reader.fields(form)?;
            }
            status @ 200..=599 => break status as u16,
            _ => return Err(MessageError::Malformed),
        }
    };
    let (fields, content) = reader.rest(form, limits.response)?;
    let mut response = Response::new(content);
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| MessageError::Malformed)?;
    *response.headers_mut() = fields;
    Ok(response)
}

/// The authority that control data and `Host` agree on. Neither may carry user information.
fn one_authority(control: &[u8], host: Option<String>) -> Result<Option<Authority>, MessageError> {
    let control = core::str::from_utf8(control).map_err(|_| MessageError::Malformed)?;
    let stated = match (control, host) {
        ("", None) => return Ok(None),
        ("", Some(host)) => host,
        (control, None) => control.to_owned(),
        (control, Some(host)) if host.eq_ignore_ascii_case(control) => host,
        _ => return Err(MessageError::Malformed),
    };
    if stated.len() > MAX_AUTHORITY_BYTES || stated.contains('@') {
        return Err(MessageError::Malformed);
    }
    stated.parse().map(Some).map_err(|_| MessageError::Malformed)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    KnownLength,
    Indeterminate,
}

struct Reader {
    bytes: Bytes,
}

impl Reader {
    fn new(bytes: Bytes) -> Self {
        Self { bytes }
    }

    fn at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    fn varint(&mut self) -> Result<u64, MessageError> {
        let (value, rest) = varint::read(&self.bytes).ok_or(MessageError::Malformed)?;
        let used = self.bytes.len() - rest.len();
        drop(self.bytes.split_to(used));
        Ok(value)
    }

    /// The next `length` bytes, which are neither missing nor over `limit`.
    fn take(&mut self, length: u64, limit: usize) -> Result<Bytes, MessageError> {
        let length = usize::try_from(length).ok().filter(|length| *length <= limit).ok_or(MessageError::TooLarge)?;
        if length > self.bytes.len() {
            return Err(MessageError::Malformed);
        }
        Ok(self.bytes.split_to(length))
    }

    fn vector(&mut self, limit: usize) -> Result<Bytes, MessageError> {
        let length = self.varint()?;
        self.take(length, limit)
    }

    fn fields(&mut self, form: Form) -> Result<HeaderMap, MessageError> {
        let mut section = Section::default();
        if self.at_end() {
            return Ok(section.fields);
        }
        match form {
            Form::KnownLength => {
                // Each field has two lengths besides what counts towards the limit; the section cannot hold more than four times that.
                let mut inner = Reader::new(self.vector(4 * MAX_HEADER_BYTES)?);
                while !inner.at_end() {
                    let name = inner.vector(MAX_HEADER_BYTES)?;
                    let value = inner.vector(MAX_HEADER_BYTES)?;
                    section.push(&name, &value)?;
                }
            }
            Form::Indeterminate => loop {
                let name = self.vector(MAX_HEADER_BYTES)?;
                if name.is_empty() {
                    break;
                }
                let value = self.vector(MAX_HEADER_BYTES)?;
                section.push(&name, &value)?;
            },
        }
        Ok(section.fields)
    }

    fn content(&mut self, form: Form, limit: usize) -> Result<Bytes, MessageError> {
        if self.at_end() {
            return Ok(Bytes::new());
        }
        if form == Form::KnownLength {
            return self.vector(limit);
        }
        let mut content = BytesMut::new();
        loop {
            let chunk = self.vector(limit - content.len())?;
            if chunk.is_empty() {
                return Ok(content.freeze());
            }
            content.extend_from_slice(&chunk);
        }
    }

    /// Header, content, trailers and padding. Trailers are checked and left out: nothing in the protocol uses them.
    fn rest(mut self, form: Form, limit: usize) -> Result<(HeaderMap, Bytes), MessageError> {
        let mut fields = self.fields(form)?;
        let content = self.content(form, limit)?;
        self.fields(form)?;
        if self.bytes.iter().any(|byte| *byte != 0) {
            return Err(MessageError::Malformed);
        }
        take_content_length(&mut fields, content.len())?;
        drop_hop_by_hop(&mut fields);
        Ok((fields, content))
    }
}
