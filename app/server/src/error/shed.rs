//! Counts what is refused for want of a place: a flood is one line of the log now and then, not one for each of it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Pause between two lines.
const PAUSE: Duration = Duration::from_secs(10);

static SHED: Mutex<Shed> = Mutex::new(Shed { requests: 0, told: None });

struct Shed {
    requests: u64,
    told: Option<Instant>,
}

impl Shed {
    /// One more; how many to tell of, if it is time.
    fn one_more(&mut self, now: Instant) -> Option<u64> {
        self.requests += 1;
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < PAUSE) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.requests))
    }
}

/// One more request was refused for want of a place.
pub(super) fn one_more() {
    let due = SHED.lock().unwrap_or_else(PoisonError::into_inner).one_more(Instant::now());
    if let Some(requests) = due {
        tracing::warn!(event = "edge.shed", requests);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_one_line_now_and_then() {
        let mut shed = Shed { requests: 0, told: None };
        assert_eq!(shed.one_more(Instant::now()), Some(1));
        assert!((0..1000).all(|_| shed.one_more(Instant::now()).is_none()));
        tokio::time::advance(PAUSE).await;
        assert_eq!(shed.one_more(Instant::now()), Some(1001));
    }
}
