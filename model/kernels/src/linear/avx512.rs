//! Products by AVX-512 with VNNI: the 16 rows of a group in a register, four 8-bit products summed to 32 bits at once.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::Group;
use super::tile::{Sink, Tile};
use crate::activations::BLOCK;
use crate::quant::spec::{GROUP, Scales, Spec, Store};

/// How far ahead of the quants in use memory is asked for: the processor's own prefetching stops at the end of a page.
pub(super) const AHEAD: usize = 1024;

/// The outputs of 16 rows for the tokens of a tile.
///
/// # Safety
/// AVX-512 F, BW, VL and VNNI are available; `group` has the size that `S` and `tile.cells` demand.
pub(super) unsafe fn product<S: Spec>(group: Group<'_>, tile: Tile<'_>, sink: Sink) {
    // Eight tokens fit the registers; more than eight are divided evenly.
    let first = if tile.height > 8 { tile.height.div_ceil(2) } else { tile.height };
    for (start, count) in [(0, first), (first, tile.height - first)] {
        // SAFETY: as the caller promises; the tokens taken are those of the tile.
        unsafe {
            match count {
                1 => kernel::<S, 1>(group, &tile, start, sink),
                2 => kernel::<S, 2>(group, &tile, start, sink),
                3 => kernel::<S, 3>(group, &tile, start, sink),
                4 => kernel::<S, 4>(group, &tile, start, sink),
                5 => kernel::<S, 5>(group, &tile, start, sink),
                6 => kernel::<S, 6>(group, &tile, start, sink),
                7 => kernel::<S, 7>(group, &tile, start, sink),
                8 => kernel::<S, 8>(group, &tile, start, sink),
                _ => (),
            }
        }
    }
}

/// `T` tokens from `first` on.
///
/// # Safety
/// As for [`product`]; `first + T <= tile.height`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma,f16c")]
unsafe fn kernel<S: Spec, const T: usize>(group: Group<'_>, tile: &Tile<'_>, first: usize, sink: Sink) {
    let mut sums = [_mm512_setzero_ps(); T];
    for cell in 0..tile.cells {
        // SAFETY: all offsets stay within the cell `cell` of the group and of the tile, whose sizes the caller and
        // `Tile::of` vouch for; a prefetch may name any address.
        unsafe {
            let weights = group.quants.as_ptr().add(cell * S::CELL);
            for line in 0..S::CELL / 64 {
                _mm_prefetch::<_MM_HINT_T0>(weights.wrapping_add(AHEAD + line * 64).cast());
            }
            let q = tile.q.as_ptr().add((cell * tile.height + first) * BLOCK);
            let at = cell * tile.height + first;
            for part in 0..S::PARTS {
                let half_at = (2 * cell + part) * tile.height + first;
                let mut dots: [__m512i; T] = std::array::from_fn(|t| {
                    let n = if S::PARTS == 1 { tile.n.as_ptr().add(at) } else { tile.half_n.as_ptr().add(half_at) };
                    offset::<S>(*n.add(t))
                });
                macro_rules! step {
                    ($($vector:literal)*) => {$(
                        let w = vector::<S, $vector>(weights);
                        for t in 0..T {
                            let x = _mm512_set1_epi32(q.add(t * BLOCK + $vector * 4).cast::<i32>().read_unaligned());
                            dots[t] = _mm512_dpbusd_epi32(dots[t], w, x);
                        }
                    )*};
                }
                // Low and high nibbles of the same bytes one after the other, unless they belong to different parts.
                if S::PARTS == 1 {
                    step!(0 4 1 5 2 6 3 7);
                } else if part == 0 {
                    step!(0 1 2 3);
                } else {
                    step!(4 5 6 7);
                }
                let (scale, minimum) = scale::<S>(group.scales.as_ptr(), cell, part);
                for t in 0..T {
                    let product = _mm512_mul_ps(scale, _mm512_set1_ps(*tile.d.as_ptr().add(at + t)));
                    sums[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[t]), product, sums[t]);
                    if S::MINIMUM {
                        let ds =
                            if S::PARTS == 1 { tile.ds.as_ptr().add(at) } else { tile.half_ds.as_ptr().add(half_at) };
                        sums[t] = _mm512_fmadd_ps(minimum, _mm512_set1_ps(*ds.add(t)), sums[t]);
                    }
                }
            }
        }
    }
    for (t, sums) in sums.iter().enumerate() {
        put(sink, first + t, *sums);
    }
}

