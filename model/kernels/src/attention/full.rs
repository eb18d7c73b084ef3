//! Attention of each token to all of its text, without a cache.

#![allow(unsafe_code)]

use std::ops::Range;

use super::kernel::Seen;
use super::{AttendScratch, PAGE, SPLIT};
use crate::pool::Base;
use crate::{Isa, Pool};

/// Query rows of one tile.
const TILE: usize = 256;

/// Attends in both directions within each text. `q`, `k`, `v` and `out` are rows of `heads * width`; `texts` are ranges
/// of rows. Rows that belong to no text are left alone.
///
/// # Panics
/// When lengths differ, the width is not a multiple of 16, a range is beyond the rows, or ranges overlap or descend.
#[allow(clippy::too_many_arguments)]
pub fn attend_full(
    isa: Isa,
    pool: &Pool,
    heads: usize,
    width: usize,
    texts: &[Range<usize>],
    q: &[f32],
    k: &[f32],
    v: &[f32],
    scale: f32,
    out: &mut [f32],
) {
    assert!(width > 0 && width.is_multiple_of(16), "a head width of {width} is not a multiple of 16");
    assert!(heads > 0, "attention without heads");
    assert!(q.len() == out.len() && q.len() == k.len() && q.len() == v.len(), "lengths of queries, keys and values");
    let stride = heads * width;
    assert!(q.len().is_multiple_of(stride), "{} values are not rows of {stride}", q.len());
    let end = texts.iter().fold(0, |end, text| {
        assert!(text.start >= end && text.end >= text.start, "texts overlap or descend at row {}", text.start);
        text.end
    });
    assert!(end <= q.len() / stride, "texts end at row {end} of {}", q.len() / stride);
    let units: Vec<(Range<usize>, &Range<usize>)> = texts
        .iter()
        .flat_map(|text| text.clone().step_by(TILE).map(move |row| (row..text.end.min(row + TILE), text)))
        .collect();
    let scratch = AttendScratch::new();
    let base = Base(out.as_mut_ptr());
    pool.run(units.len() * heads, &|index| {
        let (queries, text) = &units[index / heads];
        let column = index % heads * width;
        let part = |row: usize| row * stride + column..row * stride + column + width;
        scratch.with_tile(|tile| {
            tile.start(isa, queries.len(), width, |row| &q[part(queries.start + row)]);
            for (split, start) in (text.start..text.end).step_by(SPLIT).enumerate() {
                let seen = Seen { base: (text.end - start).min(SPLIT), group: usize::MAX };
                let rows = |page: usize| start + page * PAGE..text.end.min(start + (page + 1) * PAGE);
                let keys = |page: usize, out: &mut [f32]| {
                    for (j, row) in rows(page).enumerate() {
                        for (out, key) in out[j..].iter_mut().step_by(PAGE).zip(&k[part(row)]) {
                            *out = *key;
                        }
                    }
                };
                let values = |page: usize, out: &mut [f32]| {
                    for (out, row) in out.chunks_exact_mut(width).zip(rows(page)) {
                        out.copy_from_slice(&v[part(row)]);
                    }
                };
                tile.gathered(isa, scale, seen, keys, values);
                tile.absorb(isa, split == 0);
            }
            for row in 0..queries.len() {
                let start = part(queries.start + row).start;
                // SAFETY: the row lies within `out`, which is borrowed exclusively for this call; texts do not overlap,
                // and each (tile of a text, head) is one task.
                let out = unsafe { std::slice::from_raw_parts_mut(base.get().add(start), width) };
                tile.finish(isa, row, out);
            }
        });
    });
}
