//! Amounts of a token, as people write and read them. Programs read atomic units.
//!
//! `0.05` and `0.05USDC` are token units, `50000atomic` is atomic units. A bare integer is refused: whoever writes `1` may mean a
//! dollar or a millionth of one.

use std::fmt;

use alloy_primitives::{Address, U256};

use crate::error::ClientError;
use crate::token::Token;

/// Cap when the caller names none, in atomic units: 0.10 of a six-decimal dollar.
pub const DEFAULT_MAX_PRICE: u64 = 100_000;
/// The unit that is no token's.
const ATOMIC: &str = "atomic";
/// Most digits on either side of the point.
const MAX_DIGITS: usize = 60;
/// Longest unit, in characters.
const MAX_UNIT: usize = 16;

/// The highest price a caller allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaxPrice(Written);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Written {
    Atomic(U256),
    Units { whole: String, fraction: String, symbol: Option<String> },
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

    /// The cap in atomic units of `asset` on `network`, which is `token` if that is known. `option` is what states it, for messages.
    ///
    /// # Errors
    /// [`ClientError::Input`] for token units when the token is not known, is another one, or has fewer decimals.
    pub fn resolve(
        &self,
        option: &str,
        network: &str,
        asset: Address,
        token: Option<&Token>,
    ) -> Result<U256, ClientError> {
        let (whole, fraction, symbol) = match &self.0 {
            Written::Atomic(units) => return Ok(*units),
            Written::Units { whole, fraction, symbol } => (whole, fraction, symbol),
        };
        let refuse = |why: String| Err(ClientError::Input(format!("{option} {self}: {why}")));
        let Some(Token { symbol: own, decimals }) = token else {
            return refuse(format!(
                "the decimals of the token {asset} on {network} are not known; give --rpc URL so that the token is asked, or atomic units such as 50000atomic"
            ));
        };
        if symbol.as_ref().is_some_and(|symbol| !symbol.eq_ignore_ascii_case(own)) {
            return refuse(format!("the service is paid in {own}; give the amount in {own}"));
        }
        let width = usize::from(*decimals);
        if fraction.len() > width {
            return refuse(format!("{own} has {decimals} decimals; give no more digits after the point"));
        }
        match U256::from_str_radix(&format!("{whole}{fraction:0<width$}"), 10) {
            Ok(units) => Ok(units),
            Err(_) => refuse("the amount is too large; give a smaller one".into()),
        }
    }
}

impl fmt::Display for MaxPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Written::Atomic(units) => write!(f, "{units}{ATOMIC}"),
            Written::Units { whole, fraction, symbol } => {
                let symbol = symbol.as_deref().unwrap_or_default();
                if fraction.is_empty() { write!(f, "{whole}{symbol}") } else { write!(f, "{whole}.{fraction}{symbol}") }
            }
        }
    }
}

