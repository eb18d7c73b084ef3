//! Binary HTTP (RFC 9292): whole messages in memory, strict, bounded, padded. What decodes encodes to the same message.

mod decode;
mod encode;
mod fields;
pub(crate) mod varint;

pub use decode::{decode_request, decode_response};
pub use encode::{encode_request, encode_response};

use precis_protocol::limits::{MAX_HEADER_BYTES, MAX_REQUEST_BODY_BYTES, MAX_RESPONSE_BYTES};

/// Length of a request's method, bytes.
const MAX_METHOD_BYTES: usize = 32;
/// Length of a request's authority, bytes: a host name and a port.
const MAX_AUTHORITY_BYTES: usize = 260;
/// Length of a request's path and query, bytes.
const MAX_PATH_BYTES: usize = 8 * 1024;
/// Informational responses before the final one, count.
const MAX_INFORMATIONAL: usize = 8;

/// Smallest padded message, bytes.
const SMALLEST_BUCKET_BYTES: usize = 1024;
/// From here on messages are padded to multiples of this, bytes.
const LARGE_BUCKET_BYTES: usize = 64 * 1024;

/// How large the content of a message may be, in bytes. Everything else about a message has fixed limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Content of a request.
    pub request: usize,
    /// Content of a response.
    pub response: usize,
}

impl Default for Limits {
    /// SPEC 10.
    fn default() -> Self {
        Self { request: MAX_REQUEST_BODY_BYTES, response: MAX_RESPONSE_BYTES }
    }
}

impl Limits {
    /// Largest padded message around content of `content` bytes: headers, trailers, control data and a large bucket's padding besides.
    pub(crate) fn message(content: usize) -> usize {
        content + 2 * MAX_HEADER_BYTES + MAX_METHOD_BYTES + MAX_AUTHORITY_BYTES + MAX_PATH_BYTES + LARGE_BUCKET_BYTES
    }
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Over a limit.
    #[error("the message is over its limits")]
    TooLarge,
    /// Not a message that may cross the channel.
    #[error("the message is not valid Binary HTTP")]
    Malformed,
}

/// The padded size of a message of `length` bytes (SPEC 4.4): 1 KiB · 2^k up to 64 KiB, then multiples of 64 KiB.
#[must_use]
pub fn padded_len(length: usize) -> usize {
    if length <= LARGE_BUCKET_BYTES {
        length.next_power_of_two().max(SMALLEST_BUCKET_BYTES)
    } else {
        length.div_ceil(LARGE_BUCKET_BYTES).saturating_mul(LARGE_BUCKET_BYTES)
    }
}

#[cfg(test)]
mod tests;
