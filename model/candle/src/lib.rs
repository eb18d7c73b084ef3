//! Language models that candle computes, behind the interface of the project's own engine.
//!
//! A [`Candle`] is a [`Backend`](precis_engine::Backend) for the quantized architectures that `candle-transformers` computes
//! right, on the CPU or, built with the feature `cuda`, on a GPU. It is the way to families that the own engine does not
//! know. On a CPU it is slower, and it gives less:
//!
//! - One request runs at a time. The next is the least served payer's.
//! - The text depends on the kind of processor: candle sums in another order where other instructions are at hand.
//! - Keys and values are freed without being wiped, and those of the last request stay until the next one begins.
//! - A file with metadata that candle passes over is refused: it would not fail, it would write nonsense ([`family`]).
//!
//! A GPU holds the document in memory that the attestation of the machine does not cover.
//!
//! ```text
//! lib.rs       front page            family.rs   architectures, and what each respects
//! model.rs     a file on a device    pieces.rs   the pieces in which a prompt is read
//! backend.rs   the thread that serves, one request at a time
//! ```

mod backend;
mod family;
mod model;
mod pieces;

pub use backend::Candle;
pub use model::{Device, plain};
