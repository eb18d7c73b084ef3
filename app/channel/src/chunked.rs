//! The chunk framing of draft-ietf-ohai-chunked-ohttp, checked before anything is decrypted.
//!
//! A chunk is a variable-length integer (RFC 9000 section 16) and that many bytes of ciphertext. Length zero introduces the final chunk, which
//! reaches to the end. Only the final chunk may be empty, and without one the message is not whole.

use precis_protocol::limits::MAX_CHUNK_BYTES;

use crate::message::varint;

/// Bytes of an AES-128-GCM tag.
pub(crate) const TAG_BYTES: usize = 16;
/// Key id, KEM, KDF, AEAD.
pub(crate) const HEADER_BYTES: usize = 7;
/// An encapsulated X25519 key.
pub(crate) const ENCAPSULATED_KEY_BYTES: usize = 32;
/// The response nonce: the longer of key and nonce of AES-128-GCM.
pub(crate) const RESPONSE_NONCE_BYTES: usize = 16;
/// Chunks in one message, count: bounds the work that many tiny chunks would cost.
const MAX_CHUNKS: usize = 16 * 1024;
/// A chunk's length is written in two bytes up to here, in four above: at most this much overhead per chunk.
const CHUNK_OVERHEAD_BYTES: usize = TAG_BYTES + 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FramingError {
    TooLarge,
    Malformed,
}

/// Bytes of plaintext in `chunks`, if they are a whole message of at most `limit` bytes of plaintext.
pub(crate) fn plaintext_len(mut chunks: &[u8], limit: usize) -> Result<usize, FramingError> {
    let mut total = 0;
    for _ in 0..MAX_CHUNKS {
        let (length, rest) = varint::read(chunks).ok_or(FramingError::Malformed)?;
        let last = length == 0;
        let length = if last { rest.len() } else { usize::try_from(length).map_err(|_| FramingError::TooLarge)? };
        if length > MAX_CHUNK_BYTES + TAG_BYTES {
            return Err(FramingError::TooLarge);
        }
        let plaintext = length.checked_sub(TAG_BYTES).ok_or(FramingError::Malformed)?;
        total += plaintext;
        if total > limit {
            return Err(FramingError::TooLarge);
        }
        if last {
            return Ok(total);
        }
        if plaintext == 0 {
            return Err(FramingError::Malformed);
        }
        chunks = rest.get(length..).ok_or(FramingError::Malformed)?;
    }
    Err(FramingError::TooLarge)
}

/// Room for a message of `plaintext` bytes in full chunks.
pub(crate) fn sealed_capacity(plaintext: usize) -> usize {
    HEADER_BYTES + ENCAPSULATED_KEY_BYTES + plaintext + (plaintext / MAX_CHUNK_BYTES + 2) * CHUNK_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn chunk(length: usize) -> Vec<u8> {
        let mut out = Vec::new();
        varint::write(length as u64, &mut out);
        out.resize(out.len() + length, 7);
        out
    }

    fn message(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn chunks_add_up_to_the_plaintext() {
        let last = message(&[&[0], &[7; 16]]);
        assert_eq!(plaintext_len(&last, 0), Ok(0));
        let two = message(&[&chunk(17), &chunk(MAX_CHUNK_BYTES + 16), &[0], &[7; 20]]);
        assert_eq!(plaintext_len(&two, 1 << 20), Ok(1 + MAX_CHUNK_BYTES + 4));
    }

    #[test]
    fn a_message_without_its_final_chunk_is_malformed() {
        assert_eq!(plaintext_len(&[], 100), Err(FramingError::Malformed));
        assert_eq!(plaintext_len(&chunk(40), 100), Err(FramingError::Malformed));
        assert_eq!(plaintext_len(&message(&[&chunk(40), &[0], &[7; 15]]), 100), Err(FramingError::Malformed));
    }

    #[test]
    fn an_empty_chunk_that_is_not_final_is_malformed() {
        assert_eq!(plaintext_len(&message(&[&chunk(16), &[0], &[7; 16]]), 100), Err(FramingError::Malformed));
    }

    #[test]
    fn oversized_chunks_and_totals_are_refused() {
        let end = message(&[&[0], &[7; 16]]);
        assert_eq!(
            plaintext_len(&message(&[&chunk(MAX_CHUNK_BYTES + 17), &end]), 1 << 20),
            Err(FramingError::TooLarge)
        );
        assert_eq!(plaintext_len(&message(&[&[0xff; 8], &end]), 1 << 20), Err(FramingError::TooLarge));
        assert_eq!(plaintext_len(&message(&[&chunk(50), &end]), 33), Err(FramingError::TooLarge));
        assert_eq!(
            plaintext_len(&message(&[&[0], &vec![7; MAX_CHUNK_BYTES + 17]]), 1 << 20),
            Err(FramingError::TooLarge)
        );
    }

    #[test]
    fn countless_tiny_chunks_are_refused() {
        let mut flood = chunk(17).repeat(MAX_CHUNKS);
        flood.extend_from_slice(&message(&[&[0], &[7; 16]]));
        assert_eq!(plaintext_len(&flood, 1 << 20), Err(FramingError::TooLarge));
    }
}
