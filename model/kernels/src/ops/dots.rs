//! Products of one row with many.

#![allow(unsafe_code)]

use super::by_isa;

by_isa! {
    /// `out[i]` is the product of `x` and row i of `rows`, summed in sixteen lanes.
    ///
    /// # Panics
    /// When `rows` is not `out.len()` rows as long as `x`.
    pub fn dots(x: &[f32], rows: &[f32], out: &mut [f32]) {
        assert_eq!(rows.len(), x.len() * out.len(), "length of the rows");
        if x.is_empty() {
            return out.fill(0.0);
        }
        for (row, out) in rows.chunks_exact(x.len()).zip(out) {
            let mut lanes = [0.0_f32; 16];
            let (blocks, rest) = x.as_chunks::<16>();
            let (others, other_rest) = row.as_chunks::<16>();
            for (a, b) in blocks.iter().zip(others) {
                for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
                    *lane = a.mul_add(*b, *lane);
                }
            }
            for (lane, (a, b)) in lanes.iter_mut().zip(rest.iter().zip(other_rest)) {
                *lane = a.mul_add(*b, *lane);
            }
            *out = tree(lanes);
        }
    }
}

/// Adds lanes, the upper half to the lower.
#[inline(always)]
pub(super) fn tree(mut lanes: [f32; 16]) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
    }
    lanes[0]
}
