//! The two products of attention, for one page of positions and any number of query rows.

#![allow(unsafe_code, clippy::too_many_arguments)]

use super::lanes::{Lanes, Stored, for_lanes};
use super::{PAGE, PAGES};

/// Scores or weights of one query row over one split.
pub(super) type Weights = [[f32; PAGE]; PAGES];

/// How many positions of a split each row of a tile sees: at least one.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    /// What the first row sees.
    pub(super) base: usize,
    /// After so many rows, rows see one position more.
    pub(super) group: usize,
}

impl Seen {
    #[inline(always)]
    pub(super) fn of(self, row: usize) -> usize {
        self.base + row / self.group
    }

    /// Of page `page` of the split.
    #[inline(always)]
    fn in_page(self, row: usize, page: usize) -> usize {
        self.of(row).saturating_sub(page * PAGE).min(PAGE)
    }
}

/// Calls a block kernel with the number of rows as a constant.
macro_rules! with_rows {
    ($count:expr, $kernel:ident::<$($kind:ident),*>($($argument:expr),* $(,)?)) => {
        match $count {
            1 => $kernel::<$($kind),*, 1>($($argument),*),
            2 => $kernel::<$($kind),*, 2>($($argument),*),
            3 => $kernel::<$($kind),*, 3>($($argument),*),
            4 => $kernel::<$($kind),*, 4>($($argument),*),
            5 => $kernel::<$($kind),*, 5>($($argument),*),
            _ => $kernel::<$($kind),*, 6>($($argument),*),
        }
    };
}

for_lanes! {
    /// Scores of one page. `queries` holds blocks of rows, each `[width][rows of the block]`; `keys` is `[width][PAGE]`.
    /// Lanes beyond what the last row sees are left undefined.
    pub(super) fn page_scores<V, T: Stored>(
        scores: &mut [Weights], queries: &[f32], width: usize, keys: &[T], page: usize, scale: f32, seen: Seen,
    ) {
        if scores.is_empty() {
            return;
        }
        let columns = seen.in_page(scores.len() - 1, page).div_ceil(16);
        let keys = keys.as_chunks::<16>().0.as_chunks::<4>().0;
        for (scores, queries) in scores.chunks_mut(V::ROWS).zip(queries.chunks(V::ROWS * width)) {
            with_rows!(scores.len(), block_scores::<V, T>(scores, queries, keys, page, scale, columns));
        }
    }
}

#[inline(always)]
fn block_scores<V: Lanes, T: Stored, const R: usize>(
    scores: &mut [Weights],
    queries: &[f32],
    keys: &[[[T; 16]; 4]],
    page: usize,
    scale: f32,
    columns: usize,
) {
    let queries = queries.as_chunks::<R>().0;
    let mut first = 0;
    while first < columns {
        let left = columns - first;
        if V::COLUMNS >= 4 && left >= 4 {
            score::<V, T, R, 4>(scores, queries, keys, page, scale, first);
            first += 4;
        } else if left >= 2 {
            score::<V, T, R, 2>(scores, queries, keys, page, scale, first);
            first += 2;
        } else {
            score::<V, T, R, 1>(scores, queries, keys, page, scale, first);
            first += 1;
        }
    }
}

#[inline(always)]
fn score<V: Lanes, T: Stored, const R: usize, const C: usize>(
    scores: &mut [Weights],
    queries: &[[f32; R]],
    keys: &[[[T; 16]; 4]],
    page: usize,
    scale: f32,
    first: usize,
) {
    // Said once, so that the loop need not check it.
    assert!(first + C <= 4 && page < PAGES && scores.len() == R);
    let mut sums = [[V::splat(0.0); C]; R];
    for (queries, keys) in queries.iter().zip(keys) {
        let keys: [V; C] = std::array::from_fn(|c| T::load(&keys[first + c]));
        for r in 0..R {
            let query = V::splat(queries[r]);
            for c in 0..C {
                sums[r][c] = query.fma(keys[c], sums[r][c]);
            }
        }
    }
    let scale = V::splat(scale);
    for r in 0..R {
        let out = scores[r][page].as_chunks_mut::<16>().0;
        for c in 0..C {
            scale.times(sums[r][c]).store(&mut out[first + c]);
        }
    }
}

