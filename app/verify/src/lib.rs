//! The verifier an auditor trusts: evidence, policy and time in, a transcript of checks out (SPEC 7, 8, 9).
//!
//! Pure: no clock, network, file, environment or randomness. Every input that decides is an argument, so equal inputs give equal
//! transcripts, and the crate can run wherever Rust runs.
//!
//! [`verify`] appraises an attestation; only a VERIFIED one yields a [`VerifiedService`]. [`check_receipt`] judges what such a
//! service signed; [`verify_receipt_file`] judges a saved receipt with the evidence inside it.
//!
//! What a VERIFIED transcript does not prove: that the machine stands in a safe place (physical attacks on memory are out of
//! scope of the hardware), that a summary is right, or that the chain still accepts the registration, unless the epoch was given.

mod app_state;
mod appraise;
mod asked;
mod cbor;
mod challenge;
pub mod check;
pub mod ear;
mod evidence;
mod evidence_file;
mod exchange;
mod given;
mod online;
pub mod policy;
mod presented;
pub mod quote;
pub mod receipt;
mod receipt_chain;
mod receipt_file;
pub mod register;
pub mod release;
mod service;
mod settlement;
pub mod text;
pub mod time;
pub mod transcript;

pub use app_state::{Account, AppState, Instance, Registered};
pub use appraise::{
    Appraisal, UnreadableEvidence, enclave_identity_of, instance_of, quote_of, verify, verify_archived, verify_with,
};
pub use cbor::CborError;
pub use challenge::MAX_BLOCK_AGE_SECONDS;
pub use evidence_file::verify_evidence_file;
pub use exchange::{Body, Exchange, ExpectedPayment};
pub use online::{ChainBlock, Online};
pub use policy::{AppId, Policy, PolicyError};
pub use presented::Presented;
pub use receipt::check_receipt;
pub use receipt_chain::check_receipt_chain;
pub use receipt_file::{Beside, ReceiptAppraisal, verify_receipt_file};
pub use service::{Facts, VerifiedService};
pub use settlement::{Log, Mined, OnChain, refund_named};
pub use time::CLOCK_TOLERANCE_SECONDS;
pub use transcript::{Transcript, Verdict};
