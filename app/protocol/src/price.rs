//! Prices (SPEC 5.5): integers only, a pure function of the token count, computable by the caller.

use serde::{Deserialize, Serialize};

/// `amount = base + per_1k_tokens · ceil(tokens / 1000)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Price {
    /// Charged for every document, atomic units.
    #[serde(with = "decimal")]
    pub base: u64,
    /// Charged for every started thousand of input tokens, atomic units.
    #[serde(with = "decimal")]
    pub per_1k_tokens: u64,
}

impl Price {
    /// Amount for a document of `tokens` input tokens, atomic units. Cannot overflow: both factors have 64 bits or fewer.
    pub fn amount(&self, tokens: u32) -> u128 {
        u128::from(self.base) + u128::from(self.per_1k_tokens) * u128::from(tokens.div_ceil(1000))
    }
}

mod decimal {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(amount: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(amount)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let amount: u64 =
            text.parse().map_err(|_| serde::de::Error::custom("an amount is a decimal string of atomic units"))?;
        if amount.to_string() != text {
            return Err(serde::de::Error::custom("an amount is written without sign or leading zeros"));
        }
        Ok(amount)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_started_thousand_is_charged_and_nothing_overflows() {
        let price = Price { base: 1000, per_1k_tokens: 500 };
        assert_eq!([0, 1, 1000, 1001, 2000].map(|t| price.amount(t)), [1000, 1500, 1500, 2000, 2000]);
        let dearest = Price { base: u64::MAX, per_1k_tokens: u64::MAX };
        assert!(dearest.amount(u32::MAX) > u128::from(u64::MAX));
    }

    #[test]
    fn amounts_are_decimal_strings() {
        let price = Price { base: 1000, per_1k_tokens: 500 };
        let json = serde_json::to_string(&price).unwrap();
        assert_eq!(json, r#"{"base":"1000","per1kTokens":"500"}"#);
        assert_eq!(serde_json::from_str::<Price>(&json).unwrap(), price);
        for bad in [
            r#"{"base":1000,"per1kTokens":"500"}"#,
            r#"{"base":"01","per1kTokens":"5"}"#,
            r#"{"base":"-1","per1kTokens":"5"}"#,
        ] {
            assert!(serde_json::from_str::<Price>(bad).is_err(), "{bad}");
        }
    }
}
