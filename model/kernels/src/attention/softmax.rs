//! Weights from scores, and the merging of splits.

#![allow(unsafe_code)]

use super::kernel::{Seen, Weights};
use crate::Lines;
use crate::ops::{by_isa, exp_lane, fold};

/// What a tile knows after some splits: for each row the largest score, the sum of weights, and the weighted values.
#[derive(Default)]
pub(super) struct Partial {
    pub(super) largest: Vec<f32>,
    pub(super) sums: Vec<f32>,
    /// `[rows][width]`
    pub(super) values: Lines<f32>,
}

impl Partial {
    pub(super) fn resize(&mut self, rows: usize, width: usize) {
        self.largest.resize(rows, 0.0);
        self.sums.resize(rows, 0.0);
        self.values.resize(rows * width);
    }

    pub(super) fn wipe(&mut self) {
        self.largest.fill(0.0);
        self.sums.fill(0.0);
        self.values.wipe();
    }
}

by_isa! {
    /// Turns each row's scores into weights, and notes their maximum and sum.
    pub(super) fn soften(rows: &mut [Weights], seen: Seen, largest: &mut [f32], sums: &mut [f32]) {
        for (row, ((weights, largest), sum)) in rows.iter_mut().zip(largest).zip(sums).enumerate() {
            let (seen, weights) = (seen.of(row), weights.as_flattened_mut());
            // Whole blocks throughout; what lies behind the positions seen neither wins nor, being zero, adds.
            let (weights, _) = weights.split_at_mut(seen.next_multiple_of(16));
            weights[seen..].fill(f32::NEG_INFINITY);
            *largest = maximum(weights);
            for weight in weights.iter_mut() {
                *weight = exp_lane(*weight - *largest);
            }
            weights[seen..].fill(0.0);
            *sum = fold(weights, |sum, weight| sum + weight);
        }
    }
}

/// The largest of whole blocks, NaN passed over.
#[inline(always)]
fn maximum(x: &[f32]) -> f32 {
    let greater = |a: f32, b: f32| if a > b { a } else { b };
    let mut lanes = [f32::NEG_INFINITY; 16];
    for block in x.as_chunks::<16>().0 {
        for (lane, x) in lanes.iter_mut().zip(block) {
            *lane = greater(*x, *lane);
        }
    }
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] = greater(lanes[i + half], lanes[i]);
        }
    }
    lanes[0]
}

by_isa! {
    /// Adds a later split to what is known.
    pub(super) fn merge(total: &mut Partial, next: &Partial, width: usize) {
        let rows = total.largest.iter_mut().zip(&mut total.sums).zip(total.values.chunks_exact_mut(width));
        let others = next.largest.iter().zip(&next.sums).zip(next.values.chunks_exact(width));
        for (((largest, sum), values), ((other, other_sum), other_values)) in rows.zip(others) {
            let now = if *other > *largest { *other } else { *largest };
            let (old, new) = (exp_lane(*largest - now), exp_lane(*other - now));
            *sum = sum.mul_add(old, *other_sum * new);
            for (value, other) in values.iter_mut().zip(other_values) {
                *value = value.mul_add(old, *other * new);
            }
            *largest = now;
        }
    }
}

by_isa! {
    /// `out = values / sum`, for one row.
    pub(super) fn divide(values: &[f32], sum: f32, out: &mut [f32]) {
        for (out, value) in out.iter_mut().zip(values) {
            *out = *value / sum;
        }
    }
}
