//! The service's side: opens requests, seals answers.

use bytes::Bytes;
use http::header::HOST;
use http::{Method, Request, Response};
use ohttp::ServerResponse;
use precis_protocol::headers::{OHTTP_CHUNKED_REQ, OHTTP_CHUNKED_RES, OHTTP_GATEWAY_PATH, OHTTP_REQ, OHTTP_RES};

use crate::chunked::{self, ENCAPSULATED_KEY_BYTES, FramingError, HEADER_BYTES, RESPONSE_NONCE_BYTES, TAG_BYTES};
use crate::error::{GatewayError, Reason};
use crate::key::ChannelKey;
use crate::message::{Limits, MessageError, decode_request, encode_response};
use crate::pipe::{self, Pipe, Writer};
use crate::replay::{MAX_REMEMBERED, ReplaySet};

/// Marks a request that came through the channel, as an extension of the request: no header can pretend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encapsulated;

/// Holds the channel key and what it has opened. Shared between requests by reference.
pub struct Gateway {
    key: ChannelKey,
    hosts: Vec<String>,
    limits: Limits,
    replays: ReplaySet,
}

impl Gateway {
    /// A gateway for `key`. `hosts` are the authorities this service answers for (`example.com`, `example.com:8443`); if there are none, any
    /// authority is taken, which is right for a service that does not know its own name.
    #[must_use]
    pub fn new(key: ChannelKey, hosts: Vec<String>) -> Self {
        Self::with_limits(key, hosts, Limits::default(), MAX_REMEMBERED)
    }

    /// As [`Gateway::new`], with other limits on content and on the number of encapsulated keys that are remembered.
    #[must_use]
    pub fn with_limits(key: ChannelKey, hosts: Vec<String>, limits: Limits, remembered: usize) -> Self {
        let hosts = hosts.into_iter().map(|host| without_default_port(&host).to_ascii_lowercase()).collect();
        Self { key, hosts, limits, replays: ReplaySet::new(remembered) }
    }

    /// The key this gateway opens with.
    #[must_use]
    pub fn key(&self) -> &ChannelKey {
        &self.key
    }

    /// Encapsulated keys opened so far: when this nears [`Gateway::capacity`], it is time for another key.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.replays.len()
    }

    /// Encapsulated keys that can be opened in all.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.replays.capacity()
    }

    /// Tells if an encapsulated request names the key of this gateway, which is all that can be told without opening it.
    #[must_use]
    pub fn is_named_in(&self, body: &[u8]) -> bool {
        body.starts_with(&self.key.request_header())
    }

    /// Opens one encapsulated request. The request has an origin-form URI, an [`Encapsulated`] extension, and no field of one hop or of a proxy.
    ///
    /// # Errors
    /// [`GatewayError`], whatever is wrong with the bytes; a repeated encapsulated key before any other work.
    pub fn open(&self, media_type: &str, body: &[u8]) -> Result<(Request<Bytes>, Responder), GatewayError> {
        let form = Form::of(media_type).ok_or(Reason::MediaType)?;
        if body.len() > chunked::sealed_capacity(Limits::message(self.limits.request)) {
            return Err(Reason::TooLarge.into());
        }
        let (header, rest) = body.split_at_checked(HEADER_BYTES).ok_or(Reason::Framing)?;
        if header != self.key.request_header() {
            return Err(Reason::UnknownKey.into());
        }
        let (encapsulated_key, sealed) = rest.split_at_checked(ENCAPSULATED_KEY_BYTES).ok_or(Reason::Framing)?;
        self.replays.check(encapsulated_key)?;
        let (message, responder) = match form {
            Form::Chunked => self.open_chunked(body, sealed)?,
            Form::Whole => self.open_whole(body)?,
        };
        // Only authentic messages are remembered, so that garbage cannot fill the table.
        self.replays.remember(encapsulated_key)?;
        let mut request = decode_request(message.into(), &self.limits).map_err(Reason::from)?;
        self.check_target(&request)?;
        request.extensions_mut().insert(Encapsulated);
        Ok((request, responder))
    }

    fn open_chunked(&self, body: &[u8], sealed: &[u8]) -> Result<(Vec<u8>, Responder), Reason> {
        let length = chunked::plaintext_len(sealed, Limits::message(self.limits.request))?;
        let mut stream = self.key.server().clone().decapsulate_stream(body);
        let message = pipe::read_exactly(&mut stream, length, TAG_BYTES).map_err(|_| Reason::Decryption)?;
        let answer = Pipe::default();
        let writer = stream.response(answer.clone()).map_err(|_| Reason::Decryption)?;
        Ok((message, self.responder(Sealer::Chunked { writer: Box::new(writer), answer })))
    }

    fn open_whole(&self, body: &[u8]) -> Result<(Vec<u8>, Responder), Reason> {
        let (message, response) = self.key.server().decapsulate(body).map_err(|_| Reason::Decryption)?;
        Ok((message, self.responder(Sealer::Whole(response))))
    }

    fn responder(&self, sealer: Sealer) -> Responder {
        Responder { sealer, limits: self.limits }
    }

    fn check_target(&self, request: &Request<Bytes>) -> Result<(), Reason> {
        let known_host = match request.headers().get(HOST).map(|host| host.to_str()) {
            None => true,
            Some(Ok(host)) => {
                self.hosts.is_empty() || self.hosts.contains(&without_default_port(host).to_ascii_lowercase())
            }
            Some(Err(_)) => false,
        };
        if request.method() == Method::CONNECT || !known_host || is_gateway_path(request.uri().path()) {
            return Err(Reason::Target);
        }
        Ok(())
    }
}

