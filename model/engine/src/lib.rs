//! A runtime for language models, with no knowledge of summaries.
//!
//! A model is one GGUF file: [`Gguf`] reads it, [`Transformer`] packs its matrices, [`tokenizer`] its vocabulary, and an
//! [`Engine`] writes for many callers at once, on the CPU; whatever does the same is a [`Backend`]. Decoding is greedy. The
//! text that a request gets from the engine depends on its own tokens and rules alone: not on the rest of the batch, the
//! number of threads, the instruction set or guesses.
//!
//! A file may be hostile even where its digest is pinned: every length in it is checked before memory is taken for it.
//! Text of a request occurs in no error and in no `Debug` output.

mod backend;
mod chat;
mod control;
mod engine;
mod error;
pub mod fuzzing;
mod gguf;
mod half;
mod pace;
mod payer;
mod repeat;
mod request;
mod rules;
mod speeds;
pub mod synthetic;
pub mod testing;
mod threads;
pub mod tokenizer;

pub use backend::{Answer, Backend, together};
pub use chat::{Chat, Frame, Thinking};
pub use control::{Canceller, Control};
pub use engine::{Clocks, Drafts, Engine, Rig, Settings, Transformer};
pub use error::{Error, LoadError};
pub use gguf::Gguf;
pub use pace::{Pace, Speed};
pub use payer::Payer;
pub use precis_kernels::Isa;
pub use repeat::NoRepeat;
pub use request::Request;
pub use rules::{Choice, Rules, Written};
pub use speeds::Speeds;
pub use threads::Threads;
