#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::quant::reference::{Kind, Random, any_format, any_kind, blocks};
use crate::{Activations, Isa, Pool};

fn random_linear(format: Format, rows: usize, cols: usize, kind: Kind, seed: u64) -> Linear {
    let bytes = blocks(format, rows * cols / format.block_weights(), kind, seed);
    Linear::from_gguf(format, rows, cols, &bytes).unwrap()
}

fn products(isa: Isa, pool: &Pool, weights: &[&Linear], x: &[f32]) -> Vec<Vec<f32>> {
    let mut quantized = Activations::new();
    quantized.quantize(isa, pool, x, weights[0].cols());
    let mut outs: Vec<Vec<f32>> = weights.iter().map(|w| vec![f32::NAN; w.rows() * quantized.tokens()]).collect();
    let mut slices: Vec<&mut [f32]> = outs.iter_mut().map(|out| &mut out[..]).collect();
    matmul(isa, pool, weights, &quantized, &mut slices);
    outs
}

/// Not-a-numbers have signs and payloads that no one defines; everything else is compared bit by bit.
fn bits(x: f32) -> u32 {
    if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }
}

fn inputs(len: usize, kind: u8, seed: u64) -> Vec<f32> {
    let mut random = Random(seed);
    let mut sign = || if random.next() & 1 == 0 { 1.0 } else { -1.0 };
    match kind {
        0 => (0..len).map(|_| sign()).collect(),
        1 => vec![1.0; len],
        2 => vec![-1.0; len],
        3 => (0..len).map(|i| if i / 32 % 2 == 0 { 0.0 } else { sign() }).collect(),
        4 => (0..len).map(|_| sign() * 3e38).collect(),
        5 => (0..len).map(|i| if i % 100 == 7 { f32::NAN } else { sign() }).collect(),
        _ => (0..len).map(|_| random.number()).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 200 } else { 1000 }))]

    #[test]
    fn every_instruction_set_gives_the_bits_of_the_definition(
        format in any_format(), rows in 1_usize..70, blocks in 1_usize..6, tokens in 1_usize..41,
        kind in any_kind(), input in 0_u8..12, threads in 1_usize..4, seed: u64,
    ) {
        let cols = blocks * format.block_weights();
        let linear = random_linear(format, rows, cols, kind, seed);
        let x = inputs(tokens * cols, input, seed);
        let expected = products(Isa::Scalar, &Pool::new(1).unwrap(), &[&linear], &x);
        let pool = Pool::new(threads).unwrap();
        for isa in Isa::available() {
            let actual = products(isa, &pool, &[&linear], &x);
            for (i, (actual, expected)) in actual[0].iter().zip(&expected[0]).enumerate() {
                let (token, row) = (i / rows, i % rows);
                prop_assert_eq!(bits(*actual), bits(*expected), "{:?} {:?} row {} token {}: {} {}", isa, format, row, token, actual, expected);
            }
        }
    }
}

#[test]
fn products_are_those_of_the_numbers_to_within_the_quantization_of_the_input() {
    let mut random = Random(3);
    for format in Format::ALL {
        let (rows, cols, tokens) = (33, 512, 18);
        let linear = random_linear(format, rows, cols, Kind::Random, 5);
        let x: Vec<f32> = (0..tokens * cols).map(|_| random.number()).collect();
        for isa in Isa::available() {
            let out = products(isa, &Pool::new(2).unwrap(), &[&linear], &x).remove(0);
            for row in 0..rows {
                let mut weights = vec![0.0; cols];
                linear.row(row, &mut weights);
                for token in 0..tokens {
                    let x = &x[token * cols..(token + 1) * cols];
                    let exact: f64 = x.iter().zip(&weights).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
                    // Each input is off by at most half a step of at most 1/127.
                    let bound: f64 = weights.iter().map(|w| f64::from(w.abs()) * 0.501 / 127.0).sum::<f64>() + 1e-4;
                    let actual = f64::from(out[token * rows + row]);
                    assert!((actual - exact).abs() <= bound, "{format:?} {isa:?}: {actual} {exact} +- {bound}");
                }
            }
        }
    }
}

