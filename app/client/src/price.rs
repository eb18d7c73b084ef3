//! The highest price a caller allows, as written on a command line.
//!
//! An integer is atomic units. A decimal number such as `0.05` is in units of the token, which needs the token's decimals: a
//! service could lie about those, so that they come from a table of known deployments and from nowhere else.

use alloy_primitives::{Address, U256, address};

use crate::error::ClientError;

/// Cap when the caller names none, in atomic units: 0.10 of a six-decimal dollar.
pub const DEFAULT_MAX_PRICE: u64 = 100_000;

/// Network, contract and decimals of the tokens whose decimals are known without asking anybody.
const KNOWN_TOKENS: [(&str, Address, u32); 2] = [
    ("eip155:8453", address!("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"), 6),
    ("eip155:84532", address!("0x036CbD53842c5426634e7929541eC2318f3dCF7e"), 6),
];

/// The highest price a caller allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaxPrice(Written);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Written {
    Atomic(U256),
    Decimal { whole: String, fraction: String },
}

impl Default for MaxPrice {
    fn default() -> Self {
        Self::atomic(U256::from(DEFAULT_MAX_PRICE))
    }
}

impl MaxPrice {
    /// A cap in atomic units.
    #[must_use]
    pub fn atomic(units: U256) -> Self {
        Self(Written::Atomic(units))
    }

    /// The cap in atomic units of `asset` on `network`.
    ///
    /// # Errors
    /// [`ClientError::Input`] for a decimal cap when the token is not in the table, or has fewer decimals.
    pub fn resolve(&self, network: &str, asset: Address) -> Result<U256, ClientError> {
        let (whole, fraction) = match &self.0 {
            Written::Atomic(units) => return Ok(*units),
            Written::Decimal { whole, fraction } => (whole, fraction),
        };
        let decimals = decimals_of(network, asset).ok_or_else(|| {
            ClientError::Input(format!("a decimal --max-price needs a token whose decimals are known, and {asset} on {network} is not one; give atomic units as an integer"))
        })?;
        let width = usize::try_from(decimals).unwrap_or(usize::MAX);
        if fraction.len() > width {
            return Err(ClientError::Input(format!("--max-price has more than the token's {decimals} decimals")));
        }
        U256::from_str_radix(&format!("{whole}{fraction:0<width$}"), 10)
            .map_err(|_| ClientError::Input("--max-price is too large".into()))
    }
}

impl std::fmt::Display for MaxPrice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Written::Atomic(units) => write!(f, "{units}"),
            Written::Decimal { whole, fraction } => write!(f, "{whole}.{fraction}"),
        }
    }
}

impl std::str::FromStr for MaxPrice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = |t: &str| !t.is_empty() && t.len() <= 60 && t.bytes().all(|b| b.is_ascii_digit());
        let written = match text.split_once('.') {
            None if digits(text) => Written::Atomic(U256::from_str_radix(text, 10).map_err(|_| "too large")?),
            Some((whole, fraction)) if digits(whole) && digits(fraction) => {
                Written::Decimal { whole: whole.into(), fraction: fraction.into() }
            }
            _ => return Err("give atomic units as an integer (50000) or token units as a decimal (0.05)".into()),
        };
        Ok(Self(written))
    }
}

/// Decimals of a token in the table of known deployments.
#[must_use]
pub fn decimals_of(network: &str, asset: Address) -> Option<u32> {
    KNOWN_TOKENS.iter().find(|(n, a, _)| *n == network && *a == asset).map(|(_, _, d)| *d)
}

/// `amount` for a human: token units where the decimals are known, atomic units otherwise.
#[must_use]
pub fn display(amount: U256, network: &str, asset: Address) -> String {
    match decimals_of(network, asset) {
        None => format!("{amount} atomic units"),
        Some(decimals) => {
            let width = usize::try_from(decimals).unwrap_or_default();
            let text = format!("{amount:0>pad$}", pad = width.saturating_add(1), amount = amount.to_string());
            let (whole, fraction) = text.split_at(text.len().saturating_sub(width));
            format!("{whole}.{fraction} USDC ({amount} atomic units)")
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BASE: (&str, Address) = (KNOWN_TOKENS[0].0, KNOWN_TOKENS[0].1);

    #[test]
    fn decimals_and_integers_mean_what_the_help_says() {
        let resolve = |t: &str| t.parse::<MaxPrice>().unwrap().resolve(BASE.0, BASE.1);
        assert_eq!(resolve("50000").unwrap(), U256::from(50_000));
        assert_eq!(resolve("0.05").unwrap(), U256::from(50_000));
        assert_eq!(resolve("1.0").unwrap(), U256::from(1_000_000));
        assert_eq!(resolve("0").unwrap(), U256::ZERO);
        assert!(resolve("0.0000001").is_err());
    }

    #[test]
    fn a_decimal_cap_on_an_unknown_token_is_refused_and_an_integer_one_is_not() {
        let unknown = Address::repeat_byte(7);
        assert!("0.05".parse::<MaxPrice>().unwrap().resolve("eip155:31337", unknown).is_err());
        assert_eq!("5".parse::<MaxPrice>().unwrap().resolve("eip155:31337", unknown).unwrap(), U256::from(5));
        // The same contract address on another network is another token.
        assert!("0.05".parse::<MaxPrice>().unwrap().resolve("eip155:1", BASE.1).is_err());
    }

    #[test]
    fn anything_else_is_not_a_price() {
        for bad in ["", "-1", "1e6", ".5", "5.", "1.2.3", "0x10", " 1", "1_000", "$1"] {
            assert!(bad.parse::<MaxPrice>().is_err(), "{bad}");
        }
    }

    #[test]
    fn amounts_are_shown_in_token_units_only_where_decimals_are_known() {
        assert_eq!(display(U256::from(1500), BASE.0, BASE.1), "0.001500 USDC (1500 atomic units)");
        assert_eq!(display(U256::from(12_345_678), BASE.0, BASE.1), "12.345678 USDC (12345678 atomic units)");
        assert_eq!(display(U256::from(1500), "eip155:31337", Address::ZERO), "1500 atomic units");
    }
}
