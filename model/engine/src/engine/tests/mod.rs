//! What the engine promises, on models with random weights.

#![allow(clippy::unwrap_used)]

mod core;
mod real;
mod same;
mod weights;

use precis_kernels::Isa;

use super::*;
use crate::control::Control;
use crate::gguf::Gguf;
use crate::payer::Payer;
use crate::repeat::NoRepeat;
use crate::rules::Rules;
use crate::synthetic;

fn model(shape: &synthetic::Shape) -> Transformer {
    let bytes = synthetic::gguf(shape, 11);
    Transformer::load(&mut Gguf::parse("synthetic", &bytes).unwrap()).unwrap()
}

fn threads(count: usize, isa: Isa) -> Threads {
    Threads::of(count, isa).unwrap()
}

fn plain() -> Threads {
    threads(1, Isa::best())
}

/// Numbers below `limit` that look like nothing in particular.
fn numbers(count: usize, seed: u32, limit: u32) -> Vec<u32> {
    let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(seed), next).skip(1).take(count).map(|state| (state >> 8) % limit).collect()
}

fn prompt(length: usize, seed: u32) -> Vec<u32> {
    numbers(length, seed, 300)
}

/// A text in which the same words come again and again, as guesses like it.
fn repetitive(length: usize) -> Vec<u32> {
    prompt(7, 3).into_iter().cycle().take(length).collect()
}

fn request(prompt: Vec<u32>, cap: usize) -> Request {
    Request { prompt, cap, payer: Payer([1; 32]), control: Control::new(), rules: Rules::default() }
}
