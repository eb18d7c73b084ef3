//! Blocks.

use alloy_primitives::B256;

/// A block, as a lower bound on time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Unix seconds.
    pub timestamp: u64,
}
