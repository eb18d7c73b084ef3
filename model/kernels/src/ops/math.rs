//! Functions of one value and sums over a row, in the one order that every instruction set follows.

/// Adding this rounds a value below 2^22 to an integer, which then stands in the low bits.
const SHIFTER: f32 = 12_582_912.0;

/// e to the `x`, to 1.5 units in the last place. Arguments are limited to -87..=88, so the result is neither zero nor
/// infinite; NaN counts as -87.
pub fn exp(x: f32) -> f32 {
    exp_lane(x)
}

/// [`exp`], for loops that are compiled to vectors.
///
/// 2^n * e^r with n the nearest integer to x / ln 2; e^r by a minimax polynomial on |r| <= ln 2 / 2, within 4e-9.
#[inline(always)]
pub(crate) fn exp_lane(x: f32) -> f32 {
    // These comparisons, and not f32::max, are one instruction each, NaN included.
    let x = if x > -87.0 { x } else { -87.0 };
    let x = if x < 88.0 { x } else { 88.0 };
    let shifted = x.mul_add(std::f32::consts::LOG2_E, SHIFTER);
    let n = shifted - SHIFTER;
    // ln 2 in two parts, of which the first has 12 trailing zero bits: the product with n is exact.
    let r = n.mul_add(-0.693_359_4, x);
    let r = n.mul_add(2.121_944_4e-4, r);
    let p = 1.381_459_9e-3_f32;
    let p = p.mul_add(r, 8.368_717e-3);
    let p = p.mul_add(r, 4.166_839e-2);
    let p = p.mul_add(r, 0.166_665_21);
    let p = p.mul_add(r, 0.499_999_94);
    let p = p.mul_add(r, 1.0);
    let p = p.mul_add(r, 1.0);
    // n + 127 moved into the exponent; what the shifter left above is shifted out.
    p * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// x * Phi(x), with Phi the normal distribution: the GELU with the error function, within 5e-7 absolutely.
///
/// The tail of Phi by Abramowitz and Stegun 7.1.26.
#[inline(always)]
pub(crate) fn gelu_lane(x: f32) -> f32 {
    let magnitude = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / magnitude.mul_add(0.327_591_1, 1.0);
    let p = 1.061_405_4_f32;
    let p = p.mul_add(t, -1.453_152);
    let p = p.mul_add(t, 1.421_413_7);
    let p = p.mul_add(t, -0.284_496_74);
    let p = p.mul_add(t, 0.254_829_6);
    let tail = x * (0.5 * (p * t) * exp_lane(-(magnitude * magnitude)));
    if x > 0.0 { x - tail } else { tail }
}

/// x / (1 + e^-x).
#[inline(always)]
pub(crate) fn silu_lane(x: f32) -> f32 {
    x / (1.0 + exp_lane(-x))
}

/// Reduces a row in sixteen lanes: lane i takes elements i, i + 16 and so on by `step`, from zero; then the lanes are
/// added as a tree, the upper half to the lower.
#[inline(always)]
pub(crate) fn fold(x: &[f32], step: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let (blocks, rest) = x.as_chunks::<16>();
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane = step(*lane, *value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = step(*lane, *value);
    }
    super::dots::tree(lanes)
}