#[test]
fn a_token_gets_the_same_bits_in_any_batch() {
    for format in Format::ALL {
        let linear = random_linear(format, 50, 768, Kind::Random, 11);
        let x = inputs(100 * 768, 9, 12);
        let pool = Pool::new(2).unwrap();
        for isa in Isa::available() {
            let all = products(isa, &pool, &[&linear], &x).remove(0);
            for (start, end) in [(0, 1), (3, 5), (7, 23), (60, 100)] {
                let some = products(isa, &pool, &[&linear], &x[start * 768..end * 768]).remove(0);
                assert!(some.iter().zip(&all[start * 50..]).all(|(a, b)| a.to_bits() == b.to_bits()));
            }
        }
    }
}

#[test]
fn more_activations_than_the_cache_holds_are_taken_in_passes() {
    let (cols, tokens) = (8192, 70);
    for format in [Format::Q4_0, Format::Q8_0, Format::Q5K, Format::Q6K] {
        let linear = random_linear(format, 20, cols, Kind::Random, 4);
        let x = inputs(tokens * cols, 9, 7);
        let pool = Pool::new(2).unwrap();
        let expected = products(Isa::Scalar, &pool, &[&linear], &x);
        for isa in Isa::available() {
            assert_eq!(products(isa, &pool, &[&linear], &x), expected, "{format:?} {isa:?}");
        }
    }
}

#[test]
fn several_matrices_of_different_heights_and_formats_share_an_input() {
    let heights = [(Format::Q4_1, 576), (Format::Q8_0, 1), (Format::Q4_0, 195), (Format::Q4_1, 16)];
    let weights: Vec<_> =
        heights.iter().map(|(format, rows)| random_linear(*format, *rows, 96, Kind::Random, 2)).collect();
    let weights: Vec<_> = weights.iter().collect();
    let x = inputs(21 * 96, 9, 1);
    for isa in Isa::available() {
        for threads in [1, 2, 3] {
            let pool = Pool::new(threads).unwrap();
            let together = products(isa, &pool, &weights, &x);
            for (weights, together) in weights.iter().zip(together) {
                assert_eq!(products(isa, &pool, &[weights], &x)[0], together);
            }
        }
    }
}

#[test]
fn no_tokens_and_no_matrices_are_no_work() {
    let pool = Pool::new(2).unwrap();
    let linear = random_linear(Format::Q8_0, 4, 32, Kind::Random, 1);
    matmul(Isa::best(), &pool, &[&linear], &Activations::new(), &mut [&mut []]);
    let mut x = Activations::new();
    x.quantize(Isa::best(), &pool, &[1.0; 32], 32);
    matmul(Isa::best(), &pool, &[], &x, &mut []);
}

#[test]
#[should_panic(expected = "64 columns for 32 values")]
fn an_input_of_another_width_is_refused() {
    let linear = random_linear(Format::Q8_0, 4, 64, Kind::Random, 1);
    products(Isa::Scalar, &Pool::new(1).unwrap(), &[&linear], &[]);
    let mut x = Activations::new();
    let pool = Pool::new(1).unwrap();
    x.quantize(Isa::Scalar, &pool, &[0.0; 32], 32);
    matmul(Isa::Scalar, &pool, &[&linear], &x, &mut [&mut [0.0; 4]]);
}

#[test]
#[should_panic(expected = "places for 4 rows")]
fn an_output_of_another_size_is_refused() {
    let linear = random_linear(Format::Q8_0, 4, 32, Kind::Random, 1);
    let mut x = Activations::new();
    let pool = Pool::new(1).unwrap();
    x.quantize(Isa::Scalar, &pool, &[0.0; 32], 32);
    matmul(Isa::Scalar, &pool, &[&linear], &x, &mut [&mut [0.0; 3]]);
}

#[test]
fn a_matrix_tells_its_shape_and_size() {
    let linear = random_linear(Format::Q4_1, 17, 64, Kind::Random, 1);
    assert_eq!((linear.rows(), linear.cols(), linear.format()), (17, 64, Format::Q4_1));
    // Two groups of two cells, each 256 bytes of nibbles and 64 of scales.
    assert_eq!(linear.bytes(), 4 * 320);
    assert!(Linear::from_f32(16, 32, &[0.5; 512]).unwrap().bytes() == 512 + 64);
}
