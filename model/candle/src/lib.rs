//! Language models that candle computes, behind the interface of the project's own engine.
//!
//! A [`Candle`] is a [`Backend`](precis_engine::Backend) for every quantized architecture that `candle-transformers` reads
//! from a GGUF file, on the CPU or, built with the feature `cuda`, on a GPU. It is the way to models that the own engine does
//! not know. On a CPU it is slower, and it gives less:
//!
//! - One request runs at a time; the least served payer's is next.
//! - The text depends on the kind of processor: candle sums in another order where other instructions are at hand.
//! - Keys and values of the last request stay in memory until the next one begins, and are not wiped.
//! - What candle ignores in a file would write nonsense, so a file with metadata that is not known to be respected is
//!   refused ([`family`]).
//!
//! ```text
//! lib.rs       front page            family.rs   architectures, and what of a file each respects
//! model.rs     a file on a device    pieces.rs   the pieces in which a prompt is read
//! backend.rs   the thread that serves, one request at a time
//! ```

mod backend;
mod family;
mod model;
mod pieces;

pub use backend::Candle;
pub use model::{Device, plain};
