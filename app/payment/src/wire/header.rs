//! Header codec: standard base64 with padding of compact JSON, at most [`MAX_PAYMENT_HEADER_BYTES`] characters.
//!
//! Limits are checked before anything is allocated. Errors say which layer was wrong and never repeat the input.

use base64::{Engine, engine::general_purpose::STANDARD};
use precis_protocol::limits::MAX_PAYMENT_HEADER_BYTES;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, error::Category};

/// Why a header value is not the object that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Longer than [`MAX_PAYMENT_HEADER_BYTES`].
    #[error("the payment header is longer than 16 KiB")]
    TooLarge,
    /// Not standard base64 with padding.
    #[error("the payment header is not standard base64")]
    NotBase64,
    /// Base64 of something that is not JSON.
    #[error("the payment header does not contain JSON")]
    NotJson,
    /// JSON of another protocol version.
    #[error("the payment header is not of x402 version 2")]
    WrongVersion,
    /// JSON of another shape.
    #[error("the payment header does not have the shape of an exact EIP-3009 payment")]
    WrongShape,
}

impl HeaderError {
    /// The error code of x402 v2, section 9.
    pub const fn code(self) -> &'static str {
        match self {
            Self::WrongVersion => "invalid_x402_version",
            Self::TooLarge | Self::NotBase64 | Self::NotJson | Self::WrongShape => "invalid_payload",
        }
    }
}

/// Reads a header value.
pub fn decode<T: DeserializeOwned>(header: &[u8]) -> Result<T, HeaderError> {
    if header.len() > MAX_PAYMENT_HEADER_BYTES {
        return Err(HeaderError::TooLarge);
    }
    let json = STANDARD.decode(header).map_err(|_| HeaderError::NotBase64)?;
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
    serde_json::from_slice(json).map_err(|error| match error.classify() {
        Category::Data => match serde_json::from_slice::<Peek>(json) {
            Ok(Peek { x402_version: Some(version) }) if version != 2 => HeaderError::WrongVersion,
            _ => HeaderError::WrongShape,
        },
        Category::Syntax | Category::Eof | Category::Io => HeaderError::NotJson,
    })
}

/// Writes a header value.
///
/// # Errors
/// [`HeaderError::TooLarge`] if it would be longer than what [`decode`] reads.
pub fn encode<T: Serialize>(object: &T) -> Result<String, HeaderError> {
    let json = serde_json::to_vec(object).map_err(|_| HeaderError::WrongShape)?;
    let header = STANDARD.encode(json);
    if header.len() > MAX_PAYMENT_HEADER_BYTES { Err(HeaderError::TooLarge) } else { Ok(header) }
}
