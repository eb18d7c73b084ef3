//! Attestations and receipts, honest and forged, as the verifier judges them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod archive;
mod attestation;
mod bits;
mod common;
mod given;
mod on_chain;
mod platform;
mod receipts;
mod shown;
mod vectors;
