//! Half-precision floats as files hold them (IEEE 754 binary16).

/// The value of sixteen bits; exact.
pub fn to_f32(bits: u16) -> f32 {
    let (exponent, mantissa) = (u32::from(bits >> 10) & 31, u32::from(bits) & 0x3ff);
    let magnitude = match exponent {
        0 => mantissa as f32 * f32::from_bits(0x3380_0000), // subnormal: in units of 2^-24
        31 => f32::from_bits(0x7f80_0000 | mantissa << 13),
        _ => f32::from_bits((exponent + 112) << 23 | mantissa << 13),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// The sixteen bits of the next value towards zero. Only for normal values: others give zero.
pub fn truncated(value: f32) -> u16 {
    let bits = value.to_bits();
    let (sign, exponent) = ((bits >> 16) as u16 & 0x8000, (bits >> 23) & 0xff);
    if !(113..143).contains(&exponent) {
        return sign;
    }
    sign | (((exponent - 112) << 10) | ((bits >> 13) & 0x3ff)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_normal_half_survives_the_way_there_and_back() {
        for bits in 0..=u16::MAX {
            let value = to_f32(bits);
            if value.is_normal() && value.abs() >= f32::from_bits(0x3880_0000) {
                assert_eq!(truncated(value), bits);
            }
        }
        assert_eq!((to_f32(1), to_f32(0x8000)), (2f32.powi(-24), 0.0));
        assert!(to_f32(0x7c00) == f32::INFINITY && to_f32(0x7e00).is_nan());
    }
}
