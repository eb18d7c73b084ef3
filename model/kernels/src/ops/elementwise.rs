//! Operations on each value of a row by itself.

#![allow(unsafe_code)]

use super::by_isa;
use super::math::{gelu_lane, silu_lane};

by_isa! {
    /// Adds `y` to `x`.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn add(x: &mut [f32], y: &[f32]) {
        assert_eq!(x.len(), y.len(), "lengths of a sum");
        for (x, y) in x.iter_mut().zip(y) {
            *x += *y;
        }
    }
}

by_isa! {
    /// `gate = silu(gate) * up`, where silu(x) = x / (1 + e^-x).
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn silu_mul(gate: &mut [f32], up: &[f32]) {
        assert_eq!(gate.len(), up.len(), "lengths of a gated product");
        for (gate, up) in gate.iter_mut().zip(up) {
            *gate = silu_lane(*gate) * *up;
        }
    }
}

by_isa! {
    /// GELU in its exact form, x * (1 + erf(x / sqrt 2)) / 2, within 5e-7.
    pub fn gelu(x: &mut [f32]) {
        for x in x {
            *x = gelu_lane(*x);
        }
    }
}
