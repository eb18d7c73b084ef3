//! A strict reader for canonical CBOR (RFC 8949 section 4.2.1), as far as Oasis transactions use it.
//!
//! Guarantee: every input that is accepted has exactly one encoding. Shortest-form lengths, definite lengths, text keys in
//! strictly increasing order, no tags, no floats, no negative integers, nothing after the item, bounded depth and item count.

/// Nesting of arrays and maps, levels.
const MAX_DEPTH: usize = 16;
/// Data items in one document, count.
const MAX_ITEMS: usize = 4096;

/// Why bytes are not the canonical CBOR we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The input ends inside an item.
    #[error("CBOR ends too early at byte {0}")]
    Truncated(usize),
    /// Bytes follow the item.
    #[error("CBOR has bytes after its end at byte {0}")]
    Trailing(usize),
    /// A longer encoding than needed, an indefinite length, or map keys out of order.
    #[error("CBOR is not canonical at byte {0}")]
    NotCanonical(usize),
    /// Tags, floats, negative integers, non-text keys, or text that is not UTF-8.
    #[error("CBOR has an item of a kind not used here at byte {0}")]
    Unsupported(usize),
    /// Too deep or too many items.
    #[error("CBOR is over its limits at byte {0}")]
    TooLarge(usize),
}

/// A data item, borrowing from the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Unsigned(u64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Value<'a>>),
    Map(Vec<(&'a str, Value<'a>)>),
    Bool(bool),
    Null,
}

/// Parses exactly one item that spans all of `input`.
pub(crate) fn parse(input: &[u8]) -> Result<Value<'_>, CborError> {
    let mut reader = Reader { input, position: 0, items: 0 };
    let value = reader.item(0)?;
    if reader.position != input.len() {
        return Err(CborError::Trailing(reader.position));
    }
    Ok(value)
}

