//! Settlement against a development chain: what the payer, the payee and the service see.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod accounts;
mod chain;
mod changed;
mod faults;
mod gas;
mod lag;
mod local;
mod nodes;
mod nonces;
mod own;
mod proxy;
mod remote;
mod reorg;
mod rivals;
mod world;
