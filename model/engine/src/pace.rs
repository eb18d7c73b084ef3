//! Speed as seen on this machine, for predictions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Share of a new observation in the running mean: one part in this many.
const SMOOTHING: u64 = 4;
/// Fewest tokens of which an observation says something.
const MIN_TOKENS: u64 = 16;
/// Longest time per token that is believed.
const MAX_NANOS_PER_TOKEN: u64 = 1_000_000_000;

/// Speed of a summarizer in tokens per second, as seen on this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Speed {
    /// Tokens of a document read.
    pub read_per_second: f64,
    /// Tokens of a summary written; 0 where nothing is written.
    pub written_per_second: f64,
}

/// Running mean of the time per token.
pub struct Pace(AtomicU64);

impl Pace {
    /// Start from an assumed number of tokens per second.
    pub fn assumed(tokens_per_second: u32) -> Self {
        Self(AtomicU64::new(1_000_000_000 / u64::from(tokens_per_second.max(1))))
    }

    /// Forget the assumption: this is what was seen.
    pub fn calibrate(&self, tokens: usize, elapsed: Duration) {
        if let Some(nanos) = nanos_per_token(tokens, elapsed) {
            self.0.store(nanos, Ordering::Relaxed);
        }
    }

    /// Take one more observation into the mean.
    pub fn observe(&self, tokens: usize, elapsed: Duration) {
        if tokens as u64 >= MIN_TOKENS
            && let Some(nanos) = nanos_per_token(tokens, elapsed)
        {
            let before = self.0.load(Ordering::Relaxed);
            // A lost update between two threads loses one observation, nothing else.
            self.0.store((before * (SMOOTHING - 1) + nanos) / SMOOTHING, Ordering::Relaxed);
        }
    }

    /// Tokens per second.
    pub fn per_second(&self) -> f64 {
        1e9 / self.0.load(Ordering::Relaxed) as f64
    }

    /// Expected time for so many tokens.
    pub fn time(&self, tokens: u64) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed).saturating_mul(tokens))
    }
}

fn nanos_per_token(tokens: usize, elapsed: Duration) -> Option<u64> {
    let nanos = elapsed.as_nanos().checked_div(tokens as u128)?;
    Some(u64::try_from(nanos).unwrap_or(u64::MAX).clamp(1, MAX_NANOS_PER_TOKEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_follow_what_was_seen() {
        let pace = Pace::assumed(1000);
        assert_eq!(pace.time(500), Duration::from_millis(500));
        pace.calibrate(100, Duration::from_secs(1));
        assert_eq!(pace.time(100), Duration::from_secs(1));
        for _ in 0..64 {
            pace.observe(100, Duration::from_secs(2));
        }
        let predicted = pace.time(100);
        assert!(predicted > Duration::from_millis(1990) && predicted <= Duration::from_secs(2), "{predicted:?}");
    }

    #[test]
    fn nothing_read_is_no_observation() {
        let pace = Pace::assumed(10);
        pace.calibrate(0, Duration::from_secs(1));
        pace.observe(1, Duration::from_secs(100));
        assert_eq!(pace.time(10), Duration::from_secs(1));
        assert_eq!(pace.time(u64::MAX), Duration::from_nanos(u64::MAX));
    }
}
