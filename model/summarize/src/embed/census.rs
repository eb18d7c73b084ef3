//! Tokens by what they stand for, and whether a text can be read.

use std::ops::AddAssign;

use super::script;
use crate::error::{Error, Reason};

/// Counts of a tokenizer over a part of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    /// Tokens.
    pub(crate) tokens: usize,
    /// Those that stand for letters that the vocabulary does not have.
    pub(crate) unknown: usize,
    /// Those that stand for a space alone.
    pub(crate) blank: usize,
}

impl Census {
    /// Refuse a text of which more than half is in letters that the model never learnt: all its sentences would look alike.
    pub(crate) fn require_known(self, text: &str) -> Result<(), Error> {
        let known = self.tokens - self.blank - self.unknown;
        match self.unknown > known {
            true => Err(Error::NotSummarizable(Reason::UnknownScript(script::of(text)))),
            false => Ok(()),
        }
    }
}

impl AddAssign for Census {
    fn add_assign(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.unknown += other.unknown;
        self.blank += other.blank;
    }
}