struct Reader<'a> {
    input: &'a [u8],
    position: usize,
    items: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], CborError> {
        let end = self.position.checked_add(length).ok_or(CborError::Truncated(self.position))?;
        let bytes = self.input.get(self.position..end).ok_or(CborError::Truncated(self.position))?;
        self.position = end;
        Ok(bytes)
    }

    fn unsigned(&mut self, length: usize) -> Result<u64, CborError> {
        Ok(self.take(length)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Major type and argument of the next item, shortest form only.
    fn head(&mut self) -> Result<(u8, u64), CborError> {
        let start = self.position;
        let initial = self.unsigned(1)?;
        let (argument, smallest) = match initial & 0x1f {
            short @ 0..=23 => (short, 0),
            24 => (self.unsigned(1)?, 24),
            25 => (self.unsigned(2)?, 1 << 8),
            26 => (self.unsigned(4)?, 1 << 16),
            27 => (self.unsigned(8)?, 1 << 32),
            _ => return Err(CborError::NotCanonical(start)),
        };
        if argument < smallest {
            return Err(CborError::NotCanonical(start));
        }
        Ok(((initial >> 5) as u8, argument))
    }

    fn length(&self, argument: u64, start: usize) -> Result<usize, CborError> {
        // No byte string, array or map can have more elements than the input has bytes.
        usize::try_from(argument).ok().filter(|length| *length <= self.input.len()).ok_or(CborError::Truncated(start))
    }

    fn text(&mut self, length: usize, start: usize) -> Result<&'a str, CborError> {
        std::str::from_utf8(self.take(length)?).map_err(|_| CborError::Unsupported(start))
    }

    fn item(&mut self, depth: usize) -> Result<Value<'a>, CborError> {
        let start = self.position;
        self.items += 1;
        if depth > MAX_DEPTH || self.items > MAX_ITEMS {
            return Err(CborError::TooLarge(start));
        }
        match self.head()? {
            (0, value) => Ok(Value::Unsigned(value)),
            (2, length) => Ok(Value::Bytes(self.length(length, start).and_then(|length| self.take(length))?)),
            (3, length) => Ok(Value::Text(self.length(length, start).and_then(|length| self.text(length, start))?)),
            (4, length) => (0..self.length(length, start)?)
                .map(|_| self.item(depth + 1))
                .collect::<Result<_, _>>()
                .map(Value::Array),
            (5, length) => self.map(self.length(length, start)?, depth).map(Value::Map),
            (7, 20) => Ok(Value::Bool(false)),
            (7, 21) => Ok(Value::Bool(true)),
            (7, 22) => Ok(Value::Null),
            _ => Err(CborError::Unsupported(start)),
        }
    }

    fn map(&mut self, length: usize, depth: usize) -> Result<Vec<(&'a str, Value<'a>)>, CborError> {
        let mut entries = Vec::new();
        let mut previous: &[u8] = &[];
        for _ in 0..length {
            let start = self.position;
            let (3, argument) = self.head()? else { return Err(CborError::Unsupported(start)) };
            let key = self.length(argument, start).and_then(|length| self.text(length, start))?;
            let encoded = self.input.get(start..self.position).unwrap_or_default();
            // Shortest-form encodings of text compare first by length, then by content: the order of RFC 8949 4.2.1.
            if encoded <= previous {
                return Err(CborError::NotCanonical(start));
            }
            previous = encoded;
            entries.push((key, self.item(depth + 1)?));
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_items_are_read() {
        assert_eq!(parse(&[0x18, 24]), Ok(Value::Unsigned(24)));
        assert_eq!(parse(&[0x82, 0x41, 7, 0x61, b'a']), Ok(Value::Array(vec![Value::Bytes(&[7]), Value::Text("a")])));
        let map = [0xa3, 0x61, b'b', 0xf6, 0x62, b'a', b'a', 0xf5, 0x62, b'a', b'b', 0xf4];
        assert_eq!(
            parse(&map),
            Ok(Value::Map(vec![("b", Value::Null), ("aa", Value::Bool(true)), ("ab", Value::Bool(false))]))
        );
    }

    #[test]
    fn every_second_encoding_is_refused() {
        let refused: &[(&[u8], CborError)] = &[
            (&[0x18, 23], CborError::NotCanonical(0)),
            (&[0x19, 0, 255], CborError::NotCanonical(0)),
            (&[0x5f, 0x41, 0, 0xff], CborError::NotCanonical(0)),
            (&[0x9f, 0xff], CborError::NotCanonical(0)),
            (&[0xa2, 0x61, b'b', 0, 0x61, b'a', 0], CborError::NotCanonical(4)),
            (&[0xa2, 0x61, b'a', 0, 0x61, b'a', 0], CborError::NotCanonical(4)),
            (&[0xa2, 0x62, b'a', b'a', 0, 0x61, b'b', 0], CborError::NotCanonical(5)),
            (&[0xa1, 0x01, 0x01], CborError::Unsupported(1)),
            (&[0x20], CborError::Unsupported(0)),
            (&[0xc0, 0x00], CborError::Unsupported(0)),
            (&[0xfb, 0, 0, 0, 0, 0, 0, 0, 0], CborError::NotCanonical(0)),
            (&[0x61, 0xff], CborError::Unsupported(0)),
            (&[0x00, 0x00], CborError::Trailing(1)),
            (&[0x42, 0x00], CborError::Truncated(1)),
            (&[], CborError::Truncated(0)),
        ];
        for (input, error) in refused {
            assert_eq!(parse(input).as_ref(), Err(error), "{}", hex::encode(input));
        }
    }

    #[test]
    fn bombs_are_refused_without_allocating_what_they_announce() {
        assert_eq!(parse(&[0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(CborError::Truncated(0)));
        assert_eq!(parse(&[0x9a, 0xff, 0xff, 0xff, 0xff]), Err(CborError::Truncated(0)));
        assert_eq!(parse(&[0x81; 100]), Err(CborError::TooLarge(MAX_DEPTH + 1)));
        let mut wide = vec![0x99, 0x20, 0x00];
        wide.resize(3 + 0x2000, 0);
        assert!(matches!(parse(&wide), Err(CborError::TooLarge(_))));
    }
}
