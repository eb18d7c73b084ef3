//! Amounts of a token as people read them.

use std::fmt;

use alloy_primitives::U256;

use crate::token::Token;

/// An amount of a token. With the token at hand it is written in token units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// Atomic units.
    pub units: U256,
    token: Option<Box<Token>>,
}

impl Amount {
    /// `units` of `token`, if that is known.
    #[must_use]
    pub fn new(units: U256, token: Option<&Token>) -> Self {
        Self { units, token: token.cloned().map(Box::new) }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Token { symbol, decimals }) = self.token.as_deref() else {
            return write!(f, "{} atomic units", self.units);
        };
        let width = usize::from(*decimals);
        let digits = format!("{:0>pad$}", self.units.to_string(), pad = width.saturating_add(1));
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(width));
        let fraction = fraction.trim_end_matches('0');
        // As money is written: two digits at least, where the token has them.
        let least = width.min(2);
        if width == 0 { write!(f, "{whole} {symbol}") } else { write!(f, "{whole}.{fraction:0<least$} {symbol}") }
    }
}
