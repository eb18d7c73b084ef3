//! Half precision in software: exact, and the same as the processor's conversion (round to nearest, ties to even).

/// The value of the bits of a half.
pub(crate) const fn from_half(bits: u16) -> f32 {
    let sign = (bits as u32 & 0x8000) << 16;
    let exponent = (bits >> 10) as u32 & 0x1f;
    let mantissa = bits as u32 & 0x3ff;
    let magnitude = match exponent {
        // Zero and subnormals: a multiple of 2^-24, exact in single precision.
        0 => (mantissa as f32 * (1.0 / 16_777_216.0)).to_bits(),
        // Infinity, and NaN made quiet.
        0x1f if mantissa == 0 => 0x7f80_0000,
        0x1f => 0x7fc0_0000 | mantissa << 13,
        _ => (exponent + 112) << 23 | mantissa << 13,
    };
    f32::from_bits(sign | magnitude)
}

/// The bits of the half nearest to `x`, ties to even; beyond the largest half it is infinity.
pub(crate) const fn to_half(x: f32) -> u16 {
    let bits = x.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return sign | 0x7e00 | (magnitude >> 13) as u16 & 0x1ff;
    }
    // 65520 and above round to infinity.
    if magnitude >= 0x477f_f000 {
        return sign | 0x7c00;
    }
    if magnitude < 0x3880_0000 {
        // Subnormal: adding 0.5 leaves the multiple of 2^-24 in the low bits, rounded by the addition itself.
        let shifted = f32::from_bits(magnitude) + 0.5;
        return sign | (shifted.to_bits() - 0.5_f32.to_bits()) as u16;
    }
    let odd = magnitude >> 13 & 1;
    let rounded = magnitude + 0xfff + odd;
    sign | ((rounded >> 13) - (112 << 10)) as u16
}

/// Whether the bits are a number, not infinity or NaN.
pub(crate) const fn is_finite(bits: u16) -> bool {
    bits & 0x7c00 != 0x7c00
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_that_is_a_number_survives_a_round_trip() {
        for bits in 0..=u16::MAX {
            if is_finite(bits) || bits & 0x3ff == 0 {
                assert_eq!(to_half(from_half(bits)), bits);
            } else {
                assert!(from_half(bits).is_nan());
                assert!(!is_finite(to_half(from_half(bits))));
            }
        }
    }

    #[test]
    fn halfway_points_round_to_even_and_their_neighbours_to_the_nearest() {
        for bits in 0..0x7bff_u16 {
            let (low, high) = (from_half(bits), from_half(bits + 1));
            let middle = (low + high) / 2.0;
            assert_eq!(to_half(middle), bits + (bits & 1), "{bits:#06x}");
            assert_eq!(to_half(f32::from_bits(middle.to_bits() - 1)), bits);
            assert_eq!(to_half(f32::from_bits(middle.to_bits() + 1)), bits + 1);
            assert_eq!(to_half(-middle), 0x8000 | (bits + (bits & 1)));
        }
        assert_eq!(to_half(65_519.996), 0x7bff);
        assert_eq!(to_half(65_520.0), 0x7c00);
        assert_eq!(to_half(f32::MAX), 0x7c00);
    }
}
