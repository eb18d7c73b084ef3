//! Activations in 8 bits, in the order in which the products read them.
//!
//! Per 32 values of a row: `amax = max|x|`, `d = amax / 127`, `q = round(x * (127 / amax))` with ties to even. A block
//! of zeros, of values so small that `127 / amax` overflows, or with a value that is not finite, has `d = 0, q = 0`.
//!
//! Tokens stand in tiles of 16 (the last may be lower); inside a tile, block after block, all tokens of a block
//! together: `q[tile][block][token][32]`, and likewise what belongs to a block.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
mod block;
mod scalar;
#[cfg(test)]
mod tests;

pub(crate) use block::BLOCK;
use block::Quantized;

use crate::lines::Lines;
use crate::pool::Base;
use crate::{Isa, Pool};

/// Tokens in a tile.
pub(crate) const TILE: usize = 16;
/// Below this many values, quantizing is over before another thread has woken up.
const PARALLEL: usize = 1 << 15;

/// Rows of activations, quantized once for all the products that read them. A buffer to use again and again.
pub struct Activations {
    tokens: usize,
    cols: usize,
    /// Quants; 16 spare blocks follow, so that a low last tile can be read as a whole one.
    pub(crate) q: Lines<i8>,
    /// Scales `d`.
    pub(crate) d: Lines<f32>,
    /// `d * sum(q)` of blocks, in one rounding.
    pub(crate) ds: Lines<f32>,
    /// `-128 * sum(q)` of blocks.
    pub(crate) n: Lines<i32>,
    /// `d * sum(q)` of half blocks, `[tile][block][half][token]`.
    pub(crate) half_ds: Lines<f32>,
    /// `-128 * sum(q)` of half blocks.
    pub(crate) half_n: Lines<i32>,
}

/// Quantizes `x.len() / 32` blocks of one row; calls back for each.
type Quantizer = fn(x: &[f32], &mut dyn FnMut(usize, &Quantized));

impl Default for Activations {
    fn default() -> Self {
        Self::new()
    }
}

impl Activations {
    /// An empty buffer.
    pub fn new() -> Self {
        Activations {
            tokens: 0,
            cols: 0,
            q: Lines::new(),
            d: Lines::new(),
            ds: Lines::new(),
            n: Lines::new(),
            half_ds: Lines::new(),
            half_n: Lines::new(),
        }
    }

    /// Overwrites the buffer with zeros.
    pub fn wipe(&mut self) {
        let Activations { tokens: _, cols: _, q, d, ds, n, half_ds, half_n } = self;
        q.wipe();
        n.wipe();
        half_n.wipe();
        [d, ds, half_ds].into_iter().for_each(Lines::wipe);
    }

    /// How many rows were quantized last.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// How many values each row has.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Replaces the contents by the rows of `x`, each of `cols` values.
    ///
    /// # Panics
    /// When `cols` is not a positive multiple of 32, `x` is not whole rows, or `isa` is not available.
    pub fn quantize(&mut self, isa: Isa, pool: &Pool, x: &[f32], cols: usize) {
        isa.check();
        assert!(cols > 0 && cols.is_multiple_of(BLOCK), "{cols} values in a row are not whole blocks of {BLOCK}");
        assert!(x.len().is_multiple_of(cols), "{} values are not rows of {cols}", x.len());
        let tokens = x.len() / cols;
        let blocks = tokens * cols / BLOCK;
        (self.tokens, self.cols) = (tokens, cols);
        self.q.resize(tokens * cols + TILE * BLOCK);
        for plane in [&mut self.d, &mut self.ds] {
            plane.resize(blocks);
        }
        self.n.resize(blocks);
        self.half_ds.resize(2 * blocks);
        self.half_n.resize(2 * blocks);
        let planes = Planes {
            tokens,
            cols,
            q: Base(self.q.as_mut_ptr()),
            d: Base(self.d.as_mut_ptr()),
            ds: Base(self.ds.as_mut_ptr()),
            n: Base(self.n.as_mut_ptr()),
            half_ds: Base(self.half_ds.as_mut_ptr()),
            half_n: Base(self.half_n.as_mut_ptr()),
        };
        let row = |token: usize| {
            // SAFETY: token < tokens, each token once; the planes were sized above and are borrowed until the end.
            unsafe { planes.row(isa, token, &x[token * cols..(token + 1) * cols]) }
        };
        if x.len() < PARALLEL {
            return (0..tokens).for_each(row);
        }
        let chunk = tokens.div_ceil(pool.threads() * 4);
        pool.run(tokens.div_ceil(chunk), &|index| {
            (index * chunk..tokens.min((index + 1) * chunk)).for_each(row);
        });
    }
}

/// The planes of the buffer, to be written by several threads.
struct Planes {
    tokens: usize,
    cols: usize,
    q: Base<i8>,
    d: Base<f32>,
    ds: Base<f32>,
    n: Base<i32>,
    half_ds: Base<f32>,
    half_n: Base<i32>,
}

impl Planes {
    /// Quantizes one row.
    ///
    /// # Safety
    /// The planes hold `tokens` rows of `cols` values; nobody else reads or writes those of `token` meanwhile.
    unsafe fn row(&self, isa: Isa, token: usize, x: &[f32]) {
        let tile = token / TILE;
        let height = TILE.min(self.tokens - tile * TILE);
        let first = tile * TILE * (self.cols / BLOCK);
        let place = token % TILE;
        let quantizer: Quantizer = match isa {
            Isa::Scalar => scalar::quantize,
            #[cfg(target_arch = "x86_64")]
            _ => avx2::quantize,
            #[cfg(not(target_arch = "x86_64"))]
            _ => scalar::quantize,
        };
        quantizer(x, &mut |block, quantized| {
            let at = first + block * height + place;
            let half = 2 * (first + block * height) + place;
            let sums = quantized.sums;
            // SAFETY: at < tokens * cols / 32, the length of the planes (twice that for the halves), as the tiles
            // before hold 16 tokens each; the places of different tokens differ.
            unsafe {
                self.q.get().add(at * BLOCK).cast::<[i8; BLOCK]>().write(quantized.q);
                self.d.get().add(at).write(quantized.d);
                self.ds.get().add(at).write(quantized.d * (sums[0] + sums[1]) as f32);
                self.n.get().add(at).write(-128 * (sums[0] + sums[1]));
                for (i, sum) in sums.into_iter().enumerate() {
                    self.half_ds.get().add(half + i * height).write(quantized.d * sum as f32);
                    self.half_n.get().add(half + i * height).write(-128 * sum);
                }
            }
        });
    }
}
