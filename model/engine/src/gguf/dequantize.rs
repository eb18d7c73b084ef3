//! Floats of the types that have no packed form. Layouts: ggml's block types; OCP Microscaling Formats 1.0 for MXFP4.

use super::kind::Kind;
use crate::half;

/// Values of the sixteen codes of IQ4_XS.
const IQ4: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
/// Twice the values of the sixteen codes of a 4-bit float with two bits of exponent and one of mantissa.
const E2M1: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// The elements of whole blocks; none of a type that is packed as it is.
pub(super) fn floats(kind: Kind, bytes: &[u8]) -> Vec<f32> {
    let halves = bytes.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes));
    match kind {
        Kind::F32 => bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Kind::F16 => halves.map(half::to_f32).collect(),
        Kind::BF16 => halves.map(|bits| f32::from_bits(u32::from(bits) << 16)).collect(),
        Kind::IQ4_XS => gathered(kind, bytes, bytes.as_chunks::<136>().0.iter().flat_map(iq4_xs)),
        Kind::MXFP4 => gathered(kind, bytes, bytes.as_chunks::<17>().0.iter().flat_map(mxfp4)),
        _ => Vec::new(),
    }
}

/// All values, with room taken for them once.
fn gathered(kind: Kind, bytes: &[u8], values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut all = Vec::with_capacity(bytes.len() / kind.block_bytes() * kind.block());
    all.extend(values);
    all
}

/// A scale, two upper bits of eight scales, their four lower bits, then eight times the nibbles of 32 elements.
fn iq4_xs(block: &[u8; 136]) -> impl Iterator<Item = f32> {
    let d = half::to_f32(u16::from_le_bytes([block[0], block[1]]));
    let upper = u16::from_le_bytes([block[2], block[3]]);
    (0..256).map(move |i| {
        let part = i / 32;
        let low = block[4 + part / 2] >> (part % 2 * 4) & 15;
        let high = (upper >> (2 * part) & 3) as u8;
        let scale = i32::from(low | high << 4) - 32;
        d * scale as f32 * f32::from(IQ4[nibble(&block[8 + part * 16..], i % 32)])
    })
}

/// An exponent, then the nibbles of 32 elements.
fn mxfp4(block: &[u8; 17]) -> impl Iterator<Item = f32> {
    // Codes are doubled, so that half the scale is multiplied with: 2^(e - 128). The least two are subnormal floats.
    let exponent = u32::from(block[0]);
    let scale = f32::from_bits(if exponent < 2 { 0x0020_0000 << exponent } else { (exponent - 1) << 23 });
    (0..32).map(move |i| scale * f32::from(E2M1[nibble(&block[1..], i)]))
}

/// The `i`-th of 32 nibbles: the low ones of sixteen bytes, then the high ones.
fn nibble(bytes: &[u8], i: usize) -> usize {
    usize::from(if i < 16 { bytes[i] & 15 } else { bytes[i - 16] >> 4 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_of_each_type_are_those_of_its_definition() {
        assert_eq!(floats(Kind::F32, &1.5f32.to_le_bytes()), [1.5]);
        assert_eq!(floats(Kind::F16, &0x3e00u16.to_le_bytes()), [1.5]);
        assert_eq!(floats(Kind::BF16, &0x3fc0u16.to_le_bytes()), [1.5]);
        assert!(floats(Kind::Q4_0, &[0; 18]).is_empty());
    }

    #[test]
    fn four_bit_floats_have_one_power_of_two_for_a_block() {
        let mut block = [0u8; 17];
        (block[0], block[1], block[2]) = (127, 0x72, 0xf9);
        let values = floats(Kind::MXFP4, &block);
        assert_eq!((values[0], values[16], values[1], values[17]), (1.0, 6.0, -0.5, -6.0));
        block[0] = 130;
        assert_eq!(floats(Kind::MXFP4, &block)[16], 48.0);
        (block[0], block[1]) = (0, 0x02);
        assert_eq!(floats(Kind::MXFP4, &block)[0], 2f32.powi(-127));
        block[0] = 1;
        assert_eq!(floats(Kind::MXFP4, &block)[0], 2f32.powi(-126));
    }

    #[test]
    fn scales_of_six_bits_are_put_together_from_both_of_their_places() {
        let mut block = [0u8; 136];
        block[..2].copy_from_slice(&0x3c00u16.to_le_bytes());
        // Part 0: 0b10_0001 = 33, so 1; part 1: 0b11_1111 = 63, so 31; the others: 0, so -32.
        (block[2], block[4]) = (0b1110, 0xf1);
        (block[8], block[24], block[40]) = (0xf0, 0x08, 0x08);
        let values = floats(Kind::IQ4_XS, &block);
        assert_eq!((values[0], values[16], values[32], values[64]), (-127.0, 113.0, 31.0, -32.0));
        assert_eq!(values.len(), 256);
    }
}
