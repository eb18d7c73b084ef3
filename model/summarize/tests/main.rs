//! The summarizers over real weights and ordinary documents.
#![allow(clippy::unwrap_used, clippy::panic)]

mod abstracts;
mod backends;
mod common;
mod hostile_documents;
mod kinds;
mod summaries;
