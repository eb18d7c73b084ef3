//! How products are divided among threads and handed to the kernels.

#![allow(unsafe_code)]

use std::ops::Range;

use super::tile::{Sink, Tile};
use super::{Linear, scalar};
#[cfg(target_arch = "x86_64")]
use super::{amx, avx2, avx512};
use crate::activations::{Activations, TILE};
use crate::pool::Base;
use crate::quant::spec::{GROUP, Spec, with_spec};
use crate::{Isa, Pool};

/// Chunks of groups per thread: enough to even out what the system takes away from a thread.
const CHUNKS: usize = 8;
/// Bytes of quantized activations that stay in the second cache while several groups of weights pass over them.
const ACTIVATION_BYTES: usize = 256 << 10;

/// Several matrices with the same input in one parallel region: `outs[i]` becomes `tokens` x `weights[i].rows()`,
/// row-major. For output row `r` and token `t`, with the blocks of 32 columns (or their halves, where weights have
/// scales per 16) in ascending order, from zero: `acc = fma(dot, dw * da, acc)`, and where weights have a minimum,
/// `acc = fma(mw, da * sum, acc)`; `dot` is the exact integer product of the quants (offsets subtracted), `sum` that of
/// the activations' quants.
///
/// # Panics
/// When the shapes do not fit together or `isa` is not available.
pub fn matmul(isa: Isa, pool: &Pool, weights: &[&Linear], x: &Activations, outs: &mut [&mut [f32]]) {
    isa.check();
    assert_eq!(weights.len(), outs.len(), "one output for each matrix");
    for (weights, out) in weights.iter().zip(outs.iter()) {
        assert!(x.tokens() == 0 || weights.cols == x.cols(), "{} columns for {} values", weights.cols, x.cols());
        assert_eq!(out.len(), weights.rows * x.tokens(), "places for {} rows of {} tokens", weights.rows, x.tokens());
    }
    if x.tokens() == 0 {
        return;
    }
    let outs: Vec<Base<f32>> = outs.iter_mut().map(|out| Base(out.as_mut_ptr())).collect();
    let total: usize = weights.iter().map(|weights| weights.groups()).sum();
    let chunk = (total / (pool.threads() * CHUNKS)).max(1);
    pool.run(total.div_ceil(chunk), &|index| {
        // The groups of all matrices count through.
        let (mut first, mut end) = (index * chunk, total.min((index + 1) * chunk));
        for (weights, out) in weights.iter().zip(&outs) {
            let groups = weights.groups();
            if first < groups {
                // SAFETY: the output was checked to have a place for each row and token; it is borrowed exclusively
                // until the region ends, and each group belongs to one index.
                unsafe { work(isa, weights, x, *out, first..groups.min(end)) };
            }
            if end <= groups {
                break;
            }
            (first, end) = (first.saturating_sub(groups), end - groups);
        }
    });
}

/// The outputs of some groups, for all tokens.
///
/// # Safety
/// `isa` is available. `out` is `x.tokens()` x `weights.rows` places; nobody else reads or writes those of these groups
/// meanwhile.
unsafe fn work(isa: Isa, weights: &Linear, x: &Activations, out: Base<f32>, groups: Range<usize>) {
    let per_pass = (ACTIVATION_BYTES / x.cols()).max(TILE) / TILE * TILE;
    for start in (0..x.tokens()).step_by(per_pass) {
        let tokens = start..x.tokens().min(start + per_pass);
        let pass = Pass { weights, x, out, groups: groups.clone(), tokens };
        // SAFETY: as the caller promises; the tokens are some of those of `x`.
        with_spec!(weights.format, S => unsafe { pass.run::<S>(isa) });
    }
}

/// Some groups times some whole tiles of tokens.
struct Pass<'a> {
    weights: &'a Linear,
    x: &'a Activations,
    out: Base<f32>,
    groups: Range<usize>,
    tokens: Range<usize>,
}

impl Pass<'_> {
    /// # Safety
    /// As for [`work`]; `S` is the format of the weights.
    unsafe fn run<S: Spec>(&self, isa: Isa) {
        // Measured: with fewer tokens unpacking costs what the tile unit saves, and products of 16 columns at a time
        // leave it half idle, so that AVX-512 is as fast.
        #[cfg(target_arch = "x86_64")]
        if isa == Isa::Amx && S::PARTS == 1 && self.tokens.len() >= 2 * TILE {
            // SAFETY: as the caller promises; a task makes one of these at a time, and tasks do not nest in here.
            return unsafe { self.run_tiles::<S>() };
        }
        for group in self.groups.clone() {
            let packed = self.weights.group(group);
            for (tile, sink) in self.tiles(group) {
                match isa {
                    Isa::Scalar => scalar::product::<S>(packed, tile, sink),
                    // SAFETY: the instruction set is available; the group is one of a matrix of this format and width.
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx2 => unsafe { avx2::product::<S>(packed, tile, sink) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512 | Isa::Amx => unsafe { avx512::product::<S>(packed, tile, sink) },
                    #[cfg(not(target_arch = "x86_64"))]
                    _ => scalar::product::<S>(packed, tile, sink),
                }
            }
        }
    }

    /// By the tile unit, but for a last tile that is not whole.
    ///
    /// # Safety
    /// As for [`Pass::run`], and the tile unit is available and unused in this thread.
    #[cfg(target_arch = "x86_64")]
    unsafe fn run_tiles<S: Spec>(&self) {
        let cells = self.weights.cells();
        // SAFETY: as the caller promises; the groups are of a matrix of this format and width; whole tiles have 16
        // tokens.
        unsafe {
            let mut unpacked = amx::Unpacked::<S>::new(cells);
            for group in self.groups.clone() {
                let packed = self.weights.group(group);
                unpacked.fill(packed, cells);
                for (tile, sink) in self.tiles(group) {
                    if tile.height == TILE {
                        unpacked.product(packed, tile, sink);
                    } else {
                        avx512::product::<S>(packed, tile, sink);
                    }
                }
            }
        }
    }

    /// The tiles of activations, and where the outputs of a group go for each.
    fn tiles(&self, group: usize) -> impl Iterator<Item = (Tile<'_>, Sink)> {
        let rows = self.weights.rows;
        let lanes = GROUP.min(rows - group * GROUP);
        self.tokens.clone().step_by(TILE).map(move |token| {
            let tile = Tile::of(self.x, token / TILE);
            // SAFETY: token < tokens, and the group's first row < rows, of the places that the caller of `work` vouches
            // for.
            let place = unsafe { self.out.get().add(token * rows + group * GROUP) };
            (tile, Sink { place: Base(place), stride: rows, lanes, height: tile.height })
        })
    }
}
