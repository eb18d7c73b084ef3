//! Rotary positions.

#![allow(unsafe_code)]

use super::by_isa;

/// Which two values of a head are turned together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Neighbours, 2i and 2i + 1: the order of llama models in GGUF.
    Pairs,
    /// i and i + width / 2: qwen3.
    Halves,
}

/// Sines and cosines of each position and frequency, made of sums and products alone: the same on every machine.
pub struct Rope {
    width: usize,
    rotation: Rotation,
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl Rope {
    /// For heads of `width` values; frequency i of `width / 2` turns by `position * base^(-2i / width)`.
    ///
    /// # Panics
    /// When `width` is zero or odd, or `base` is not a number above 1.
    pub fn new(width: usize, positions: usize, base: f32, rotation: Rotation) -> Rope {
        assert!(width > 0 && width.is_multiple_of(2), "a head of {width} values cannot be turned");
        assert!(base.is_finite() && base > 1.0, "a base of {base} has no frequencies");
        let half = width / 2;
        let ratio = root(f64::from(base), half);
        let mut frequency = 1.0;
        let turns: Vec<(f64, f64)> = std::iter::repeat_with(|| {
            let turn = cosine_and_sine(frequency);
            frequency /= ratio;
            turn
        })
        .take(half)
        .collect();
        let mut now = vec![(1.0, 0.0); half];
        let mut rope = Rope { width, rotation, cosines: Vec::new(), sines: Vec::new() };
        rope.cosines.reserve_exact(positions * half);
        rope.sines.reserve_exact(positions * half);
        for _ in 0..positions {
            for ((cosine, sine), turn) in now.iter_mut().zip(&turns) {
                rope.cosines.push(*cosine as f32);
                rope.sines.push(*sine as f32);
                // One step further. Errors grow by 1e-16 a step: far below half precision's after any context.
                (*cosine, *sine) = (*cosine * turn.0 - *sine * turn.1, *cosine * turn.1 + *sine * turn.0);
            }
        }
        rope
    }

    /// How many positions there are.
    pub fn positions(&self) -> usize {
        self.cosines.len() / (self.width / 2)
    }

    /// Turns a head, or several side by side, by their position.
    ///
    /// # Panics
    /// When `heads` is not whole heads, or `position` is beyond the table.
    pub fn turn(&self, isa: crate::Isa, heads: &mut [f32], position: usize) {
        assert!(heads.len().is_multiple_of(self.width), "{} values are not heads of {}", heads.len(), self.width);
        let half = self.width / 2;
        let table = position * half..(position + 1) * half;
        let (cosines, sines) = (&self.cosines[table.clone()], &self.sines[table]);
        match self.rotation {
            Rotation::Pairs => turn_pairs(isa, heads, cosines, sines),
            Rotation::Halves => turn_halves(isa, heads, cosines, sines),
        }
    }
}

by_isa! {
    fn turn_pairs(heads: &mut [f32], cosines: &[f32], sines: &[f32]) {
        for head in heads.chunks_exact_mut(cosines.len() * 2) {
            for (([a, b], cosine), sine) in head.as_chunks_mut::<2>().0.iter_mut().zip(cosines).zip(sines) {
                (*a, *b) = turned(*a, *b, *cosine, *sine);
            }
        }
    }
}

by_isa! {
    fn turn_halves(heads: &mut [f32], cosines: &[f32], sines: &[f32]) {
        for head in heads.chunks_exact_mut(cosines.len() * 2) {
            let (low, high) = head.split_at_mut(cosines.len());
            for (((a, b), cosine), sine) in low.iter_mut().zip(high).zip(cosines).zip(sines) {
                (*a, *b) = turned(*a, *b, *cosine, *sine);
            }
        }
    }
}

#[inline(always)]
fn turned(a: f32, b: f32, cosine: f32, sine: f32) -> (f32, f32) {
    (a.mul_add(cosine, -(b * sine)), a.mul_add(sine, b * cosine))
}

/// The `degree`th root of a number above 1, by bisection down to neighbouring numbers.
fn root(x: f64, degree: usize) -> f64 {
    let power = |y: f64| (0..degree).fold(1.0, |product, _| product * y);
    let (mut low, mut high) = (1.0, x);
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return middle;
        }
        if power(middle) < x { low = middle } else { high = middle }
    }
}

/// By their series, for an angle of 0..=1.
fn cosine_and_sine(angle: f64) -> (f64, f64) {
    let (mut cosine, mut sine, mut term) = (0.0, 0.0, 1.0);
    for n in 0..24 {
        let sign = if n % 4 < 2 { 1.0 } else { -1.0 };
        *(if n % 2 == 0 { &mut cosine } else { &mut sine }) += sign * term;
        term *= angle / f64::from(n + 1);
    }
    (cosine, sine)
}
