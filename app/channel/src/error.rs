//! One error per side. Neither carries text of a message, of a header or of a library.

/// The service refused an encapsulated request, or could not seal an answer.
///
/// Callers outside the encryption must not learn more than that (SPEC 4.3), so this prints the same words whatever happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the encapsulated request was refused")]
pub struct GatewayError {
    reason: Reason,
}

impl GatewayError {
    /// Why, for counters and alarms only.
    #[must_use]
    pub fn reason(self) -> Reason {
        self.reason
    }
}

impl From<Reason> for GatewayError {
    fn from(reason: Reason) -> Self {
        Self { reason }
    }
}

/// Why the gateway refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Neither `message/ohttp-chunked-req` nor `message/ohttp-req`.
    MediaType,
    /// More bytes, chunks, header fields or header bytes than the limits.
    TooLarge,
    /// Another key id, KEM, KDF or AEAD than the one configuration we offer.
    UnknownKey,
    /// The chunks do not add up to a whole message.
    Framing,
    /// The cryptography refused.
    Decryption,
    /// This encapsulated key has been opened before.
    Replayed,
    /// No more encapsulated keys can be remembered: the channel key must be replaced.
    ReplayTableFull,
    /// Not a valid Binary HTTP request.
    Message,
    /// CONNECT, another scheme or authority, or the gateway's own path.
    Target,
    /// The answer cannot be sealed: too large, or not expressible.
    Response,
}

impl Reason {
    /// A stable label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::MediaType => "media_type",
            Self::TooLarge => "too_large",
            Self::UnknownKey => "unknown_key",
            Self::Framing => "framing",
            Self::Decryption => "decryption",
            Self::Replayed => "replayed",
            Self::ReplayTableFull => "replay_table_full",
            Self::Message => "message",
            Self::Target => "target",
            Self::Response => "response",
        }
    }
}

/// The client could not seal a request or open its answer. Nothing of an answer that fails is ever returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The service's key configuration is not the one form that SPEC 2.2 allows.
    #[error("the service's channel key configuration is not X25519, HKDF-SHA256, AES-128-GCM")]
    Configuration,
    /// The request has no path, uses CONNECT, or has fields that Binary HTTP cannot carry.
    #[error("the request cannot be sent over the encrypted channel")]
    Request,
    /// The request or the answer is over the limits.
    #[error("the message is larger than the encrypted channel carries")]
    TooLarge,
    /// The answer is not an encrypted one (SPEC 4.5): nothing may be sent in clear instead.
    #[error("the answer is not encrypted")]
    NotEncrypted,
    /// Truncated, reordered, altered, or the answer to another request.
    #[error("the encrypted answer is not authentic or not complete")]
    Inauthentic,
    /// The service sealed something that is not an HTTP response.
    #[error("the encrypted answer is not a valid HTTP response")]
    Response,
}