/// Seals the one answer to the request it came with.
#[must_use]
pub struct Responder {
    sealer: Sealer,
    limits: Limits,
}

enum Sealer {
    Chunked { writer: Writer, answer: Pipe },
    Whole(ServerResponse),
}

impl Responder {
    /// The media type and body of the encapsulated answer. Fields of one hop are left out, the message is padded.
    ///
    /// # Errors
    /// [`GatewayError`] if the answer is over the limits or not a final response.
    pub fn seal(self, response: Response<Bytes>) -> Result<(&'static str, Vec<u8>), GatewayError> {
        let message = encode_response(response, &self.limits).map_err(|_| Reason::Response)?;
        match self.sealer {
            Sealer::Chunked { writer, answer } => {
                answer.reserve(RESPONSE_NONCE_BYTES + chunked::sealed_capacity(message.len()));
                pipe::write_all(writer, &message).map_err(|_| Reason::Response)?;
                Ok((OHTTP_CHUNKED_RES, answer.take()))
            }
            Sealer::Whole(response) => {
                let sealed = response.encapsulate(&message).map_err(|_| Reason::Response)?;
                Ok((OHTTP_RES, sealed))
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Form {
    Chunked,
    Whole,
}

impl Form {
    fn of(media_type: &str) -> Option<Self> {
        if is_media_type(media_type, OHTTP_CHUNKED_REQ) {
            Some(Self::Chunked)
        } else if is_media_type(media_type, OHTTP_REQ) {
            Some(Self::Whole)
        } else {
            None
        }
    }
}

/// These media types have no parameters (RFC 9458 section 9.2, the draft's section 8); one that has some is another type.
pub(crate) fn is_media_type(value: &str, expected: &str) -> bool {
    value.trim_matches([' ', '\t']).eq_ignore_ascii_case(expected)
}

/// The gateway must not be reached through itself, however the path is spelled.
fn is_gateway_path(path: &str) -> bool {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let escaped = match (byte, ahead.next().and_then(hex_digit), ahead.next().and_then(hex_digit)) {
            (b'%', Some(high), Some(low)) => Some(high << 4 | low),
            _ => None,
        };
        if escaped.is_some() {
            bytes = ahead;
        }
        let byte = escaped.unwrap_or(byte).to_ascii_lowercase();
        if byte != b'/' || decoded.last() != Some(&b'/') {
            decoded.push(byte);
        }
    }
    while decoded.last() == Some(&b'/') {
        decoded.pop();
    }
    decoded == OHTTP_GATEWAY_PATH.as_bytes()
}

fn hex_digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn without_default_port(host: &str) -> &str {
    host.strip_suffix(":443").unwrap_or(host)
}

impl From<FramingError> for Reason {
    fn from(error: FramingError) -> Self {
        match error {
            FramingError::TooLarge => Self::TooLarge,
            FramingError::Malformed => Self::Framing,
        }
    }
}

impl From<MessageError> for Reason {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::TooLarge => Self::TooLarge,
            MessageError::Malformed => Self::Message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_path_is_known_in_every_spelling() {
        for path in [
            "/.well-known/ohttp-gateway",
            "/.well-known/ohttp-gateway/",
            "//.well-known//ohttp-gateway",
            "/%2ewell-known/ohttp%2Dgateway",
            "/.WELL-known/ohttp-gateway",
        ] {
            assert!(is_gateway_path(path), "{path}");
        }
        for path in ["/", "/v1/summaries", "/.well-known/ohttp-gateway2", "/.well-known/x402", "/%", "/%2"] {
            assert!(!is_gateway_path(path), "{path}");
        }
    }

    #[test]
    fn media_types_are_exact() {
        assert!(is_media_type(" Message/OHTTP-req", OHTTP_REQ));
        assert!(!is_media_type("message/ohttp-req; charset=utf-8", OHTTP_REQ));
        assert!(!is_media_type("message/ohttp-requests", OHTTP_REQ));
    }
}
