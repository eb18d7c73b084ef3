//! Purchases from a service that keeps its word, and from one that does not.
#![allow(clippy::unwrap_used, clippy::panic)]

mod cuts;
mod failures;
mod index;
mod jobs;
mod offers;
mod purchase;
mod support;
