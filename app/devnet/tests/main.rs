//! The parts of the devnet, each beside what it stands for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod appd;
mod chain;
mod chain_faults;
mod contracts;
mod devnet;
mod oasis;
mod oasis_mock;
mod support;
