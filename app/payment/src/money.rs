//! Money as integers: [`AtomicUnits`] is a count of a token's smallest unit and nothing else.
//!
//! On the wire it is a decimal string without sign, point, exponent or leading zeros (x402 v2, section 5); every
//! other spelling is refused, so that equal amounts have equal texts. Arithmetic is checked.

use std::{fmt, str::FromStr};

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use crate::decimal;

/// An amount of a token in its smallest unit (for USDC: millionths of a dollar).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AtomicUnits(#[serde(with = "decimal")] U256);

impl AtomicUnits {
    /// Nothing.
    pub const ZERO: Self = Self(U256::ZERO);

    /// The amount `units`.
    pub const fn new(units: U256) -> Self {
        Self(units)
    }

    /// The amount as an EVM word.
    pub const fn get(self) -> U256 {
        self.0
    }

    /// The sum, or `None` if it does not fit 256 bits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` if it would be negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The product with a plain count, or `None` if it does not fit 256 bits.
    pub fn checked_mul(self, count: u64) -> Option<Self> {
        self.0.checked_mul(U256::from(count)).map(Self)
    }

    /// The amount as a `u64`, or `None` if it is larger.
    pub fn to_u64(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }
}

impl From<u128> for AtomicUnits {
    fn from(units: u128) -> Self {
        Self(U256::from(units))
    }
}

impl From<AtomicUnits> for U256 {
    fn from(amount: AtomicUnits) -> Self {
        amount.0
    }
}

/// The text is not a canonical decimal of at most 256 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an amount is a decimal integer without sign or leading zeros, below 2^256")]
pub struct NotAnAmount;

impl FromStr for AtomicUnits {
    type Err = NotAnAmount;

    fn from_str(text: &str) -> Result<Self, NotAnAmount> {
        decimal::parse(text).map(Self).ok_or(NotAnAmount)
    }
}

impl fmt::Display for AtomicUnits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn amounts_are_canonical_decimal_strings() {
        let amount: AtomicUnits = serde_json::from_str("\"10000\"").unwrap();
        assert_eq!(amount, AtomicUnits::from(10_000));
        assert_eq!(serde_json::to_string(&amount).unwrap(), "\"10000\"");
        for bad in ["", "01", "+1", "-1", "1.0", "1e3", " 1", "0x10", "1_000", "١"] {
            assert_eq!(bad.parse::<AtomicUnits>(), Err(NotAnAmount), "{bad}");
        }
        assert!(serde_json::from_str::<AtomicUnits>("10000").is_err(), "a JSON number is not an amount");
    }

    #[test]
    fn amounts_end_at_256_bits() {
        let largest = U256::MAX.to_string();
        assert_eq!(largest.parse::<AtomicUnits>().unwrap().get(), U256::MAX);
        let above = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
        assert_eq!(above.parse::<AtomicUnits>(), Err(NotAnAmount));
        assert_eq!("9".repeat(10_000).parse::<AtomicUnits>(), Err(NotAnAmount));
    }

    #[test]
    fn arithmetic_never_wraps() {
        let most = AtomicUnits::new(U256::MAX);
        assert_eq!(most.checked_add(AtomicUnits::from(1)), None);
        assert_eq!(most.checked_mul(2), None);
        assert_eq!(AtomicUnits::ZERO.checked_sub(AtomicUnits::from(1)), None);
        assert_eq!(AtomicUnits::from(500).checked_mul(3), Some(AtomicUnits::from(1500)));
        assert_eq!(most.to_u64(), None);
    }
}
