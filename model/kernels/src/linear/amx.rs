//! Products by the tile unit: 16 tokens times 16 rows of the matrix times the 32 columns that share scales, at once. The
//! weights of a group are unpacked once for all tokens of a pass; while the tile unit works on one block, the vector
//! unit scales and adds up the one before. For formats with scales per 32 alone.

#![allow(unsafe_code)]

use std::arch::asm;
use std::arch::x86_64::*;

use super::Group;
use super::avx512::{put, scale, vector};
use super::tile::{Sink, Tile};
use crate::activations::{BLOCK, TILE};
use crate::lines::Lines;
use crate::quant::spec::{GROUP, Spec, Store};

/// Bytes of a cell unpacked, and of the block of a tile of activations.
const CELL: usize = BLOCK * GROUP;

/// The shapes of the tile registers, as `ldtilecfg` reads them.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// One group unpacked, for the tile unit; and, while it lives, the tile registers of this thread set up for `S`.
pub(super) struct Unpacked<S> {
    /// Signed quants, the offset subtracted: `[cell][vector][64]`.
    quants: Lines<i8>,
    /// Per cell 16 scales, then 16 minima.
    scales: Lines<f32>,
    spec: std::marker::PhantomData<S>,
}

impl<S: Spec> Unpacked<S> {
    /// Room for a group of `cells` cells.
    ///
    /// # Safety
    /// The tile unit and AVX-512 are available to the process, and `S` has one scale per 32 columns. The thread must not make another one while this lives.
    pub(super) unsafe fn new(cells: usize) -> Self {
        // Sums of 16 tokens by 16 rows in two registers, two of activations, two of weights.
        let mut config = Config { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        for (register, (rows, bytes)) in
            [(TILE, 64), (TILE, 64), (TILE, BLOCK), (TILE, BLOCK), (BLOCK / 4, 64), (BLOCK / 4, 64)]
                .into_iter()
                .enumerate()
        {
            config.rows[register] = rows as u8;
            config.row_bytes[register] = bytes as u16;
        }
        // SAFETY: a valid configuration of palette 1, of 64 bytes; no one else uses the tile registers of this thread.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const config, options(nostack, readonly, preserves_flags)) };
        let packed = if S::STORE == Store::Bytes { 0 } else { cells * CELL };
        Unpacked {
            quants: Lines::zeroed(packed),
            scales: Lines::zeroed(cells * 2 * GROUP),
            spec: std::marker::PhantomData,
        }
    }

    /// Unpacks a group.
    ///
    /// # Safety
    /// The group has the size that `S` and `cells` demand, `cells` being what this was made for.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    pub(super) unsafe fn fill(&mut self, group: Group<'_>, cells: usize) {
        for cell in 0..cells {
            // SAFETY: the caller vouches for the group; there is room for two vectors per cell.
            unsafe {
                let (scale, minimum) = scale::<S>(group.scales.as_ptr(), cell, 0);
                let place = self.scales.as_mut_ptr().add(cell * 2 * GROUP);
                _mm512_storeu_ps(place, scale);
                _mm512_storeu_ps(place.add(GROUP), minimum);
            }
            if S::STORE == Store::Bytes {
                continue;
            }
            let offset = _mm512_set1_epi8(S::OFFSET as i8);
            macro_rules! unpack {
                ($($vector:literal)*) => {$(
                    // SAFETY: as above; there is room for eight vectors per cell.
                    unsafe {
                        let quants = vector::<S, $vector>(group.quants.as_ptr().add(cell * S::CELL));
                        let place = self.quants.as_mut_ptr().add(cell * CELL + $vector * 64);
                        _mm512_storeu_si512(place.cast(), _mm512_sub_epi8(quants, offset));
                    }
                )*};
            }
            unpack!(0 4 1 5 2 6 3 7);
        }
    }

    /// The outputs of the group last filled in, for the 16 tokens of a whole tile.
    ///
    /// # Safety
    /// `group` is the one last filled in, `tile` as wide as it, with 16 tokens.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma,f16c")]
    pub(super) unsafe fn product(&self, group: Group<'_>, tile: Tile<'_>, sink: Sink) {
        let quants: *const i8 =
            if S::STORE == Store::Bytes { group.quants.as_ptr().cast() } else { self.quants.as_ptr() };
        (0..TILE).for_each(|token| sink.fetch(token));
        let mut dots = [Dots([0; TILE * GROUP]), Dots([0; TILE * GROUP])];
        let mut sums = [_mm512_setzero_ps(); TILE];
        // SAFETY: each cell < tile.cells; it reads 16 times 32 bytes of the tile, the eight vectors of the cell, the 16
        // values of a plane that belong to it, and writes all of one of `dots`.
        unsafe {
            macro_rules! tiles {
                ($cell:expr, $sums:literal, $left:literal, $right:literal, $into:expr) => {
                    asm!(
                        concat!("tilezero ", $sums),
                        concat!("tileloadd ", $left, ", [{left} + {row}]"),
                        concat!("tileloadd ", $right, ", [{right} + {line}]"),
                        concat!("tdpbssd ", $sums, ", ", $left, ", ", $right),
                        concat!("tilestored [{into} + {line}], ", $sums),
                        left = in(reg) tile.q.as_ptr().add($cell * CELL),
                        right = in(reg) quants.add($cell * CELL),
                        into = in(reg) &raw mut $into,
                        row = in(reg) BLOCK,
                        line = in(reg) 64_usize,
                        options(nostack, preserves_flags),
                    )
                };
            }
            let add = |sums: &mut [__m512; TILE], cell: usize, dots: &Dots| {
                let scales = self.scales.as_ptr().add(cell * 2 * GROUP);
                let (scale, minimum) = (_mm512_loadu_ps(scales), _mm512_loadu_ps(scales.add(GROUP)));
                let d = tile.d.as_ptr().add(cell * TILE);
                let ds = tile.ds.as_ptr().add(cell * TILE);
                for (t, sum) in sums.iter_mut().enumerate() {
                    let dot = _mm512_cvtepi32_ps(_mm512_load_si512(dots.0.as_ptr().add(t * GROUP).cast()));
                    *sum = _mm512_fmadd_ps(dot, _mm512_mul_ps(scale, _mm512_set1_ps(*d.add(t))), *sum);
                    if S::MINIMUM {
                        *sum = _mm512_fmadd_ps(minimum, _mm512_set1_ps(*ds.add(t)), *sum);
                    }
                }
            };
            tiles!(0, "tmm0", "tmm2", "tmm4", dots[0]);
            let mut cell = 1;
            while cell + 1 < tile.cells {
                tiles!(cell, "tmm1", "tmm3", "tmm5", dots[1]);
                add(&mut sums, cell - 1, &dots[0]);
                tiles!(cell + 1, "tmm0", "tmm2", "tmm4", dots[0]);
                add(&mut sums, cell, &dots[1]);
                cell += 2;
            }
            if cell < tile.cells {
                tiles!(cell, "tmm1", "tmm3", "tmm5", dots[1]);
                add(&mut sums, cell - 1, &dots[0]);
                add(&mut sums, cell, &dots[1]);
            } else {
                add(&mut sums, cell - 1, &dots[0]);
            }
        }
        for (token, sums) in sums.iter().enumerate() {
            put(sink, token, *sums);
        }
    }
}

impl<S> Drop for Unpacked<S> {
    fn drop(&mut self) {
        // SAFETY: the tile unit is there, as it was for `new`; idle registers cost nothing on a context switch.
        unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) };
    }
}

/// Sums of products, a row of 16 for each token.
#[repr(C, align(64))]
struct Dots([i32; TILE * GROUP]);
