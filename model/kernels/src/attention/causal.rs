//! Attention of new tokens to all before them and themselves, over the paged cache.

#![allow(unsafe_code)]

use std::sync::{Mutex, PoisonError};

use super::kernel::Seen;
use super::softmax::{Partial, merge};
use super::tile::{Tile, finish};
use super::{KvLayer, PAGE, PAGES, SPLIT};
use crate::pool::Base;
use crate::{Isa, Pool};

/// Consecutive tokens of one sequence, whose keys and values are already in the cache.
pub struct Run<'a> {
    /// The first token's row of queries and results.
    pub first: usize,
    /// How many tokens.
    pub tokens: usize,
    /// Position of the first token in its sequence.
    pub position: usize,
    /// The sequence's pages, from position 0 on.
    pub pages: &'a [u32],
}

/// Buffers kept between calls. They hold values of the last texts until wiped or dropped.
#[derive(Default)]
pub struct AttendScratch {
    pub(super) tiles: Mutex<Vec<Tile>>,
    parts: Vec<Mutex<Partial>>,
}

impl AttendScratch {
    /// Empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Overwrites the buffers with zeros.
    pub fn wipe(&mut self) {
        self.tiles.get_mut().unwrap_or_else(PoisonError::into_inner).iter_mut().for_each(Tile::wipe);
        for part in &mut self.parts {
            part.get_mut().unwrap_or_else(PoisonError::into_inner).wipe();
        }
    }

    /// Lends a tile to `work`. A panic loses the tile, not the scratch.
    pub(super) fn with_tile(&self, work: impl FnOnce(&mut Tile)) {
        let tiles = || self.tiles.lock().unwrap_or_else(PoisonError::into_inner);
        let tile = tiles().pop();
        let mut tile = tile.unwrap_or_default();
        work(&mut tile);
        tiles().push(tile);
    }
}

/// Tokens of one run within one split, and the kv head whose keys they look at.
struct Unit<'a> {
    run: &'a Run<'a>,
    /// The first token, counted from the run's first.
    token: usize,
    tokens: usize,
    kv_head: usize,
    /// Where this unit's splits begin among all splits of all units.
    parts: usize,
}

impl Unit<'_> {
    fn position(&self) -> usize {
        self.run.position + self.token
    }

    fn splits(&self) -> usize {
        self.position() / SPLIT + 1
    }
}

/// The shape of one call.
struct Shape<'a> {
    isa: Isa,
    cache: &'a KvLayer,
    heads: usize,
    group: usize,
    q: &'a [f32],
    scale: f32,
}

/// Attends: `out` and `q` are rows of `heads * width`; each kv head serves `heads / kv_heads` neighbouring heads. Rows
/// that belong to no run are left alone.
///
/// # Panics
/// When shapes do not fit each other, pages are missing, or runs share rows.
#[allow(clippy::too_many_arguments)]
pub fn attend(
    isa: Isa,
    pool: &Pool,
    cache: &KvLayer,
    heads: usize,
    runs: &[Run<'_>],
    q: &[f32],
    scale: f32,
    out: &mut [f32],
    scratch: &mut AttendScratch,
) {
    let (width, kv_heads) = (cache.width(), cache.kv_heads());
    assert!(kv_heads > 0 && heads > 0 && heads.is_multiple_of(kv_heads), "{heads} heads on {kv_heads} kv heads");
    check(runs, heads * width, q, out);
    let shape = Shape { isa, cache, heads, group: heads / kv_heads, q, scale };
    let units = units(runs, &shape);
    let base = Base(out.as_mut_ptr());
    let write = |unit: &Unit<'_>, finish: &dyn Fn(usize, &mut [f32])| {
        for row in 0..unit.tokens * shape.group {
            let (token, head) = (unit.token + row / shape.group, unit.kv_head * shape.group + row % shape.group);
            let start = ((unit.run.first + token) * heads + head) * width;
            // SAFETY: the row lies within `out` (`check`), which is borrowed exclusively for this call; runs share no
            // rows (`check`), units share no token and head of a run, and each unit is written by one task.
            let out = unsafe { std::slice::from_raw_parts_mut(base.get().add(start), width) };
            finish(row, out);
        }
    };
    let enough = units.len() >= 4 * pool.threads();
    let parts = units.last().map_or(0, |unit| unit.parts + unit.splits());
    if enough || pool.threads() == 1 || parts == units.len() {
        // The last tokens of a run have most to do: first.
        return pool.run(units.len(), &|index| {
            let unit = &units[units.len() - 1 - index];
            scratch.with_tile(|tile| {
                shape.begin(tile, unit);
                for split in 0..unit.splits() {
                    shape.split(tile, unit, split);
                    tile.absorb(isa, split == 0);
                }
                write(unit, &|row, out| tile.finish(isa, row, out));
            });
        });
    }
    if scratch.parts.len() < parts {
        scratch.parts.resize_with(parts, Mutex::default);
    }
    let scratch = &*scratch;
    let lock = |part: usize| scratch.parts[part].lock().unwrap_or_else(PoisonError::into_inner);
    pool.run(parts, &|part| {
        let unit = &units[units.partition_point(|unit| unit.parts <= part) - 1];
        scratch.with_tile(|tile| {
            shape.begin(tile, unit);
            shape.split(tile, unit, part - unit.parts);
            tile.hand_over(&mut lock(part));
        });
    });
    let unite = |index: usize| {
        let unit = &units[index];
        let mut total = lock(unit.parts);
        for split in 1..unit.splits() {
            merge(isa, &mut total, &lock(unit.parts + split), width);
        }
        write(unit, &|row, out| finish(isa, &total, row, out));
    };
    // A few rows are merged sooner than another thread begins.
    if runs.iter().map(|run| run.tokens).sum::<usize>() <= 4 {
        (0..units.len()).for_each(unite);
    } else {
        pool.run(units.len(), &unite);
    }
}

