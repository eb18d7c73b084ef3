//! The Precis wire contract: types, canonical bytes and digests shared by the service, its callers and its auditors.
//!
//! Everything here is pure: no clock, no network, no randomness. `SPEC.md` beside this crate is the text; the sections it
//! numbers are cited as `SPEC n.m`. Parsing is strict ([`strict`]) and bounded ([`limits`]).

pub mod answer;
pub mod attestation;
pub mod challenge;
pub mod digest;
pub mod embeddings;
pub mod encoding;
pub mod evidence_file;
pub mod headers;
pub mod job;
pub mod keyset;
pub mod limits;
pub mod price;
pub mod problem;
pub mod receipt;
pub mod release;
pub mod request;
pub mod rerank;
pub mod result;
pub mod service;
pub mod strict;
pub mod style;
pub mod summary;
pub mod tags;
pub mod task;

pub use digest::Digest;
pub use style::Style;
pub use summary::Mode;
pub use task::{PerTask, Task};
