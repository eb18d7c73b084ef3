//! What a kernel is given for up to 16 tokens: their activations, and where the outputs go.

#![allow(unsafe_code)]

use crate::activations::{Activations, BLOCK, TILE};
use crate::pool::Base;
use crate::quant::spec::GROUP;

/// The activations of up to 16 tokens.
#[derive(Clone, Copy)]
pub(super) struct Tile<'a> {
    /// Tokens.
    pub(super) height: usize,
    /// Blocks of a token.
    pub(super) cells: usize,
    pub(super) q: &'a [i8],
    pub(super) d: &'a [f32],
    pub(super) ds: &'a [f32],
    pub(super) n: &'a [i32],
    pub(super) half_ds: &'a [f32],
    pub(super) half_n: &'a [i32],
}

impl Tile<'_> {
    pub(super) fn of(x: &Activations, index: usize) -> Tile<'_> {
        let cells = x.cols() / BLOCK;
        let height = TILE.min(x.tokens() - index * TILE);
        let (start, len) = (index * TILE * cells, height * cells);
        Tile {
            height,
            cells,
            // With the spare blocks behind the last.
            q: &x.q[start * BLOCK..(start + len + TILE) * BLOCK],
            d: &x.d[start..start + len],
            ds: &x.ds[start..start + len],
            n: &x.n[start..start + len],
            half_ds: &x.half_ds[2 * start..2 * (start + len)],
            half_n: &x.half_n[2 * start..2 * (start + len)],
        }
    }
}

/// Where the outputs of 16 rows for up to 16 tokens go.
#[derive(Clone, Copy)]
pub(super) struct Sink {
    pub(super) place: Base<f32>,
    pub(super) stride: usize,
    /// Rows of the group that the matrix has.
    pub(super) lanes: usize,
    /// Tokens of the tile.
    pub(super) height: usize,
}

impl Sink {
    /// Has the places of one token brought near, to be written: with many tokens they are far from each other and from the
    /// processor, and stores that wait for them hold up those behind them.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn fetch(self, token: usize) {
        let place = self.place.get().wrapping_add(token * self.stride);
        // SAFETY: a hint, which does nothing at an address that is none.
        unsafe { std::arch::asm!("prefetchw [{}]", in(reg) place, options(nostack, preserves_flags, readonly)) };
    }

    /// Stores the outputs of one token of the tile.
    #[inline(always)]
    pub(super) fn put(self, token: usize, values: &[f32; GROUP]) {
        self.put_lanes(token, 0, values);
    }

    /// Stores the outputs of one token, of the first or second eight rows.
    #[inline(always)]
    pub(super) fn put_half(self, token: usize, half: usize, values: &[f32; GROUP / 2]) {
        self.put_lanes(token, half * GROUP / 2, values);
    }

    #[inline(always)]
    fn put_lanes<const N: usize>(self, token: usize, lane: usize, values: &[f32; N]) {
        assert!(token < self.height);
        let lanes = N.min(self.lanes.saturating_sub(lane));
        // SAFETY: `work` made the sink from a place for each of `height` tokens and `lanes` rows, of which these are
        // some: the lanes beyond the last row of the matrix are not stored. Nobody else has these places meanwhile.
        unsafe {
            let place = self.place.get().add(token * self.stride + lane.min(self.lanes));
            if lanes == N {
                place.cast::<[f32; N]>().write_unaligned(*values);
            } else {
                std::ptr::copy_nonoverlapping(values.as_ptr(), place, lanes);
            }
        }
    }
}
