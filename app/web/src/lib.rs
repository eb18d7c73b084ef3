//! The verifier as one WebAssembly module: whoever cannot install `precis` can still check what a service says about itself.
//!
//! [`answer()`] is all the logic, one JSON request to one JSON answer. The exported functions pass bytes in and out of the module's
//! memory; `precis-verify.mjs` wraps them. The module imports nothing, hence can reach no clock, network or file.

mod abi;
mod answer;
#[cfg(target_family = "wasm")]
mod randomness;

pub use answer::{MAX_REQUEST_BYTES, answer};
