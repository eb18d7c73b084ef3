//! The blocks of GGUF files, taken apart as the ggml block definitions lay them down.

use super::Format;

/// One block: its quants as they are stored, offsets not subtracted, and its scales.
pub(super) struct Block {
    /// Of which the first `Format::block_weights` count.
    pub(super) quants: [u8; 256],
    /// Bits of the half `d`.
    pub(super) d: u16,
    /// Bits of the half `m` or `dmin`, zero where there is none.
    pub(super) m: u16,
    /// Two levels: scales per part; signed for the formats without minimum.
    pub(super) scales: [u8; 16],
    /// Two levels: minima per part.
    pub(super) minima: [u8; 16],
}

impl Block {
    pub(super) const EMPTY: Block = Block { quants: [0; 256], d: 0, m: 0, scales: [0; 16], minima: [0; 16] };

    /// Reads a block of `format.block_bytes()` bytes.
    pub(super) fn read(&mut self, format: Format, bytes: &[u8]) {
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        match format {
            Format::Q4_0 => {
                self.d = half(0);
                nibbles(&bytes[2..], &mut self.quants[..32]);
            }
            Format::Q4_1 => {
                (self.d, self.m) = (half(0), half(2));
                nibbles(&bytes[4..], &mut self.quants[..32]);
            }
            Format::Q5_0 => {
                self.d = half(0);
                nibbles(&bytes[6..], &mut self.quants[..32]);
                fifth_bits(&bytes[2..6], &mut self.quants[..32]);
            }
            Format::Q5_1 => {
                (self.d, self.m) = (half(0), half(2));
                nibbles(&bytes[8..], &mut self.quants[..32]);
                fifth_bits(&bytes[4..8], &mut self.quants[..32]);
            }
            Format::IQ4_NL => {
                self.d = half(0);
                nibbles(&bytes[2..], &mut self.quants[..32]);
                self.quants[..32].iter_mut().for_each(|quant| *quant = IQ4[usize::from(*quant)] as u8);
            }
            Format::Q8_0 => {
                self.d = half(0);
                self.quants[..32].copy_from_slice(&bytes[2..34]);
            }
            Format::Q2K => {
                (self.d, self.m) = (half(80), half(82));
                pairs(&bytes[16..80], &mut self.quants);
                for (part, byte) in bytes[..16].iter().enumerate() {
                    (self.scales[part], self.minima[part]) = (byte & 15, byte >> 4);
                }
            }
            Format::Q3K => {
                self.d = half(108);
                pairs(&bytes[32..96], &mut self.quants);
                for (i, quant) in self.quants.iter_mut().enumerate() {
                    *quant |= (bytes[i % 32] >> (i / 32) & 1) << 2;
                }
                for (part, scale) in self.scales.iter_mut().enumerate() {
                    let low = bytes[96 + part % 8] >> (part / 8 * 4) & 15;
                    let high = bytes[104 + part % 4] >> (part / 4 * 2) & 3;
                    *scale = (low | high << 4).wrapping_sub(32);
                }
            }
            Format::Q4K => {
                self.upper(bytes);
                for (source, target) in bytes[16..144].chunks_exact(32).zip(self.quants.chunks_exact_mut(64)) {
                    nibbles(source, target);
                }
            }
            Format::Q5K => {
                self.upper(bytes);
                for (source, target) in bytes[48..176].chunks_exact(32).zip(self.quants.chunks_exact_mut(64)) {
                    nibbles(source, target);
                }
                for (i, quant) in self.quants.iter_mut().enumerate() {
                    *quant |= (bytes[16 + i % 32] >> (i / 32) & 1) << 4;
                }
            }
            Format::Q6K => {
                self.d = half(208);
                for (source, target) in bytes[..128].chunks_exact(64).zip(self.quants.chunks_exact_mut(128)) {
                    nibbles(source, target);
                }
                for (i, quant) in self.quants.iter_mut().enumerate() {
                    *quant |= (bytes[128 + i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3) << 4;
                }
                self.scales.copy_from_slice(&bytes[192..208]);
            }
        }
    }

    /// The upper scales, and the twelve bytes in which Q4_K and Q5_K keep eight scales and minima of 6 bits.
    fn upper(&mut self, bytes: &[u8]) {
        self.d = u16::from_le_bytes([bytes[0], bytes[1]]);
        self.m = u16::from_le_bytes([bytes[2], bytes[3]]);
        let packed = &bytes[4..16];
        for part in 0..4 {
            (self.scales[part], self.minima[part]) = (packed[part] & 63, packed[part + 4] & 63);
            self.scales[part + 4] = packed[part + 8] & 15 | packed[part] >> 6 << 4;
            self.minima[part + 4] = packed[part + 8] >> 4 | packed[part + 4] >> 6 << 4;
        }
    }
}

/// Values of the sixteen codes of IQ4_NL.
const IQ4: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/// The fifth bit of each of 32 quants, from four bytes.
fn fifth_bits(source: &[u8], target: &mut [u8]) {
    for (i, quant) in target.iter_mut().enumerate() {
        *quant |= (source[i / 8] >> (i % 8) & 1) << 4;
    }
}

/// Low nibbles to the first half, high nibbles to the second.
fn nibbles(source: &[u8], target: &mut [u8]) {
    let (low, high) = target.split_at_mut(target.len() / 2);
    for ((byte, low), high) in source.iter().zip(low).zip(high) {
        (*low, *high) = (byte & 15, byte >> 4);
    }
}

/// Pairs of bits: each 32 bytes hold 128 quants, of which the `i`-th has bits `2 (i / 32)` of byte `i % 32`.
fn pairs(source: &[u8], target: &mut [u8]) {
    for (i, quant) in target.iter_mut().enumerate() {
        *quant = source[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
    }
}
