//! What must hold for every parser of bytes that somebody hostile wrote: one function for each parser, which takes any bytes and panics
//! if an invariant breaks. Besides "no panic": what parses encodes to what was parsed, no result is over its limit, forged evidence is
//! never VERIFIED, an encapsulated message opens whole or not at all.
//!
//! The same functions run twice: over the checked-in corpus with a bounded number of seeded mutations in every test run, and under
//! libFuzzer with coverage (`scripts/fuzz`). The corpus is written by `cargo run -p precis-fuzz --example seeds`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attestation;
mod bhttp;
#[cfg(feature = "documents")]
mod documents;
mod evidence_file;
mod extract;
pub mod honest;
mod keyset;
#[cfg(feature = "model")]
mod model;
pub mod mutate;
mod ohttp;
mod payment;
mod policy;
mod quote;
mod receipt;
mod register;
mod release;
pub mod script;
mod summary_request;

pub use attestation::attestation;
pub use bhttp::bhttp;
#[cfg(feature = "documents")]
pub use documents::documents;
pub use evidence_file::evidence_file;
pub use extract::extract;
pub use keyset::keyset;
#[cfg(feature = "model")]
pub use model::{gguf, packed, safetensors, segments};
pub use ohttp::ohttp;
pub use payment::payment;
pub use policy::policy;
pub use quote::quote;
pub use receipt::receipt;
pub use register::register;
pub use release::release;
pub use summary_request::summary_request;

/// A target: returns if the invariants hold, whatever the bytes.
pub type Target = fn(&[u8]);

/// Every target by the name of its corpus and of its libFuzzer program.
pub const TARGETS: &[(&str, Target)] = &[
    ("attestation", attestation),
    ("bhttp", bhttp),
    #[cfg(feature = "documents")]
    ("documents", documents),
    ("evidence_file", evidence_file),
    ("extract", extract),
    #[cfg(feature = "model")]
    ("gguf", gguf),
    ("keyset", keyset),
    ("ohttp", ohttp),
    #[cfg(feature = "model")]
    ("packed", packed),
    ("payment", payment),
    ("policy", policy),
    ("quote", quote),
    ("receipt", receipt),
    ("register", register),
    ("release", release),
    #[cfg(feature = "model")]
    ("safetensors", safetensors),
    #[cfg(feature = "model")]
    ("segments", segments),
    ("summary_request", summary_request),
];
