//! One block of activations.

/// Values in a block.
pub(crate) const BLOCK: usize = 32;

/// What one block is quantized to.
#[derive(Clone, Copy)]
pub(crate) struct Quantized {
    pub(crate) q: [i8; BLOCK],
    pub(crate) d: f32,
    /// Sums of the two halves of `q`.
    pub(crate) sums: [i32; 2],
}
