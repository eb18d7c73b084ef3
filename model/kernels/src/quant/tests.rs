#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::reference::{any_format, any_kind, blocks, dequantize, halves};
use super::*;
use crate::Linear;

fn rows_of(linear: &Linear) -> Vec<f32> {
    let mut out = vec![f32::NAN; linear.rows() * linear.cols()];
    for (row, out) in out.chunks_exact_mut(linear.cols()).enumerate() {
        linear.row(row, out);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn repacked_rows_are_the_blocks_of_the_file(
        format in any_format(), rows in 1_usize..40, per_row in 1_usize..4, kind in any_kind(), seed: u64,
    ) {
        let bytes = blocks(format, rows * per_row, kind, seed);
        let linear = Linear::from_gguf(format, rows, per_row * format.block_weights(), &bytes).unwrap();
        let expected: Vec<f32> =
            bytes.chunks_exact(format.block_bytes()).flat_map(|block| dequantize(format, block)).collect();
        for (i, (actual, expected)) in rows_of(&linear).into_iter().zip(expected).enumerate() {
            prop_assert_eq!(actual.to_bits(), expected.to_bits(), "{:?} weight {}: {} {}", format, i, actual, expected);
        }
    }

    #[test]
    fn numbers_are_quantized_to_within_half_a_step(rows in 1_usize..20, blocks in 1_usize..4, scale in -9_i32..6, seed: u64) {
        let mut random = super::reference::Random(seed);
        let factor = 10_f32.powi(scale);
        let weights: Vec<f32> = (0..rows * blocks * 32).map(|_| random.number() * factor).collect();
        let linear = Linear::from_f32(rows, blocks * 32, &weights).unwrap();
        for (weights, quantized) in weights.chunks_exact(32).zip(rows_of(&linear).chunks_exact(32)) {
            let amax = weights.iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
            // A step is amax / 127 to within the precision of halves; below 2^-25 nothing is left of a scale.
            let bound = (amax / 127.0 * 0.5 * 1.01 + 1.0 / 16_777_216.0).max(if amax < 4e-6 { amax } else { 0.0 });
            for (weight, quantized) in weights.iter().zip(quantized) {
                prop_assert!((weight - quantized).abs() <= bound, "{weight} {quantized} of {amax}");
            }
        }
    }
}

#[test]
fn shapes_and_lengths_that_do_not_fit_are_refused() {
    for format in Format::ALL {
        let (weights, bytes) = (format.block_weights(), format.block_bytes());
        let shape = |rows, cols, len: usize| Linear::from_gguf(format, rows, cols, &vec![0; len]).err();
        assert_eq!(shape(2, weights, 2 * bytes), None);
        assert_eq!(shape(0, weights, 0), Some(PackError::Shape { rows: 0, cols: weights }));
        assert_eq!(shape(1, 0, 0), Some(PackError::Shape { rows: 1, cols: 0 }));
        assert_eq!(shape(1, weights + 1, bytes), Some(PackError::Shape { rows: 1, cols: weights + 1 }));
        assert_eq!(shape(usize::MAX, weights, bytes), Some(PackError::Shape { rows: usize::MAX, cols: weights }));
        assert_eq!(shape(1 << 60, weights, bytes), Some(PackError::Shape { rows: 1 << 60, cols: weights }));
        for actual in [0, bytes, 2 * bytes - 1, 2 * bytes + 1] {
            assert_eq!(shape(2, weights, actual), Some(PackError::Length { expected: 2 * bytes, actual }));
        }
    }
    assert_eq!(Linear::from_f32(1, 48, &[0.0; 48]).err(), Some(PackError::Shape { rows: 1, cols: 48 }));
    assert_eq!(Linear::from_f32(2, 32, &[0.0; 32]).err(), Some(PackError::Length { expected: 64, actual: 32 }));
}

#[test]
fn scales_that_are_not_finite_are_refused() {
    for format in Format::ALL {
        for at in halves(format) {
            for bits in [0x7c00_u16, 0xfc00, 0x7e00, 0x7c01] {
                let mut bytes = vec![0; 3 * format.block_bytes()];
                let place = 2 * format.block_bytes() + at;
                bytes[place..place + 2].copy_from_slice(&bits.to_le_bytes());
                let refused = Linear::from_gguf(format, 3, format.block_weights(), &bytes).err();
                assert_eq!(refused, Some(PackError::NotFinite { row: 2 }), "{format:?}");
            }
        }
    }
}

#[test]
fn numbers_that_no_half_can_scale_are_refused() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e7, -f32::MAX] {
        let mut weights = [1.0; 96];
        weights[40] = bad;
        assert_eq!(Linear::from_f32(3, 32, &weights).err(), Some(PackError::NotFinite { row: 1 }), "{bad}");
    }
    let largest = Linear::from_f32(1, 32, &[65_504.0 * 127.0; 32]).unwrap();
    assert_eq!(rows_of(&largest), [65_504.0 * 127.0; 32]);
}

#[test]
fn errors_say_what_is_wrong() {
    assert_eq!(PackError::Shape { rows: 1, cols: 3 }.to_string(), "1 x 3 weights are not whole blocks");
    assert!(PackError::Length { expected: 8, actual: 9 }.to_string().contains("expected 8"));
    assert!(PackError::NotFinite { row: 5 }.to_string().contains("row 5"));
}
