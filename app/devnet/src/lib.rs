//! Everything outside the enclave, on loopback, so that the service runs unchanged on a laptop.
//!
//! [`start`] brings up the payment chain with a token and a funded payer ([`chain`]) and the Oasis side ([`oasis`]), and
//! tells where everything is. Nothing here is secure or worth anything.

pub mod chain;
mod devnet;
mod env;
pub mod oasis;
mod settings;

pub use devnet::{Devnet, Options, Token, start};
