//! Settlement against a development chain: what the payer, the payee and the service see.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod chain;
mod faults;
mod local;
mod proxy;
mod remote;
mod world;
