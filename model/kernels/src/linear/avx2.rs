//! Products by AVX2: eight rows in a register, 8-bit products summed in pairs to 16 bits, and in these as long as they
//! cannot overflow.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::Group;
use super::avx512::AHEAD;
use super::tile::{Sink, Tile};
use crate::activations::BLOCK;
use crate::quant::spec::{Scales, Spec, Store};

/// The outputs of 16 rows for the tokens of a tile.
///
/// # Safety
/// AVX2, FMA and F16C are available; `group` has the size that `S` and `tile.cells` demand.
pub(super) unsafe fn product<S: Spec>(group: Group<'_>, tile: Tile<'_>, sink: Sink) {
    let mut token = 0;
    while token < tile.height {
        // SAFETY: as the caller promises; the tokens taken are those of the tile.
        unsafe {
            match tile.height - token {
                1 => kernel::<S, 1, 2>(group, 0, &tile, token, sink),
                2 => kernel::<S, 2, 2>(group, 0, &tile, token, sink),
                3 => {
                    kernel::<S, 3, 1>(group, 0, &tile, token, sink);
                    kernel::<S, 3, 1>(group, 1, &tile, token, sink);
                }
                _ => {
                    kernel::<S, 4, 1>(group, 0, &tile, token, sink);
                    kernel::<S, 4, 1>(group, 1, &tile, token, sink);
                }
            }
        }
        token += 4;
    }
}

/// `T` tokens from `first` on, for `H` times eight rows from half `half` of the group on.
///
/// # Safety
/// As for [`product`]; `first + T <= tile.height` and `half + H <= 2`.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn kernel<S: Spec, const T: usize, const H: usize>(
    group: Group<'_>,
    half: usize,
    tile: &Tile<'_>,
    first: usize,
    sink: Sink,
) {
    let ones = _mm256_set1_epi16(1);
    let mut sums = [[_mm256_setzero_ps(); H]; T];
    for cell in 0..tile.cells {
        // SAFETY: all offsets stay within the cell `cell` of the group and of the tile, whose sizes the caller and
        // `Tile::of` vouch for; a prefetch may name any address.
        unsafe {
            let weights = group.quants.as_ptr().add(cell * S::CELL + half * 32);
            if half == 0 {
                for line in 0..S::CELL / 64 {
                    _mm_prefetch::<_MM_HINT_T0>(weights.wrapping_add(AHEAD + line * 64).cast());
                }
            }
            let q = tile.q.as_ptr().add((cell * tile.height + first) * BLOCK);
            for part in 0..S::PARTS {
                let mut dots = [[_mm256_setzero_si256(); H]; T];
                let mut pairs = [[_mm256_setzero_si256(); H]; T];
                macro_rules! step {
                    ($vector:literal, $count:literal) => {
                        let w: [__m256i; H] = std::array::from_fn(|h| vector::<S, $vector>(weights.add(h * 32)));
                        for t in 0..T {
                            let x = _mm256_set1_epi32(q.add(t * BLOCK + $vector * 4).cast::<i32>().read_unaligned());
                            for h in 0..H {
                                if S::STORE == Store::Bytes {
                                    // The sign goes over to the activation: 128 * 127 * 2 fits into 16 bits.
                                    let magnitude = _mm256_abs_epi8(w[h]);
                                    let pair = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(x, w[h]));
                                    dots[t][h] = _mm256_add_epi32(dots[t][h], _mm256_madd_epi16(pair, ones));
                                    continue;
                                }
                                pairs[t][h] = _mm256_add_epi16(pairs[t][h], _mm256_maddubs_epi16(w[h], x));
                                if $count % run::<S>() == 0 {
                                    dots[t][h] = _mm256_add_epi32(dots[t][h], _mm256_madd_epi16(pairs[t][h], ones));
                                    pairs[t][h] = _mm256_setzero_si256();
                                }
                            }
                        }
                    };
                }
                // Low and high nibbles of the same bytes one after the other, unless they belong to different parts.
                if S::PARTS == 1 {
                    step!(0, 1);
                    step!(4, 2);
                    step!(1, 3);
                    step!(5, 4);
                    step!(2, 5);
                    step!(6, 6);
                    step!(3, 7);
                    step!(7, 8);
                } else if part == 0 {
                    step!(0, 1);
                    step!(1, 2);
                    step!(2, 3);
                    step!(3, 4);
                } else {
                    step!(4, 1);
                    step!(5, 2);
                    step!(6, 3);
                    step!(7, 4);
                }
                let scales: [_; H] = std::array::from_fn(|h| scale::<S>(group.scales.as_ptr(), cell, part, half + h));
                let at = cell * tile.height + first;
                let half_at = (2 * cell + part) * tile.height + first;
                for t in 0..T {
                    let d = _mm256_set1_ps(*tile.d.as_ptr().add(at + t));
                    for h in 0..H {
                        let mut dot = dots[t][h];
                        if S::OFFSET != 0 {
                            let n =
                                if S::PARTS == 1 { tile.n.as_ptr().add(at) } else { tile.half_n.as_ptr().add(half_at) };
                            // -128 sum, divided without remainder by 128 / offset.
                            let n = _mm256_set1_epi32(*n.add(t));
                            let shift = _mm_cvtsi32_si128(128_i32.ilog2() as i32 - S::OFFSET.ilog2() as i32);
                            dot = _mm256_add_epi32(dot, _mm256_sra_epi32(n, shift));
                        }
                        let product = _mm256_mul_ps(scales[h].0, d);
                        sums[t][h] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), product, sums[t][h]);
                        if S::MINIMUM {
                            let ds = if S::PARTS == 1 {
                                tile.ds.as_ptr().add(at)
                            } else {
                                tile.half_ds.as_ptr().add(half_at)
                            };
                            sums[t][h] = _mm256_fmadd_ps(scales[h].1, _mm256_set1_ps(*ds.add(t)), sums[t][h]);
                        }
                    }
                }
            }
        }
    }
    for (t, sums) in sums.iter().enumerate() {
        for (h, sum) in sums.iter().enumerate() {
            let mut values = [0.0; 8];
            // SAFETY: eight places.
            unsafe { _mm256_storeu_ps(values.as_mut_ptr(), *sum) };
            sink.put_half(first + t, half + h, &values);
        }
    }
}

