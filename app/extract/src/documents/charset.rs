//! Bytes in a charset become text: by a byte order mark, by what is declared, else UTF-8. Nothing is guessed.

use encoding_rs::{Encoding, UTF_8};

use crate::detect::Hints;
use crate::error::ExtractError;
use crate::media_type::{MediaTypeError, declared_charset};

/// The text of a document that is text, if its charset is another than UTF-8; none if it is UTF-8.
///
/// # Errors
/// [`MediaTypeError::Charset`] for an unknown charset, [`ExtractError::InvalidText`] where the bytes are not valid in it.
pub fn other_than_utf8(bytes: &[u8], hints: Hints<'_>) -> Result<Option<String>, ExtractError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return if encoding == UTF_8 { Ok(None) } else { decode(encoding, bytes, mark).map(Some) };
    }
    let Some(label) = hints.media_type.and_then(declared_charset) else { return Ok(None) };
    // US-ASCII is held to ASCII, as the caller says, by the reader of UTF-8.
    if label.eq_ignore_ascii_case("us-ascii") {
        return Ok(None);
    }
    let encoding = Encoding::for_label_no_replacement(label.as_bytes()).ok_or(MediaTypeError::Charset)?;
    if encoding == UTF_8 { Ok(None) } else { decode(encoding, bytes, 0).map(Some) }
}

fn decode(encoding: &'static Encoding, bytes: &[u8], mark: usize) -> Result<String, ExtractError> {
    let body = bytes.get(mark..).unwrap_or_default();
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(body) {
        return Ok(text.into_owned());
    }
    Err(ExtractError::InvalidText { offset: mark + first_bad(encoding, body) })
}

/// Offset of the first byte that the charset cannot have.
fn first_bad(encoding: &'static Encoding, bytes: &[u8]) -> usize {
    use encoding_rs::DecoderResult;
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let (mut buffer, mut read) = ([0u8; 4096], 0);
    loop {
        let rest = bytes.get(read..).unwrap_or_default();
        match decoder.decode_to_utf8_without_replacement(rest, &mut buffer, true) {
            (DecoderResult::InputEmpty, taken, _) => return read + taken,
            (DecoderResult::OutputFull, taken, _) => read += taken,
            (DecoderResult::Malformed(length, after), taken, _) => {
                return (read + taken).saturating_sub(usize::from(length) + usize::from(after));
            }
        }
    }
}

/// The text of mark-up: by its byte order mark, or by the encoding that it declares at its start, else UTF-8.
pub fn markup(bytes: &[u8]) -> Option<String> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding
            .decode_without_bom_handling_and_without_replacement(bytes.get(mark..)?)
            .map(|text| text.into_owned());
    }
    if let Ok(text) = core::str::from_utf8(bytes) {
        return Some(text.to_owned());
    }
    let encoding = Encoding::for_label_no_replacement(&declared_inside(bytes)?)?;
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(|text| text.into_owned())
}

/// The charset that an XML declaration or a `meta` element names.
pub fn declared_inside(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = bytes.get(..2048).unwrap_or(bytes).to_ascii_lowercase();
    ["charset=", "encoding="].iter().find_map(|name| {
        let at = crate::detect::find(&head, name.as_bytes())? + name.len();
        let value = head.get(at..)?;
        let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
        let end = value.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"-_:.".contains(byte)))?;
        value.get(..end).filter(|label| !label.is_empty()).map(<[u8]>::to_vec)
    })
}

/// True if a media type names ASCII.
pub fn is_ascii(media_type: &str) -> bool {
    declared_charset(media_type).is_some_and(|label| label.eq_ignore_ascii_case("us-ascii"))
}
