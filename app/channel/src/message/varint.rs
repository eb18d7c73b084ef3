//! Variable-length integers (RFC 9000 section 16): two bits of length, then 6, 14, 30 or 62 bits.

/// Largest value, exclusive.
#[cfg(test)]
pub(crate) const END: u64 = 1 << 62;

/// The integer at the start of `bytes` and what follows it. Longer encodings than necessary are valid.
pub(crate) fn read(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, _) = bytes.split_first()?;
    let (encoded, rest) = bytes.split_at_checked(1 << (first >> 6))?;
    let value = encoded.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
    let mask = u64::MAX >> (64 - 8 * encoded.len() + 2);
    Some((value & mask, rest))
}

/// Appends `value` in its shortest form. Values of 2^62 and above do not exist in memory-bounded messages; their high bits are lost.
pub(crate) fn write(value: u64, out: &mut Vec<u8>) {
    let bytes = value.to_be_bytes();
    let (length, prefix) = match value {
        0..0x40 => (1, 0x00),
        0x40..0x4000 => (2, 0x40),
        0x4000..0x4000_0000 => (4, 0x80),
        _ => (8, 0xc0),
    };
    let start = out.len();
    out.extend_from_slice(&bytes[8 - length..]);
    out[start] = out[start] & 0x3f | prefix;
}
