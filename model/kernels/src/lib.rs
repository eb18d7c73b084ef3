//! The inner loops of inference on the CPU: quantized products, attention with a paged cache, norms and activations.
//!
//! One definition of the arithmetic, lane by lane, in which every instruction set gives the same bits, whatever the
//! batch and however many threads: a summary can be made again on another machine. The scalar code is the definition;
//! the others are tested against it bit for bit.

mod activations;
mod attention;
mod half;
mod isa;
mod linear;
mod lines;
mod memory;
mod ops;
mod pool;
mod quant;

pub use activations::Activations;
pub use attention::{AttendScratch, KvLayer, PAGE, Run, SPLIT, attend, attend_full};
pub use isa::Isa;
pub use linear::{Linear, matmul};
pub use lines::Lines;
pub use ops::{Rope, Rotation, add, argmax, dots, exp, gelu, layer_norm, rms_norm, silu_mul};
pub use pool::Pool;
pub use quant::{Format, PackError};
