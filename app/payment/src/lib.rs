//! x402 version 2 payments with the scheme `exact` and EIP-3009 authorizations (SPEC 6).
//!
//! Without features this crate is pure: wire types, their headers, the offline verification of a payment and the
//! signing of one, signed offers and receipts. Time and randomness are arguments. The feature `settle` adds what moves
//! money: a view of the chain, an in-process facilitator with its own wallet and a client for a remote facilitator.
//!
//! Guarantees: everything read from the network is bounded before it is decoded; amounts are integers; an
//! [`exact::Authorized`] exists only for a payload that was checked against the *server's own* requirements; no error
//! repeats what the other side sent.

pub mod authorize;
mod decimal;
pub mod exact;
pub mod money;
pub mod network;
pub mod offer;
pub mod usdc;
pub mod wire;

#[cfg(feature = "settle")]
mod account;
#[cfg(feature = "settle")]
pub mod chain;
#[cfg(feature = "settle")]
mod conclude;
#[cfg(feature = "settle")]
pub mod facilitator;
#[cfg(feature = "settle")]
pub mod http;
#[cfg(feature = "settle")]
pub mod local;
#[cfg(feature = "settle")]
pub mod own;
#[cfg(feature = "settle")]
pub mod remote;

pub use money::AtomicUnits;
pub use network::Network;
