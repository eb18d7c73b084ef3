//! What stands between the matrix products: norms, activations, sums, rotary positions.
//!
//! Each operation is written once, over lanes, and compiled for each instruction set; no operation rounds differently
//! on one of them. They work on one row, so that callers spread rows over threads as they like.

mod argmax;
mod dispatch;
mod dots;
mod elementwise;
mod math;
mod norm;
mod rope;

pub(crate) use dispatch::by_isa;
pub(crate) use math::{exp_lane, fold};

pub use argmax::argmax;
pub use dots::dots;
pub use elementwise::{add, gelu, silu_mul};
pub use math::exp;
pub use norm::{layer_norm, rms_norm};
pub use rope::{Rope, Rotation};

#[cfg(test)]
mod tests;
