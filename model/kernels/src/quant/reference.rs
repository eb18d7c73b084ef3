//! Dequantization of the blocks of GGUF files, written from their definition, weight by weight, in no one's interest
//! but the tests'; and random blocks.

use proptest::prelude::*;

use super::Format;
use crate::half::{from_half, to_half};

/// The weights of one block.
pub(crate) fn dequantize(format: Format, block: &[u8]) -> Vec<f32> {
    let half = |at: usize| from_half(u16::from_le_bytes([block[at], block[at + 1]]));
    let weight = |i: usize| -> f32 {
        match format {
            Format::Q4_0 => {
                let byte = block[2 + i % 16];
                let q = if i < 16 { byte & 0xf } else { byte >> 4 };
                half(0) * (f32::from(q) - 8.0)
            }
            Format::Q4_1 => {
                let byte = block[4 + i % 16];
                let q = if i < 16 { byte & 0xf } else { byte >> 4 };
                half(0) * f32::from(q) + half(2)
            }
            Format::Q5_0 | Format::Q5_1 => {
                // d, (m,) qh, qs[16]
                let start = if format == Format::Q5_0 { 2 } else { 4 };
                let upper = u32::from_le_bytes([block[start], block[start + 1], block[start + 2], block[start + 3]]);
                let byte = block[start + 4 + i % 16];
                let q = f32::from(if i < 16 { byte & 0xf } else { byte >> 4 }) + (upper >> i & 1) as f32 * 16.0;
                if format == Format::Q5_0 { half(0) * (q - 16.0) } else { half(0) * q + half(2) }
            }
            Format::IQ4_NL => {
                let byte = block[2 + i % 16];
                let q = if i < 16 { byte & 0xf } else { byte >> 4 };
                let value = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113][usize::from(q)];
                half(0) * value as f32
            }
            Format::Q8_0 => half(0) * f32::from(block[2 + i] as i8),
            Format::Q2K => {
                // scales[16], qs[64], d, dmin
                let q = block[16 + i / 128 * 32 + i % 32] >> (2 * (i / 32 % 4)) & 3;
                let scale = block[i / 16];
                half(80) * f32::from(scale & 0xf) * f32::from(q) - half(82) * f32::from(scale >> 4)
            }
            Format::Q3K => {
                // hmask[32], qs[64], scales[12], d
                let low = block[32 + i / 128 * 32 + i % 32] >> (2 * (i / 32 % 4)) & 3;
                let high = block[i % 32] >> (i / 32) & 1;
                let q = low as i8 - if high == 1 { 0 } else { 4 };
                let scales = &block[96..108];
                let part = i / 16;
                let nibble = if part < 8 { scales[part] & 0xf } else { scales[part - 8] >> 4 };
                let upper = scales[8 + part % 4] >> (2 * (part / 4)) & 3;
                let scale = (nibble | upper << 4) as i8 - 32;
                half(108) * f32::from(scale) * f32::from(q)
            }
            Format::Q4K | Format::Q5K => {
                // d, dmin, scales[12], (qh[32],) qs[128]
                let part = i / 32;
                let s = &block[4..16];
                let (scale, minimum) = if part < 4 {
                    (s[part] & 63, s[part + 4] & 63)
                } else {
                    ((s[part + 4] & 0xf) | ((s[part - 4] >> 6) << 4), (s[part + 4] >> 4) | ((s[part] >> 6) << 4))
                };
                let qs = if format == Format::Q4K { &block[16..] } else { &block[48..] };
                let byte = qs[part / 2 * 32 + i % 32];
                let mut q = if part.is_multiple_of(2) { byte & 0xf } else { byte >> 4 };
                if format == Format::Q5K && block[16 + i % 32] & (1 << part) != 0 {
                    q += 16;
                }
                half(0) * f32::from(scale) * f32::from(q) - half(2) * f32::from(minimum)
            }
            Format::Q6K => {
                // ql[128], qh[64], scales[16], d
                let (n, j, l) = (i / 128, i % 128 / 32, i % 32);
                let low = block[n * 64 + j % 2 * 32 + l] >> (4 * (j / 2)) & 0xf;
                let high = block[128 + n * 32 + l] >> (2 * j) & 3;
                let q = (low | high << 4) as i8 - 32;
                half(208) * f32::from(block[192 + i / 16] as i8) * f32::from(q)
            }
        }
    };
    (0..format.block_weights()).map(weight).collect()
}

/// Where a block of the format keeps its halves.
pub(crate) fn halves(format: Format) -> &'static [usize] {
    match format {
        Format::Q4_0 | Format::Q5_0 | Format::Q8_0 | Format::IQ4_NL => &[0],
        Format::Q4_1 | Format::Q5_1 | Format::Q4K | Format::Q5K => &[0, 2],
        Format::Q2K => &[80, 82],
        Format::Q3K => &[108],
        Format::Q6K => &[208],
    }
}

/// What the bytes of blocks are like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Random,
    Zero,
    /// All bits of all quants and scales set.
    Ones,
    /// Random with the largest halves.
    Huge,
    /// Random with subnormal halves.
    Tiny,
}

pub(crate) fn any_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![4 => Just(Kind::Random), 1 => Just(Kind::Zero), 1 => Just(Kind::Ones), 1 => Just(Kind::Huge), 1 => Just(Kind::Tiny)]
}

pub(crate) fn any_format() -> impl Strategy<Value = Format> {
    (0..Format::ALL.len()).prop_map(|i| Format::ALL[i])
}

/// Blocks with scales that are numbers, from a seed.
pub(crate) fn blocks(format: Format, count: usize, kind: Kind, seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut bytes: Vec<u8> = (0..count * format.block_bytes())
        .map(|_| match kind {
            Kind::Zero => 0,
            Kind::Ones => 0xff,
            _ => random.next() as u8,
        })
        .collect();
    for block in bytes.chunks_exact_mut(format.block_bytes()) {
        for at in halves(format) {
            let sign = (random.next() as u16 & 1) << 15;
            let half = match kind {
                Kind::Random => to_half((random.next() % 2001) as f32 / 100_000.0 - 0.01),
                Kind::Zero => 0,
                Kind::Ones => 0x3c00,
                Kind::Huge => 0x7bff | sign,
                Kind::Tiny => (random.next() as u16 % 0x400) | sign,
            };
            block[*at..at + 2].copy_from_slice(&half.to_le_bytes());
        }
    }
    bytes
}

/// Random numbers (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// In -1..1.
    pub(crate) fn number(&mut self) -> f32 {
        (self.next() >> 40) as f32 / 8_388_608.0 - 1.0
    }
}
