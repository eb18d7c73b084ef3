//! Starts the real programs on loopback and drives them as their users do.
//!
//! Guarantees: every process started here is ended when its guard is dropped; ports are chosen by the system; nothing waits
//! longer than its deadline; a missing program or model is a clear error, never a skipped test.

pub mod anvil;
pub mod audit;
pub mod chain;
pub mod cli;
pub mod gate;
pub mod http;
pub mod paths;
pub mod payer;
pub mod process;
pub mod proxy;
pub mod rpc_faults;
pub mod sockets;
pub mod source;
pub mod stack;
pub mod story;
pub mod tasks;
pub mod testbed;