/// How many sums of pairs fit into 16 bits.
const fn run<S: Spec>() -> i32 {
    let fits = i16::MAX as i32 / (2 * 127 * S::MAX);
    if fits >= 8 {
        8 / S::PARTS as i32
    } else if fits >= 4 {
        4
    } else {
        2
    }
}

/// Stored quants of eight rows and four columns.
///
/// # Safety
/// `cell` points to the first or second 32 bytes of a cell.
#[target_feature(enable = "avx2")]
unsafe fn vector<S: Spec, const V: usize>(cell: *const u8) -> __m256i {
    // SAFETY: the offset is that of a vector of the cell.
    let load = |offset: usize| unsafe { _mm256_loadu_si256(cell.add(offset).cast()) };
    if S::STORE == Store::Bytes {
        return load(V * 64);
    }
    let bytes = load(V % 4 * 64);
    let mask = _mm256_set1_epi8(15);
    let low = _mm256_and_si256(if V < 4 { bytes } else { _mm256_srli_epi16::<4>(bytes) }, mask);
    if S::STORE == Store::Nibbles {
        return low;
    }
    let upper = load(256 + V % 2 * 64);
    let upper = match V / 2 {
        0 => _mm256_slli_epi16::<4>(upper),
        1 => _mm256_slli_epi16::<2>(upper),
        2 => upper,
        _ => _mm256_srli_epi16::<2>(upper),
    };
    _mm256_or_si256(low, _mm256_and_si256(upper, _mm256_set1_epi8(0x30)))
}

/// Scale and minimum of eight rows of a part of a cell.
///
/// # Safety
/// `scales` points to the scales of a group with that cell.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn scale<S: Spec>(scales: *const u8, cell: usize, part: usize, half: usize) -> (__m256, __m256) {
    let (head, tail) = S::scale_places(cell);
    // SAFETY: within the scales of the cell, as `Spec` lays them down.
    let halves = |place: usize| unsafe { _mm256_cvtph_ps(_mm_loadu_si128(scales.add(place + half * 16).cast())) };
    // SAFETY: as above.
    let bytes = |index: usize| unsafe { _mm_loadl_epi64(scales.add(tail + index * 16 + half * 8).cast()) };
    let wide = |bytes: __m128i| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
    let minus = |x: __m256| _mm256_xor_ps(x, _mm256_set1_ps(-0.0));
    let nibble = _mm_set1_epi8(15);
    match S::SCALES {
        Scales::Half => (halves(tail), _mm256_setzero_ps()),
        Scales::HalfMin => (halves(tail), halves(tail + 32)),
        Scales::Upper32Min => {
            (_mm256_mul_ps(halves(head), wide(bytes(0))), minus(_mm256_mul_ps(halves(head + 32), wide(bytes(1)))))
        }
        Scales::Upper16 => {
            let scale = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes(part)));
            (_mm256_mul_ps(halves(head), scale), _mm256_setzero_ps())
        }
        Scales::Upper16Min => {
            let (low, high) = (bytes(part), _mm_srli_epi16::<4>(bytes(part)));
            (
                _mm256_mul_ps(halves(head), wide(_mm_and_si128(low, nibble))),
                minus(_mm256_mul_ps(halves(head + 32), wide(_mm_and_si128(high, nibble)))),
            )
        }
    }
}
