//! The command as people run it: what it prints, pays and keeps.
#![allow(clippy::unwrap_used, clippy::panic)]

mod command;
mod desk;
mod messages;
mod money;
mod network;
mod orders;
#[path = "../../client/tests/support/mod.rs"]
mod support;
