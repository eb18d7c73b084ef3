//! Random blocks of every type, scaled so that a product keeps the size of its input: weights of mean zero and of
//! variance one over the number of columns. Layouts: ggml's block types.

use crate::gguf::Kind;
use crate::half;

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }

    /// Even in -1..1.
    fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// A half-precision scale around `value`, between half and one and a half of it.
    fn scale(&mut self, value: f32) -> f32 {
        half::to_f32(half::truncated(value * (1.0 + self.uniform() * 0.5)))
    }
}

/// The weights of a norm: near one.
pub(super) fn norm(random: &mut Random, cols: usize, out: &mut Vec<u8>) {
    for _ in 0..cols {
        out.extend((1.0 + random.uniform() * 0.125).to_le_bytes());
    }
}

/// One row of a matrix.
pub(super) fn row(kind: Kind, random: &mut Random, cols: usize, out: &mut Vec<u8>) {
    let deviation = (cols as f32).powf(-0.5);
    let start = out.len();
    out.resize(start + kind.row_bytes(cols), 0);
    let blocks = &mut out[start..];
    random.fill(blocks);
    for block in blocks.chunks_exact_mut(kind.block_bytes()) {
        match kind {
            Kind::F32 => block.copy_from_slice(&(random.uniform() * deviation * 1.732).to_le_bytes()),
            Kind::F16 => block.copy_from_slice(&half::truncated(random.uniform() * deviation * 1.732).to_le_bytes()),
            // The divisors are the deviations of the integers: 4.61 of four random bits, 74 of eight, and so on.
            Kind::Q4_0 => put(block, 0, random.scale(deviation / 4.61)),
            Kind::Q4_1 => scale_and_minimum(block, 0, random.scale(deviation / 4.61), -7.5),
            Kind::BF16 => {
                let bits = (random.uniform() * deviation * 1.732).to_bits();
                block.copy_from_slice(&((bits >> 16) as u16).to_le_bytes());
            }
            Kind::Q5_0 => put(block, 0, random.scale(deviation / 9.23)),
            Kind::Q5_1 => scale_and_minimum(block, 0, random.scale(deviation / 9.23), -15.5),
            Kind::IQ4_NL => put(block, 0, random.scale(deviation / 71.0)),
            Kind::IQ4_XS => put(block, 0, random.scale(deviation / (18.5 * 71.0))),
            // The nearest power of two; the codes' deviation is 3.
            Kind::MXFP4 => block[0] = (127.0 + (deviation / 3.0).log2()).round() as u8,
            Kind::Q8_0 => put(block, 0, random.scale(deviation / 74.0)),
            Kind::Q2K => {
                equal_nibbles(&mut block[..16]);
                scale_and_minimum(block, 80, random.scale(deviation / (8.8 * 1.12)), 1.5);
            }
            Kind::Q3K => put(block, 108, random.scale(deviation / (18.5 * 2.29))),
            Kind::Q4K => {
                equal_minima(block);
                scale_and_minimum(block, 0, random.scale(deviation / (8.8 * 4.61)), 7.5);
            }
            Kind::Q5K => {
                equal_minima(block);
                scale_and_minimum(block, 0, random.scale(deviation / (8.8 * 9.23)), 15.5);
            }
            Kind::Q6K => {
                // Scales of four bits and a sign: larger ones would need a super-scale below the normal halves.
                block[192..208].iter_mut().for_each(|scale| *scale = (*scale as i8 >> 4) as u8);
                put(block, 208, random.scale(deviation / (4.6 * 18.5)));
            }
        }
    }
}

fn put(block: &mut [u8], at: usize, value: f32) {
    block[at..at + 2].copy_from_slice(&half::truncated(value).to_le_bytes());
}

/// A scale, and behind it a minimum that is so many times the scale.
fn scale_and_minimum(block: &mut [u8], at: usize, scale: f32, times: f32) {
    put(block, at, scale);
    put(block, at + 2, scale * times);
}

/// Q2_K: the minimum of every sub-block, high, as its scale, low.
fn equal_nibbles(scales: &mut [u8]) {
    scales.iter_mut().for_each(|both| *both = (*both & 15) * 17);
}

/// Q4_K and Q5_K: the minimum of every sub-block as its scale, both of four bits.
fn equal_minima(block: &mut [u8]) {
    for at in 4..8 {
        block[at] &= 15;
        block[at + 4] = block[at];
    }
    equal_nibbles(&mut block[12..16]);
}