for_lanes! {
    /// Adds the values of one page, `[PAGE][width]`, by the rows' weights to `out`, `[rows][width]`; `fresh` starts from
    /// zero instead. No position that a row does not see is read for it.
    pub(super) fn page_values<V, T: Stored>(
        out: &mut [f32], weights: &[Weights], width: usize, values: &[T], page: usize, fresh: bool, seen: Seen,
    ) {
        let vectors = width / 16;
        let values = values.as_chunks::<16>().0;
        let out = out.as_chunks_mut::<16>().0;
        let mut row = 0;
        for (out, weights) in out.chunks_mut(V::ROWS * vectors).zip(weights.chunks(V::ROWS)) {
            let common = seen.in_page(row, page);
            with_rows!(weights.len(), block_values::<V, T>(out, weights, values, vectors, page, 0, common, fresh));
            for (r, (out, weights)) in out.chunks_exact_mut(vectors).zip(weights.chunks_exact(1)).enumerate() {
                let all = seen.in_page(row + r, page);
                if all > common {
                    block_values::<V, T, 1>(out, weights, values, vectors, page, common, all, false);
                }
            }
            row += weights.len();
        }
    }
}

#[inline(always)]
fn block_values<V: Lanes, T: Stored, const R: usize>(
    out: &mut [[f32; 16]],
    weights: &[Weights],
    values: &[[T; 16]],
    vectors: usize,
    page: usize,
    from: usize,
    to: usize,
    fresh: bool,
) {
    let mut first = 0;
    while first < vectors {
        let left = vectors - first;
        if V::COLUMNS >= 4 && left >= 4 {
            blend::<V, T, R, 4>(out, weights, values, vectors, page, from, to, fresh, first);
            first += 4;
        } else if left >= 2 {
            blend::<V, T, R, 2>(out, weights, values, vectors, page, from, to, fresh, first);
            first += 2;
        } else {
            blend::<V, T, R, 1>(out, weights, values, vectors, page, from, to, fresh, first);
            first += 1;
        }
    }
}

#[inline(always)]
fn blend<V: Lanes, T: Stored, const R: usize, const C: usize>(
    out: &mut [[f32; 16]],
    weights: &[Weights],
    values: &[[T; 16]],
    vectors: usize,
    page: usize,
    from: usize,
    to: usize,
    fresh: bool,
    first: usize,
) {
    assert!(page < PAGES && weights.len() == R && from <= to && to <= PAGE && first + C <= vectors);
    let mut sums = [[V::splat(0.0); C]; R];
    if !fresh {
        for r in 0..R {
            for c in 0..C {
                sums[r][c] = V::load(&out[r * vectors + first + c]);
            }
        }
    }
    let rows: [&[f32; PAGE]; R] = std::array::from_fn(|r| &weights[r][page]);
    for (j, values) in (from..to).zip(values[from * vectors..].chunks_exact(vectors)) {
        let values = &values[first..first + C];
        let values: [V; C] = std::array::from_fn(|c| T::load(&values[c]));
        for r in 0..R {
            let weight = V::splat(rows[r][j]);
            for c in 0..C {
                sums[r][c] = weight.fma(values[c], sums[r][c]);
            }
        }
    }
    for r in 0..R {
        for c in 0..C {
            sums[r][c].store(&mut out[r * vectors + first + c]);
        }
    }
}

for_lanes! {
    /// To half precision. The lengths are equal multiples of 16.
    pub(super) fn narrow<V>(x: &[f32], out: &mut [u16]) {
        for (x, out) in x.as_chunks::<16>().0.iter().zip(out.as_chunks_mut::<16>().0) {
            V::load(x).store_half(out);
        }
    }
}

for_lanes! {
    /// From half precision. The lengths are equal multiples of 16.
    pub(super) fn widen<V>(x: &[u16], out: &mut [f32]) {
        for (x, out) in x.as_chunks::<16>().0.iter().zip(out.as_chunks_mut::<16>().0) {
            V::load_half(x).store(out);
        }
    }
}
