//! The command as people run it: what it prints, pays and keeps.
#![allow(clippy::unwrap_used, clippy::panic)]

mod batches;
mod command;
mod desk;
mod links;
mod messages;
mod money;
mod network;
mod orders;
#[path = "../../client/tests/support/mod.rs"]
mod support;
