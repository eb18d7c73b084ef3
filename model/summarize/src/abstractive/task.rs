//! Tasks of the language model.

use crate::decode::Bounds;

/// No run of so many tokens is written twice: about eight words, longer than most names and terms.
pub(super) const NO_REPEAT_TOKENS: usize = 10;

/// The order about every part of a text.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    /// The instruction after it.
    pub(super) instruction: &'a str,
    /// Most tokens written.
    pub(super) cap: usize,
    /// Sentences and words.
    pub(super) bounds: Bounds,
}

/// The order about one text.
pub(super) struct Task<'a> {
    /// The text.
    pub(super) document: &'a [u32],
    /// The instruction after it.
    pub(super) instruction: &'a str,
    /// Most tokens written.
    pub(super) cap: usize,
    /// Sentences and words.
    pub(super) bounds: Bounds,
}
