//! What only an online source can tell, as an argument: whether anybody was asked, and what they said.
//!
//! Guarantee: a source that was asked and gave no answer leaves its check required and not evaluated; silence never passes.

use alloy_primitives::B256;

/// The answer of an online source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Online<'a, T> {
    /// Nobody was asked: the check is not evaluated and not required.
    #[default]
    NotAsked,
    /// Somebody was asked and did not answer, with the reason: the check is not evaluated, and required.
    Unanswered(&'a str),
    /// The answer.
    Known(T),
}

/// A block as a node of the chain tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainBlock {
    /// Hash.
    pub hash: B256,
    /// Unix seconds.
    pub timestamp: u64,
}
