//! The definition.

use super::block::{BLOCK, Quantized};

/// Quantizes the blocks of one row.
pub(super) fn quantize(x: &[f32], each: &mut dyn FnMut(usize, &Quantized)) {
    for (index, block) in x.chunks_exact(BLOCK).enumerate() {
        each(index, &quantize_block(block));
    }
}

fn quantize_block(x: &[f32]) -> Quantized {
    // As integers, so that infinity and NaN are larger than any number.
    let amax = f32::from_bits(x.iter().map(|x| x.to_bits() & 0x7fff_ffff).max().unwrap_or(0));
    let inverse = 127.0 / amax;
    let mut quantized = Quantized { q: [0; BLOCK], d: 0.0, sums: [0; 2] };
    // Not for zero, where the inverse is infinite, nor for infinity, where it is zero, nor for NaN.
    if inverse > 0.0 && inverse < f32::INFINITY {
        quantized.d = amax / 127.0;
        for (i, (q, x)) in quantized.q.iter_mut().zip(x).enumerate() {
            *q = (x * inverse).round_ties_even() as i8;
            quantized.sums[i / 16] += i32::from(*q);
        }
    }
    quantized
}
