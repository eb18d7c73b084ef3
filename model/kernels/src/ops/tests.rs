#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::Isa;

/// Values of every magnitude, with zeros, infinities and NaN among them.
fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        6 => -20.0..20.0_f32,
        2 => -1e-3..1e-3_f32,
        1 => any::<f32>(),
        1 => prop::sample::select(vec![0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, -88.0, 1e-40]),
    ]
}

fn values(count: usize) -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(value(), count)
}

fn bits(x: &[f32]) -> Vec<u32> {
    // Which NaN comes out is the processor's business.
    x.iter().map(|x| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }).collect()
}

/// Asserts that every instruction set gives the scalar bits.
fn same(start: &[f32], operation: impl Fn(Isa, &mut [f32])) {
    let result = |isa| {
        let mut x = start.to_vec();
        operation(isa, &mut x);
        bits(&x)
    };
    let expected = result(Isa::Scalar);
    for isa in Isa::available() {
        assert_eq!(result(isa), expected, "{}", isa.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_instruction_set_gives_the_bits_of_the_definition(
        (x, y, w) in (1..200_usize).prop_flat_map(|n| (values(n), values(n), values(n)))
    ) {
        same(&x, |isa, x| add(isa, x, &y));
        same(&x, |isa, x| silu_mul(isa, x, &y));
        same(&x, gelu);
        same(&x, |isa, out| rms_norm(isa, &x, &w, 1e-5, out));
        same(&x, |isa, x| layer_norm(isa, x, &w, &y, 1e-12));
        let rows = [x.as_slice(), &y, &w].concat();
        same(&[0.0; 3], |isa, out| dots(isa, &w, &rows, out));
        for isa in Isa::available() {
            prop_assert_eq!(argmax(isa, &x), argmax(Isa::Scalar, &x));
        }
    }

    #[test]
    fn finite_rows_are_normalized_alike_everywhere(
        (x, w) in (1..1600_usize).prop_flat_map(|n| {
            let values = || prop::collection::vec(-9.0..9.0_f32, n);
            (values(), values())
        })
    ) {
        same(&x, |isa, out| rms_norm(isa, &x, &w, 1e-5, out));
        same(&x, |isa, x| layer_norm(isa, x, &w, &w, 1e-12));
    }

    #[test]
    fn rotations_are_alike_everywhere_and_keep_the_length(
        (half, heads) in (1..40_usize, 1..4_usize),
        position in 0..50_usize,
        seed in prop::collection::vec(-5.0..5.0_f32, 320),
    ) {
        let x = &seed[..(half * 2 * heads).min(half * 2 * (320 / (half * 2)))];
        for rotation in [Rotation::Pairs, Rotation::Halves] {
            let rope = Rope::new(half * 2, 50, 10_000.0, rotation);
            same(x, |isa, x| rope.turn(isa, x, position));
            let mut turned = x.to_vec();
            rope.turn(Isa::Scalar, &mut turned, position);
            let norm = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
            prop_assert!((norm(&turned) - norm(x)).abs() <= 1e-5 * norm(x));
        }
    }

    #[test]
    fn argmax_is_the_lowest_index_of_the_largest_value(x in values(50), copies in prop::collection::vec(0..50_usize, 3)) {
        let mut x = x;
        let largest = x.iter().copied().filter(|x| !x.is_nan()).fold(f32::NEG_INFINITY, f32::max);
        copies.iter().for_each(|at| x[*at] = largest);
        let expected = x.iter().position(|x| *x == largest).unwrap_or(0);
        prop_assert_eq!(argmax(Isa::best(), &x), expected);
    }
}

#[test]
fn exp_is_within_two_units_in_the_last_place_and_limited_outside() {
    let mut worst = 0.0_f64;
    for step in 0..1_750_000 {
        let x = -87.0 + step as f32 * 1e-4;
        let exact = f64::from(x).exp();
        worst = worst.max((f64::from(exp(x)) - exact).abs() / exact);
    }
    assert!(worst < 1.2e-7, "{worst:e}");
    assert_eq!(exp(0.0), 1.0);
    assert_eq!(exp(f32::NEG_INFINITY).to_bits(), exp(-87.0).to_bits());
    assert_eq!(exp(f32::NAN).to_bits(), exp(-87.0).to_bits());
    assert_eq!(exp(f32::INFINITY).to_bits(), exp(88.0).to_bits());
    assert!(exp(f32::INFINITY).is_finite() && exp(f32::NEG_INFINITY) > 0.0);
}

/// Phi by integrating the density in small steps, from x down to where nothing is left.
fn exact_gelu(x: f64) -> f64 {
    let density = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let steps = 4000;
    let width = x / f64::from(steps);
    // Simpson's rule from 0 to x.
    let inner: f64 = (1..steps).map(|i| density(f64::from(i) * width) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
    x * (0.5 + (density(0.0) + inner + density(x)) * width / 3.0)
}

#[test]
fn gelu_is_within_half_a_millionth() {
    for step in -160..=160 {
        let x = step as f32 / 16.0;
        let mut y = [x];
        gelu(Isa::Scalar, &mut y);
        assert!((f64::from(y[0]) - exact_gelu(f64::from(x))).abs() < 5e-7, "{x}: {}", y[0]);
    }
}

#[test]
fn rotations_turn_by_position_over_a_power_of_the_base() {
    for (width, base, position) in [(64, 100_000.0_f32, 8191_usize), (128, 1_000_000.0, 40_000), (2, 10_000.0, 3)] {
        let half = width / 2;
        let rope = Rope::new(width, position + 1, base, Rotation::Halves);
        assert_eq!(rope.positions(), position + 1);
        let pairs = Rope::new(width, position + 1, base, Rotation::Pairs);
        for i in 0..half {
            let angle = position as f64 * f64::from(base).powf(-2.0 * i as f64 / width as f64);
            let mut head = vec![0.0; width];
            head[i] = 1.0;
            rope.turn(Isa::Scalar, &mut head, position);
            assert!((f64::from(head[i]) - angle.cos()).abs() < 2e-7);
            assert!((f64::from(head[i + half]) - angle.sin()).abs() < 2e-7);
            let mut head = vec![0.0; width];
            head[2 * i] = 1.0;
            pairs.turn(Isa::Scalar, &mut head, position);
            assert!((f64::from(head[2 * i + 1]) - angle.sin()).abs() < 2e-7);
        }
    }
}