/// Stores the outputs of one token.
#[target_feature(enable = "avx512f")]
pub(super) fn put(sink: Sink, token: usize, sums: __m512) {
    let mut values = [0.0; GROUP];
    // SAFETY: 16 places.
    unsafe { _mm512_storeu_ps(values.as_mut_ptr(), sums) };
    sink.put(token, &values);
}

/// What a sum of products with stored quants starts from, when `n` is -128 times the sum of the activations' quants:
/// stored quants exceed the true ones by the offset; signed bytes are taken as exceeding them by 128.
#[target_feature(enable = "avx512f")]
fn offset<S: Spec>(n: i32) -> __m512i {
    let offset = if S::STORE == Store::Bytes { 128 } else { S::OFFSET };
    match offset {
        0 => _mm512_setzero_si512(),
        4 => _mm512_srai_epi32::<5>(_mm512_set1_epi32(n)),
        8 => _mm512_srai_epi32::<4>(_mm512_set1_epi32(n)),
        16 => _mm512_srai_epi32::<3>(_mm512_set1_epi32(n)),
        32 => _mm512_srai_epi32::<2>(_mm512_set1_epi32(n)),
        _ => {
            debug_assert_eq!(offset, 128);
            _mm512_set1_epi32(n)
        }
    }
}

/// Stored quants of 16 rows and four columns, as unsigned bytes.
///
/// # Safety
/// `cell` points to a cell.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn vector<S: Spec, const V: usize>(cell: *const u8) -> __m512i {
    // SAFETY: the offset is that of a vector of the cell.
    let load = |offset: usize| unsafe { _mm512_loadu_si512(cell.add(offset).cast()) };
    if S::STORE == Store::Bytes {
        return _mm512_xor_si512(load(V * 64), _mm512_set1_epi8(-128));
    }
    let bytes = load(V % 4 * 64);
    let mask = _mm512_set1_epi8(15);
    let low = _mm512_and_si512(if V < 4 { bytes } else { _mm512_srli_epi16::<4>(bytes) }, mask);
    if S::STORE == Store::Nibbles {
        return low;
    }
    let upper = load(256 + V % 2 * 64);
    let upper = match V / 2 {
        0 => _mm512_slli_epi16::<4>(upper),
        1 => _mm512_slli_epi16::<2>(upper),
        2 => upper,
        _ => _mm512_srli_epi16::<2>(upper),
    };
    _mm512_or_si512(low, _mm512_and_si512(upper, _mm512_set1_epi8(0x30)))
}

/// Scale and minimum of the 16 rows of a part of a cell.
///
/// # Safety
/// `scales` points to the scales of a group with that cell.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) unsafe fn scale<S: Spec>(scales: *const u8, cell: usize, part: usize) -> (__m512, __m512) {
    let (head, tail) = S::scale_places(cell);
    // SAFETY: within the scales of the cell, as `Spec` lays them down.
    let halves = |place: usize| unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(scales.add(place).cast())) };
    // SAFETY: as above.
    let bytes = |index: usize| unsafe { _mm_loadu_si128(scales.add(tail + index * GROUP).cast()) };
    let wide = |bytes: __m128i| _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
    let minus = |x: __m512| _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(x), _mm512_set1_epi32(i32::MIN)));
    let nibble = _mm_set1_epi8(15);
    match S::SCALES {
        Scales::Half => (halves(tail), _mm512_setzero_ps()),
        Scales::HalfMin => (halves(tail), halves(tail + 32)),
        Scales::Upper32Min => {
            (_mm512_mul_ps(halves(head), wide(bytes(0))), minus(_mm512_mul_ps(halves(head + 32), wide(bytes(1)))))
        }
        Scales::Upper16 => {
            let scale = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes(part)));
            (_mm512_mul_ps(halves(head), scale), _mm512_setzero_ps())
        }
        Scales::Upper16Min => {
            let (low, high) = (bytes(part), _mm_srli_epi16::<4>(bytes(part)));
            (
                _mm512_mul_ps(halves(head), wide(_mm_and_si128(low, nibble))),
                minus(_mm512_mul_ps(halves(head + 32), wide(_mm_and_si128(high, nibble)))),
            )
        }
    }
}
