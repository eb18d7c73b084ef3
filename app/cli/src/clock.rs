//! The time.

use std::time::{SystemTime, UNIX_EPOCH};

/// The clock, in Unix seconds. Before 1970 it reads zero, which fails every check that has a date.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
