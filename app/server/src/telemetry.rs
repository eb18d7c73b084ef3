//! Logs: one JSON object a line on stdout, a fixed vocabulary of events with ids, sizes, durations and codes.
//!
//! The platform stores container logs unencrypted on the node, so no field ever holds document text, a header, a payment
//! or a key. Dependencies stay at `warn`.

use tracing_subscriber::EnvFilter;

/// Installs the subscriber; `RUST_LOG` narrows or widens it.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,precis_server=info"));
    tracing_subscriber::fmt().json().flatten_event(true).with_target(false).with_env_filter(filter).init();
}
