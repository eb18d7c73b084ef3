//! Normalizations of a row.

#![allow(unsafe_code)]

use super::{by_isa, fold};

by_isa! {
    /// `out = x / sqrt(mean(x^2) + epsilon) * weight`.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
        assert!(x.len() == weight.len() && x.len() == out.len(), "lengths of a norm");
        let squares = fold(x, |sum, x| x.mul_add(x, sum));
        let scale = 1.0 / (squares / x.len() as f32 + epsilon).sqrt();
        for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
            *out = *x * scale * *weight;
        }
    }
}

by_isa! {
    /// `x = (x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias`.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn layer_norm(x: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
        assert!(x.len() == weight.len() && x.len() == bias.len(), "lengths of a norm");
        let mean = fold(x, |sum, x| sum + x) / x.len() as f32;
        let squares = fold(x, |sum, x| (x - mean).mul_add(x - mean, sum));
        let scale = 1.0 / (squares / x.len() as f32 + epsilon).sqrt();
        for ((x, weight), bias) in x.iter_mut().zip(weight).zip(bias) {
            *x = ((*x - mean) * scale).mul_add(*weight, *bias);
        }
    }
}
