//! Eight values at a time.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::block::{BLOCK, Quantized};

/// Quantizes the blocks of one row. The caller has seen that AVX2 is available.
pub(super) fn quantize(x: &[f32], each: &mut dyn FnMut(usize, &Quantized)) {
    for (index, block) in x.chunks_exact(BLOCK).enumerate() {
        // SAFETY: `Activations::quantize` has checked the instruction set; the block has 32 values.
        each(index, &unsafe { quantize_block(block.as_ptr()) });
    }
}

/// # Safety
/// `x` points to 32 values.
#[target_feature(enable = "avx2")]
unsafe fn quantize_block(x: *const f32) -> Quantized {
    // SAFETY: within the 32 values.
    let v = unsafe {
        [_mm256_loadu_ps(x), _mm256_loadu_ps(x.add(8)), _mm256_loadu_ps(x.add(16)), _mm256_loadu_ps(x.add(24))]
    };
    let magnitude = _mm256_set1_epi32(0x7fff_ffff);
    let bits = v.map(|v| _mm256_and_si256(_mm256_castps_si256(v), magnitude));
    let most = _mm256_max_epi32(_mm256_max_epi32(bits[0], bits[1]), _mm256_max_epi32(bits[2], bits[3]));
    let most = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256::<1>(most));
    let most = _mm_max_epi32(most, _mm_shuffle_epi32::<0x4e>(most));
    let most = _mm_max_epi32(most, _mm_shuffle_epi32::<0xb1>(most));
    let amax = f32::from_bits(_mm_cvtsi128_si32(most) as u32);
    let inverse = 127.0 / amax;
    if !(inverse > 0.0 && inverse < f32::INFINITY) {
        return Quantized { q: [0; BLOCK], d: 0.0, sums: [0; 2] };
    }
    let factor = _mm256_set1_ps(inverse);
    // The conversion rounds ties to even, in the mode in which Rust runs.
    let q = v.map(|v| _mm256_cvtps_epi32(_mm256_mul_ps(v, factor)));
    let halves = [_mm256_add_epi32(q[0], q[1]), _mm256_add_epi32(q[2], q[3])];
    let sums = halves.map(|half| {
        let sum = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
        let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0x4e>(sum));
        _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32::<0xb1>(sum)))
    });
    // Packing works within 128-bit lanes; the permutation puts the groups of four back in order.
    let packed = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
    let ordered = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    let mut quantized = Quantized { q: [0; BLOCK], d: amax / 127.0, sums };
    // SAFETY: `q` has 32 bytes.
    unsafe { _mm256_storeu_si256(quantized.q.as_mut_ptr().cast(), ordered) };
    quantized
}
