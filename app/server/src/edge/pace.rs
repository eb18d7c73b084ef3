//! Progress, in bytes over a window of time.

use std::time::Duration;

use tokio::time::Instant;

/// The least progress that counts as one.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// How long it is looked at.
    pub window: Duration,
    /// Bytes in that time.
    pub bytes: usize,
}

/// Progress since the begin of the present window.
#[derive(Debug)]
pub struct Pace {
    floor: Floor,
    since: Instant,
    bytes: usize,
}

impl Pace {
    /// Begins to look.
    pub fn new(floor: Floor, now: Instant) -> Self {
        Self { floor, since: now, bytes: 0 }
    }

    /// So many bytes moved.
    pub fn moved(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// When to look again.
    pub fn end(&self) -> Instant {
        self.since + self.floor.window
    }

    /// Judges a window that has ended and begins the next one: true if too little moved in it.
    pub fn is_too_slow(&mut self, now: Instant) -> bool {
        if now < self.end() {
            return false;
        }
        let slow = self.bytes < self.floor.bytes;
        (self.since, self.bytes) = (now, 0);
        slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_byte_now_and_then_is_no_progress() {
        let floor = Floor { window: Duration::from_secs(5), bytes: 100 };
        let mut pace = Pace::new(floor, Instant::now());
        for second in 1..=5 {
            tokio::time::advance(Duration::from_secs(1)).await;
            pace.moved(1);
            assert_eq!(pace.is_too_slow(Instant::now()), second == 5);
        }
        // A window that was good is no credit for the next one.
        pace.moved(1_000_000);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(!pace.is_too_slow(Instant::now()));
        pace.moved(99);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(pace.is_too_slow(Instant::now()));
    }
}
