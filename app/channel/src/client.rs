//! The caller's side: seals requests to one verified key, opens their answers.

use bytes::Bytes;
use http::{Request, Response};
use ohttp::ClientRequest;
use precis_protocol::headers::{OHTTP_CHUNKED_REQ, OHTTP_CHUNKED_RES};

use crate::chunked::{self, FramingError, RESPONSE_NONCE_BYTES, TAG_BYTES};
use crate::error::ChannelError;
use crate::gateway::is_media_type;
use crate::key::{CONFIG_BYTES, config_public_key};
use crate::message::{Limits, MessageError, decode_response, encode_request};
use crate::pipe::{self, Pipe, Reader};

/// Seals to one key configuration, which the caller has taken from an attested keyset. Every request uses a fresh encapsulated key.
#[derive(Clone)]
pub struct ClientChannel {
    config: [u8; CONFIG_BYTES],
    limits: Limits,
}

impl ClientChannel {
    /// Media type of what [`ClientChannel::seal`] makes.
    pub const REQUEST_MEDIA_TYPE: &'static str = OHTTP_CHUNKED_REQ;

    /// A channel to the key of `config`, one key configuration (not a list).
    ///
    /// # Errors
    /// [`ChannelError::Configuration`] unless it has the form of SPEC 2.2.
    pub fn new(config: &[u8]) -> Result<Self, ChannelError> {
        Self::with_limits(config, Limits::default())
    }

    /// As [`ClientChannel::new`], with other limits on content.
    ///
    /// # Errors
    /// As [`ClientChannel::new`].
    pub fn with_limits(config: &[u8], limits: Limits) -> Result<Self, ChannelError> {
        config_public_key(config)?;
        let config = config.try_into().map_err(|_| ChannelError::Configuration)?;
        Ok(Self { config, limits })
    }

    /// The X25519 key requests are sealed to, to compare with the keyset.
    ///
    /// # Errors
    /// None in practice: the configuration was checked when the channel was made.
    pub fn public_key(&self) -> Result<[u8; 32], ChannelError> {
        config_public_key(&self.config)
    }

    /// The body of an encapsulated request, and what opens its answer. Method, path, fields and content are all inside.
    ///
    /// # Errors
    /// [`ChannelError::Request`], [`ChannelError::TooLarge`], or [`ChannelError::Configuration`] for a public key that is not one.
    pub fn seal(&self, request: Request<Bytes>) -> Result<(Vec<u8>, Opener), ChannelError> {
        let message = encode_request(request, &self.limits).map_err(|error| match error {
            MessageError::TooLarge => ChannelError::TooLarge,
            MessageError::Malformed => ChannelError::Request,
        })?;
        let body = Pipe::default();
        body.reserve(chunked::sealed_capacity(message.len()));
        let mut stream = ClientRequest::from_encoded_config(&self.config)
            .and_then(|request| request.encapsulate_stream(body.clone()))
            .map_err(|_| ChannelError::Configuration)?;
        pipe::write_all(&mut stream, &message).map_err(|_| ChannelError::Request)?;
        let answer = Pipe::default();
        let reader = stream.response(answer.clone()).map_err(|_| ChannelError::Request)?;
        let opener = Opener { reader: Box::new(reader), answer, limits: self.limits };
        Ok((body.take(), opener))
    }
}

/// Opens the one answer to the request it was made with.
#[must_use]
pub struct Opener {
    reader: Reader,
    answer: Pipe,
    limits: Limits,
}

impl Opener {
    /// The complete, authentic response, or nothing.
    ///
    /// # Errors
    /// [`ChannelError::NotEncrypted`] for any other media type than `message/ohttp-chunked-res` (SPEC 4.5), [`ChannelError::TooLarge`],
    /// [`ChannelError::Inauthentic`], [`ChannelError::Response`].
    pub fn open(self, media_type: &str, body: &[u8]) -> Result<Response<Bytes>, ChannelError> {
        if !is_media_type(media_type, OHTTP_CHUNKED_RES) {
            return Err(ChannelError::NotEncrypted);
        }
        let (_, chunks) = body.split_at_checked(RESPONSE_NONCE_BYTES).ok_or(ChannelError::Inauthentic)?;
        let length =
            chunked::plaintext_len(chunks, Limits::message(self.limits.response)).map_err(|error| match error {
                FramingError::TooLarge => ChannelError::TooLarge,
                FramingError::Malformed => ChannelError::Inauthentic,
            })?;
        self.answer.fill(body.to_vec());
        let message = pipe::read_exactly(self.reader, length, TAG_BYTES).map_err(|_| ChannelError::Inauthentic)?;
        decode_response(message.into(), &self.limits).map_err(|error| match error {
            MessageError::TooLarge => ChannelError::TooLarge,
            MessageError::Malformed => ChannelError::Response,
        })
    }
}
