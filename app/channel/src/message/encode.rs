//! Known-length Binary HTTP messages (RFC 9292 section 3.1), padded to their bucket.

use bytes::Bytes;
use http::header::{HOST, HeaderMap};
use http::{Method, Request, Response};

use super::fields::{drop_hop_by_hop, take_host};
use super::{Limits, MAX_AUTHORITY_BYTES, MAX_METHOD_BYTES, MAX_PATH_BYTES, MessageError, padded_len, varint};
use precis_protocol::limits::{MAX_HEADER_BYTES, MAX_HEADER_FIELDS};

const REQUEST: u64 = 0;
const RESPONSE: u64 = 1;

/// A request, padded. The authority comes from the URI, or else from `Host`; the scheme is always `https` (SPEC 4.2).
///
/// # Errors
/// [`MessageError::TooLarge`], or [`MessageError::Malformed`] for CONNECT, two hosts or a path that is none.
pub fn encode_request(request: Request<Bytes>, limits: &Limits) -> Result<Vec<u8>, MessageError> {
    let (parts, content) = request.into_parts();
    let mut fields = parts.headers;
    let host = take_host(&mut fields)?;
    let authority = parts.uri.authority().map(|authority| authority.as_str().to_owned()).or(host).unwrap_or_default();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    if parts.method == Method::CONNECT || !path.starts_with('/') {
        return Err(MessageError::Malformed);
    }
    let method = parts.method.as_str();
    if method.len() > MAX_METHOD_BYTES || authority.len() > MAX_AUTHORITY_BYTES || path.len() > MAX_PATH_BYTES {
        return Err(MessageError::TooLarge);
    }
    let mut control = Vec::new();
    varint::write(REQUEST, &mut control);
    for part in [method, "https", &authority, path] {
        vector(part.as_bytes(), &mut control);
    }
    assemble(control, fields, &content, limits.request)
}

/// A response, padded.
///
/// # Errors
/// [`MessageError::TooLarge`], or [`MessageError::Malformed`] for a response that is not final.
pub fn encode_response(response: Response<Bytes>, limits: &Limits) -> Result<Vec<u8>, MessageError> {
    let (parts, content) = response.into_parts();
    if !(200..=599).contains(&parts.status.as_u16()) {
        return Err(MessageError::Malformed);
    }
    let mut control = Vec::new();
    varint::write(RESPONSE, &mut control);
    varint::write(u64::from(parts.status.as_u16()), &mut control);
    assemble(control, parts.headers, &content, limits.response)
}

fn assemble(control: Vec<u8>, mut fields: HeaderMap, content: &[u8], limit: usize) -> Result<Vec<u8>, MessageError> {
    drop_hop_by_hop(&mut fields);
    fields.remove(HOST);
    fields.remove(http::header::CONTENT_LENGTH);
    let size: usize = fields.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if content.len() > limit || size > MAX_HEADER_BYTES || fields.len() > MAX_HEADER_FIELDS {
        return Err(MessageError::TooLarge);
    }
    let mut section = Vec::with_capacity(size + 4 * fields.len());
    for (name, value) in &fields {
        vector(name.as_str().as_bytes(), &mut section);
        vector(value.as_bytes(), &mut section);
    }
    // Three lengths of at most eight bytes follow the control data.
    let mut message = Vec::with_capacity(padded_len(control.len() + section.len() + content.len() + 24));
    message.extend_from_slice(&control);
    vector(&section, &mut message);
    vector(content, &mut message);
    vector(&[], &mut message);
    message.resize(padded_len(message.len()), 0);
    Ok(message)
}

fn vector(bytes: &[u8], out: &mut Vec<u8>) {
    varint::write(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}
