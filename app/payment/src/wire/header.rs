//! Header codec: standard base64 of compact JSON, at most [`MAX_PAYMENT_HEADER_BYTES`] characters. Written with padding,
//! read with and without it, as the reference implementation does.
//!
//! Limits are checked before anything is allocated. Errors name the layer and the member that is wrong and never repeat
//! the input.

use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use precis_protocol::limits::MAX_PAYMENT_HEADER_BYTES;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, error::Category};

/// Standard base64 as browsers and the reference implementation read it: padding and the last unused bits are ignored.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
/// Longest member name in an error, characters.
const MAX_MEMBER_CHARACTERS: usize = 80;

/// Why a header value is not the object that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Longer than [`MAX_PAYMENT_HEADER_BYTES`].
    #[error("the payment header is longer than 16 KiB")]
    TooLarge,
    /// Not standard base64.
    #[error("the payment header is not standard base64")]
    NotBase64,
    /// Base64 of something that is not JSON.
    #[error("the payment header does not contain JSON")]
    NotJson,
    /// JSON of another protocol version.
    #[error("the payment header is not of x402 version 2")]
    WrongVersion,
    /// JSON of another shape.
    #[error("{0}")]
    WrongShape(Member),
}

/// The member that has another shape, by its path from the root of the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    path: String,
    missing: bool,
}

impl Member {
    /// The path, such as `payload.authorization.value`; empty for the object itself.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn of(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        let path = error.path().to_string();
        let mut path = if path == "." { String::new() } else { path };
        let message = error.inner().to_string();
        // The name is one of this crate's, not of the input.
        let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        if let Some(name) = missing {
            path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        }
        path.retain(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '[' | ']' | '_' | '-'));
        path.truncate(MAX_MEMBER_CHARACTERS);
        Self { path, missing: missing.is_some() }
    }

    /// The form that the member has to have.
    fn form(&self) -> &'static str {
        match self.path.rsplit('.').next().unwrap_or_default() {
            "value" | "validAfter" | "validBefore" => "a whole number, as a decimal string or a JSON number",
            "amount" => "a whole number, as a decimal string",
            "from" | "to" | "asset" | "payTo" => "an address: 0x and 40 hexadecimal digits",
            "nonce" => "32 bytes: 0x and 64 hexadecimal digits",
            "signature" => "bytes: 0x and hexadecimal digits",
            "network" => "a CAIP-2 network, such as eip155:8453",
            "authorization" => "the authorization of an exact EIP-3009 payment",
            "maxTimeoutSeconds" => "a whole number of seconds",
            _ => "what x402 version 2 has there for an exact EIP-3009 payment",
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.path.is_empty() { "the payment" } else { &self.path };
        let verb = if self.missing { "is missing; it is" } else { "is not" };
        write!(formatter, "{name}: {verb} {}", self.form())
    }
}

impl HeaderError {
    /// The error code of x402 v2, section 9.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongVersion => "invalid_x402_version",
            Self::TooLarge | Self::NotBase64 | Self::NotJson | Self::WrongShape(_) => "invalid_payload",
        }
    }
}

/// Reads a header value.
pub fn decode<T: DeserializeOwned>(header: &[u8]) -> Result<T, HeaderError> {
    if header.len() > MAX_PAYMENT_HEADER_BYTES {
        return Err(HeaderError::TooLarge);
    }
    let json = FORGIVING.decode(header).map_err(|_| HeaderError::NotBase64)?;
    parse(&json)
}

/// Reads the JSON inside a header value; the caller bounds its length.
pub fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, HeaderError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Peek {
        #[serde(default)]
        x402_version: Option<Value>,
    }
    let mut input = serde_json::Deserializer::from_slice(json);
    let read = serde_path_to_error::deserialize(&mut input).map_err(|error| match error.inner().classify() {
        Category::Data => match serde_json::from_slice::<Peek>(json) {
            Ok(Peek { x402_version: Some(version) }) if version != 2 => HeaderError::WrongVersion,
            _ => HeaderError::WrongShape(Member::of(&error)),
        },
        Category::Syntax | Category::Eof | Category::Io => HeaderError::NotJson,
    })?;
    input.end().map_err(|_| HeaderError::NotJson)?;
    Ok(read)
}

/// Writes a header value.
///
/// # Errors
/// [`HeaderError::TooLarge`] if it would be longer than what [`decode`] reads.
pub fn encode<T: Serialize>(object: &T) -> Result<String, HeaderError> {
    let json = serde_json::to_vec(object).map_err(|_| HeaderError::NotJson)?;
    let header = STANDARD.encode(json);
    if header.len() > MAX_PAYMENT_HEADER_BYTES { Err(HeaderError::TooLarge) } else { Ok(header) }
}