impl Shape<'_> {
    fn begin(&self, tile: &mut Tile, unit: &Unit<'_>) {
        let width = self.cache.width();
        tile.start(self.isa, unit.tokens * self.group, width, |row| {
            let head = unit.kv_head * self.group + row % self.group;
            let start = ((unit.run.first + unit.token + row / self.group) * self.heads + head) * width;
            &self.q[start..start + width]
        });
    }

    fn split(&self, tile: &mut Tile, unit: &Unit<'_>, split: usize) {
        let last = split + 1 == unit.splits();
        let seen = if last {
            Seen { base: unit.position() - split * SPLIT + 1, group: self.group }
        } else {
            Seen { base: SPLIT, group: usize::MAX }
        };
        let page = |index: usize| unit.run.pages[split * PAGES + index];
        tile.cached(
            self.isa,
            self.scale,
            seen,
            |index| self.cache.keys(page(index), unit.kv_head),
            |index| self.cache.values(page(index), unit.kv_head),
        );
    }
}

/// Tokens of a tile: a divisor of [`PAGE`], so that all tokens of a tile end in the same page.
fn tile_tokens(group: usize) -> usize {
    if group > 4 { 16 } else { 32 }
}

fn units<'a>(runs: &'a [Run<'a>], shape: &Shape<'_>) -> Vec<Unit<'a>> {
    let size = tile_tokens(shape.group);
    let (mut units, mut parts) = (Vec::new(), 0);
    for run in runs {
        let mut token = 0;
        while token < run.tokens {
            let tokens = (size - (run.position + token) % size).min(run.tokens - token);
            for kv_head in 0..shape.cache.kv_heads() {
                let unit = Unit { run, token, tokens, kv_head, parts };
                parts += unit.splits();
                units.push(unit);
            }
            token += tokens;
        }
    }
    units
}

fn check(runs: &[Run<'_>], width: usize, q: &[f32], out: &[f32]) {
    assert_eq!(q.len(), out.len(), "lengths of queries and results");
    assert!(q.len().is_multiple_of(width), "{} values are not rows of {width}", q.len());
    let mut rows: Vec<(usize, usize)> = runs.iter().map(|run| (run.first, run.tokens)).collect();
    rows.sort_unstable();
    let mut free = 0;
    for (first, tokens) in rows {
        assert!(first >= free, "runs share row {first}");
        free = first.saturating_add(tokens);
    }
    assert!(free <= q.len() / width, "runs end at row {free} of {}", q.len() / width);
    for run in runs {
        let positions = run.position.saturating_add(run.tokens);
        assert!(
            positions <= run.pages.len().saturating_mul(PAGE),
            "{} pages for {positions} positions",
            run.pages.len()
        );
    }
}
