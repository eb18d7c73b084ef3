#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::quant::reference::Random;

/// One row of what a buffer holds, block by block.
fn row(x: &Activations, token: usize) -> Vec<Quantized> {
    let height = TILE.min(x.tokens() - token / TILE * TILE);
    let blocks = x.cols() / BLOCK;
    let at = |block: usize| token / TILE * TILE * blocks + block * height + token % TILE;
    let half = |block: usize, i: usize| 2 * (at(block) - token % TILE) + i * height + token % TILE;
    (0..blocks)
        .map(|block| {
            let q: [i8; BLOCK] = x.q[at(block) * BLOCK..][..BLOCK].try_into().unwrap();
            let sums = [0, 1].map(|i| q[i * 16..(i + 1) * 16].iter().map(|q| i32::from(*q)).sum::<i32>());
            let d = x.d[at(block)];
            assert_eq!(x.n[at(block)], -128 * (sums[0] + sums[1]));
            assert_eq!(x.ds[at(block)].to_bits(), (d * (sums[0] + sums[1]) as f32).to_bits());
            for (i, sum) in sums.into_iter().enumerate() {
                assert_eq!(x.half_n[half(block, i)], -128 * sum);
                assert_eq!(x.half_ds[half(block, i)].to_bits(), (d * sum as f32).to_bits());
            }
            Quantized { q, d, sums }
        })
        .collect()
}

/// Numbers of all sizes, and what is none.
fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        20 => -3.0_f32..3.0,
        2 => Just(0.0), 1 => Just(-0.0),
        1 => any::<f32>(),
        1 => prop_oneof![Just(f32::MAX), Just(f32::MIN), Just(1e-40), Just(-2e-38), Just(3.7e-37), Just(4e-37)],
    ]
}

proptest! {
    #[test]
    fn every_instruction_set_quantizes_to_the_same_bits(
        tokens in 1_usize..40, blocks in 1_usize..5, values in prop::collection::vec(value(), 32..200),
    ) {
        let cols = blocks * BLOCK;
        let x: Vec<f32> = values.iter().copied().cycle().take(tokens * cols).collect();
        let pool = Pool::new(1).unwrap();
        let mut expected = Activations::new();
        expected.quantize(Isa::Scalar, &pool, &x, cols);
        for isa in Isa::available() {
            let mut actual = Activations::new();
            actual.quantize(isa, &pool, &x, cols);
            for token in 0..tokens {
                for (actual, expected) in row(&actual, token).iter().zip(row(&expected, token)) {
                    prop_assert_eq!(actual.q, expected.q);
                    prop_assert_eq!(actual.d.to_bits(), expected.d.to_bits());
                }
            }
        }
    }
}

#[test]
fn values_come_back_to_within_half_a_step_in_every_tile() {
    let mut random = Random(1);
    let x: Vec<f32> = (0..37 * 96).map(|_| random.number()).collect();
    let mut quantized = Activations::default();
    quantized.quantize(Isa::best(), &Pool::new(2).unwrap(), &x, 96);
    assert_eq!((quantized.tokens(), quantized.cols()), (37, 96));
    for (token, x) in x.chunks_exact(96).enumerate() {
        for (block, x) in row(&quantized, token).iter().zip(x.chunks_exact(BLOCK)) {
            for (q, x) in block.q.iter().zip(x) {
                assert!((f32::from(*q) * block.d - x).abs() <= block.d * 0.5001);
            }
        }
    }
}

#[test]
fn ties_go_to_even_and_the_ends_to_127() {
    for isa in Isa::available() {
        let mut x = [0.0; 32];
        x[..6].copy_from_slice(&[127.0, -127.0, 0.5, 1.5, 2.5, -2.5]);
        let mut quantized = Activations::new();
        quantized.quantize(isa, &Pool::new(1).unwrap(), &x, 32);
        assert_eq!(quantized.q[..7], [127, -127, 0, 2, 2, -2, 0]);
        assert_eq!(quantized.d[..], [1.0]);
    }
}

#[test]
fn blocks_with_what_is_not_a_number_are_zero_and_their_neighbours_are_not() {
    for isa in Isa::available() {
        for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = [1.0; 96];
            x[33] = bad;
            let mut quantized = Activations::new();
            quantized.quantize(isa, &Pool::new(1).unwrap(), &x, 96);
            let blocks = row(&quantized, 0);
            assert_eq!(blocks[1].q, [0; 32]);
            assert_eq!(blocks.iter().map(|block| block.d > 0.0).collect::<Vec<_>>(), [true, false, true]);
            assert_eq!(blocks[0].q, [127; 32]);
        }
    }
}

#[test]
fn a_buffer_can_be_used_again_for_other_shapes_and_for_nothing() {
    let pool = Pool::new(2).unwrap();
    let mut quantized = Activations::new();
    for (tokens, cols) in [(40, 2048), (1, 32), (0, 64), (17, 64)] {
        quantized.quantize(Isa::best(), &pool, &vec![1.0; tokens * cols], cols);
        assert_eq!(quantized.tokens(), tokens);
        for token in 0..tokens {
            assert!(row(&quantized, token).iter().all(|block| block.q == [127; BLOCK]));
        }
    }
}

#[test]
#[should_panic(expected = "whole blocks")]
fn rows_that_are_not_whole_blocks_are_refused() {
    Activations::new().quantize(Isa::Scalar, &Pool::new(1).unwrap(), &[0.0; 48], 48);
}

#[test]
#[should_panic(expected = "not rows of")]
fn values_that_are_not_whole_rows_are_refused() {
    Activations::new().quantize(Isa::Scalar, &Pool::new(1).unwrap(), &[0.0; 33], 32);
}
