//! The guest's clock. The host controls it, so it only labels; blocks of the payment chain bound it from below.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix seconds; 0 for a clock before 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