impl std::str::FromStr for MaxPrice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || "give an amount such as 0.05, 0.05USDC or 50000atomic".to_owned();
        let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let unit = unit.strip_prefix(' ').unwrap_or(unit);
        let digits = |t: &str| !t.is_empty() && t.len() <= MAX_DIGITS && t.bytes().all(|b| b.is_ascii_digit());
        let (whole, fraction) = match number.split_once('.') {
            None if digits(number) => (number, ""),
            Some((whole, fraction)) if digits(whole) && digits(fraction) => (whole, fraction),
            _ => return Err(refuse()),
        };
        // Two letters first: `1e6` and `0x10` are no amounts of anything.
        let symbol = unit.len() <= MAX_UNIT
            && unit.bytes().take(2).filter(u8::is_ascii_alphabetic).count() == 2
            && unit.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        let atomic = || U256::from_str_radix(whole, 10).map(Self::atomic).map_err(|_| "the amount is too large".into());
        let units = |symbol: Option<&str>| {
            let symbol = symbol.map(str::to_owned);
            Self(Written::Units { whole: whole.into(), fraction: fraction.into(), symbol })
        };
        match (fraction, unit) {
            ("", "") if whole.bytes().all(|b| b == b'0') => atomic(),
            ("", "") => Err(format!(
                "a bare {whole} could be token units or atomic units; write {whole}.00 for token units or {whole}atomic for atomic units"
            )),
            ("", ATOMIC) => atomic(),
            (_, ATOMIC) => {
                Err(format!("an atomic unit has no parts; write {whole}atomic, or {number} for token units"))
            }
            (_, "") => Ok(units(None)),
            (_, unit) if symbol => Ok(units(Some(unit))),
            _ => Err(refuse()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::amount::Amount;

    const NETWORK: &str = "eip155:31337";

    fn token(symbol: &str, decimals: u8) -> Token {
        Token { symbol: symbol.into(), decimals }
    }

    fn resolve(text: &str, token: Option<&Token>) -> Result<U256, String> {
        let price = text.parse::<MaxPrice>()?;
        price.resolve("--max-price", NETWORK, Address::ZERO, token).map_err(|e| e.to_string())
    }

    #[test]
    fn an_amount_is_token_units_or_says_that_it_is_atomic() {
        let usdc = token("USDC", 6);
        for (text, units) in [
            ("0.05", 50_000u64),
            ("0.05USDC", 50_000),
            ("0.05 usdc", 50_000),
            ("1.00", 1_000_000),
            ("1USDC", 1_000_000),
            ("50000atomic", 50_000),
            ("50000 atomic", 50_000),
            ("1atomic", 1),
            ("0", 0),
            ("0.0", 0),
        ] {
            assert_eq!(resolve(text, Some(&usdc)), Ok(U256::from(units)), "{text}");
        }
        assert_eq!(resolve("0.5", Some(&token("DAI", 18))), Ok(U256::from(500_000_000_000_000_000u64)));
    }

    #[test]
    fn a_bare_integer_is_refused_with_both_ways_to_write_it() {
        for text in ["1", "10", "50000"] {
            let error = text.parse::<MaxPrice>().unwrap_err();
            assert!(error.contains(&format!("{text}.00")) && error.contains(&format!("{text}atomic")), "{error}");
        }
    }

    #[test]
    fn token_units_need_a_token_that_is_known_and_the_one_that_was_named() {
        assert!(resolve("0.05", None).unwrap_err().contains("--rpc"));
        assert_eq!(resolve("50000atomic", None), Ok(U256::from(50_000)));
        assert!(resolve("0.05EURC", Some(&token("USDC", 6))).unwrap_err().contains("paid in USDC"));
        assert!(resolve("0.0000001", Some(&token("USDC", 6))).unwrap_err().contains("6 decimals"));
        let most = "9".repeat(60);
        assert!(resolve(&format!("{most}.0"), Some(&token("WAY", 36))).unwrap_err().contains("too large"));
    }

    #[test]
    fn anything_else_is_not_a_price() {
        for bad in
            ["", "-1", "1e6", ".5", "5.", "1.2.3", "0x10", " 1", "1_000", "$1", "1.5atomic", "1 USD C", "1.0\u{1b}"]
        {
            assert!(bad.parse::<MaxPrice>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_was_written_is_shown_as_it_was_written() {
        for text in ["0.05", "0.05USDC", "50000atomic", "1USDC"] {
            assert_eq!(text.parse::<MaxPrice>().unwrap().to_string(), text);
        }
        assert_eq!(MaxPrice::default().to_string(), "100000atomic");
    }

    #[test]
    fn people_read_token_units_where_the_token_is_known() {
        let usdc = token("USDC", 6);
        for (units, text) in [
            (1500u64, "0.0015 USDC"),
            (100_000, "0.10 USDC"),
            (12_345_678, "12.345678 USDC"),
            (3_000_000, "3.00 USDC"),
            (0, "0.00 USDC"),
        ] {
            assert_eq!(Amount::new(U256::from(units), Some(&usdc)).to_string(), text);
        }
        assert_eq!(Amount::new(U256::from(7), Some(&token("POINT", 0))).to_string(), "7 POINT");
        assert_eq!(Amount::new(U256::from(7), Some(&token("DIME", 1))).to_string(), "0.7 DIME");
        assert_eq!(Amount::new(U256::from(1500), None).to_string(), "1500 atomic units");
    }
}
