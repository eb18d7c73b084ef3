//! 256-bit integers as decimal strings, in their one spelling.

use alloy_primitives::U256;
use serde::{Deserialize, Deserializer, Serializer, de};

/// Digits of 2^256 − 1.
const MAX_DECIMAL_DIGITS: usize = 78;

/// A canonical decimal (no sign, no leading zeros) below 2^256.
pub fn parse(text: &str) -> Option<U256> {
    let digits = text.len() <= MAX_DECIMAL_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || (!text.is_empty() && !text.starts_with('0'));
    if digits && canonical { U256::from_str_radix(text, 10).ok() } else { None }
}

/// Writes the decimal string.
pub fn serialize<S: Serializer>(value: &U256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads a canonical decimal string.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| de::Error::custom("not a canonical decimal integer"))
}
