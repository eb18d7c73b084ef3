//! A tile: query rows that look at the same keys and values, on one thread.

use super::kernel::{Seen, Weights, page_scores, page_values, widen};
use super::lanes::{Stored, block_rows};
use super::softmax::{Partial, divide, merge, soften};
use super::{PAGE, PAGES};
use crate::{Isa, Lines};

/// What one thread needs for a tile, kept for the next.
#[derive(Default)]
pub(super) struct Tile {
    width: usize,
    /// Blocks of rows, each `[width][rows of the block]`.
    queries: Lines<f32>,
    rows: usize,
    /// [`Weights`] of each row.
    weights: Lines<f32>,
    now: Partial,
    total: Partial,
    /// One page of keys or values in single precision.
    page: Lines<f32>,
}

impl Tile {
    /// Takes in the queries; `query(row)` is a row of `width` values.
    pub(super) fn start<'a>(&mut self, isa: Isa, rows: usize, width: usize, query: impl Fn(usize) -> &'a [f32]) {
        self.width = width;
        self.rows = rows;
        self.queries.resize(rows * width);
        self.weights.resize(rows * PAGES * PAGE);
        self.now.resize(rows, width);
        self.total.resize(rows, width);
        self.page.resize(PAGE * width);
        let block = block_rows(isa);
        for (index, out) in self.queries.chunks_mut(block * width).enumerate() {
            let count = out.len() / width;
            for r in 0..count {
                for (out, value) in out[r..].iter_mut().step_by(count).zip(query(index * block + r)) {
                    *out = *value;
                }
            }
        }
    }

    /// One split over pages of the cache; what comes out is in `now`. `keys(i)` and `values(i)` are those of page i.
    pub(super) fn cached<'a>(
        &mut self,
        isa: Isa,
        scale: f32,
        seen: Seen,
        keys: impl Fn(usize) -> &'a [u16],
        values: impl Fn(usize) -> &'a [u16],
    ) {
        // Few rows read a page as it is; for many it is worth converting once.
        let convert = self.rows > 2 * block_rows(isa);
        let mut page = std::mem::take(&mut self.page);
        for index in 0..self.pages(seen) {
            if convert {
                widen(isa, keys(index), &mut page);
                self.score(isa, index, scale, seen, &page);
            } else {
                self.score(isa, index, scale, seen, keys(index));
            }
        }
        soften(isa, weights_mut(&mut self.weights), seen, &mut self.now.largest, &mut self.now.sums);
        for index in 0..self.pages(seen) {
            if convert {
                widen(isa, values(index), &mut page);
                self.blend(isa, index, seen, &page);
            } else {
                self.blend(isa, index, seen, values(index));
            }
        }
        self.page = page;
    }

    /// One split over keys and values in single precision: `fill_keys(i, page)` puts those of page i as `[width][PAGE]`,
    /// `fill_values(i, page)` as `[PAGE][width]`.
    pub(super) fn gathered(
        &mut self,
        isa: Isa,
        scale: f32,
        seen: Seen,
        fill_keys: impl Fn(usize, &mut [f32]),
        fill_values: impl Fn(usize, &mut [f32]),
    ) {
        let mut page = std::mem::take(&mut self.page);
        for index in 0..self.pages(seen) {
            fill_keys(index, &mut page);
            self.score(isa, index, scale, seen, &page);
        }
        soften(isa, weights_mut(&mut self.weights), seen, &mut self.now.largest, &mut self.now.sums);
        for index in 0..self.pages(seen) {
            fill_values(index, &mut page);
            self.blend(isa, index, seen, &page);
        }
        self.page = page;
    }

    /// Adds the split in `now` to the total.
    pub(super) fn absorb(&mut self, isa: Isa, first: bool) {
        if first {
            std::mem::swap(&mut self.now, &mut self.total);
        } else {
            merge(isa, &mut self.total, &self.now, self.width);
        }
    }

    /// The split in `now`, for a later merge; `other` is what the tile works with next.
    pub(super) fn hand_over(&mut self, other: &mut Partial) {
        std::mem::swap(&mut self.now, other);
    }

    /// Writes one row of the total to `out`.
    pub(super) fn finish(&self, isa: Isa, row: usize, out: &mut [f32]) {
        finish(isa, &self.total, row, out);
    }

    pub(super) fn wipe(&mut self) {
        [&mut self.queries, &mut self.weights, &mut self.page].into_iter().for_each(Lines::wipe);
        self.now.wipe();
        self.total.wipe();
    }

    fn pages(&self, seen: Seen) -> usize {
        seen.of(self.rows - 1).div_ceil(PAGE)
    }

    fn score<T: Stored>(&mut self, isa: Isa, page: usize, scale: f32, seen: Seen, keys: &[T]) {
        page_scores(isa, weights_mut(&mut self.weights), &self.queries, self.width, keys, page, scale, seen);
    }

    fn blend<T: Stored>(&mut self, isa: Isa, page: usize, seen: Seen, values: &[T]) {
        page_values(isa, &mut self.now.values, weights(&self.weights), self.width, values, page, page == 0, seen);
    }
}

fn weights(lines: &[f32]) -> &[Weights] {
    lines.as_chunks().0.as_chunks().0
}

fn weights_mut(lines: &mut [f32]) -> &mut [Weights] {
    lines.as_chunks_mut().0.as_chunks_mut().0
}

/// Writes one row of a total to `out`, which is as wide as a head.
pub(super) fn finish(isa: Isa, total: &Partial, row: usize, out: &mut [f32]) {
    divide(isa, &total.values[row * out.len()..(row + 1) * out.len()], total.sums[row], out);
}
