//! The one place that reads the clock. In an enclave it is the host's, so that nothing depends on it alone.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

static SOURCE: OnceLock<fn() -> u64> = OnceLock::new();

/// Unix seconds.
pub fn now() -> u64 {
    SOURCE.get().map_or_else(system, |source| source())
}

/// Unix seconds by the system; zero if that is before 1970.
pub fn system() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Reads another clock from now on. The first call counts.
pub(crate) fn set(source: fn() -> u64) {
    _ = SOURCE.set(source);
}
