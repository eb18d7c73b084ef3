//! When to stop trying: after too many failures in a row, or when patience is at its end.

use std::time::{Duration, Instant};

use crate::options::Retry;
use crate::problem::MAX_RETRY_AFTER;

/// The tries of one purchase.
pub(crate) struct Tries {
    retry: Retry,
    began: Instant,
    /// Failures in a row.
    pub failed: u32,
    /// Looks at a refund in a row: each sends the document, so that they become rarer.
    refunds: u32,
}

impl Tries {
    pub(crate) fn new(retry: Retry) -> Self {
        Self { retry, began: Instant::now(), failed: 0, refunds: 0 }
    }

    /// The pause after a failure; none if that was the last try.
    pub(crate) fn after_failure(&mut self, named: Option<Duration>) -> Option<Duration> {
        self.failed = self.failed.saturating_add(1);
        if self.failed >= self.retry.attempts.max(1) { None } else { self.within(self.own(named)) }
    }

    /// The pause after word that the job goes on; none if patience is at its end.
    pub(crate) fn after_word(&mut self, named: Option<Duration>) -> Option<Duration> {
        self.failed = 0;
        self.within(self.own(named))
    }

    /// The pause after word that the payment is on its way back; none if patience is at its end.
    pub(crate) fn after_refunding(&mut self, named: Option<Duration>) -> Option<Duration> {
        self.failed = 0;
        self.refunds = self.refunds.saturating_add(1);
        let longer = self.retry.pause.saturating_mul(self.refunds).min(MAX_RETRY_AFTER);
        self.within(self.own(named).max(longer))
    }

    /// The pause after the payment was taken, which is no failure and no word on the job yet; none without patience.
    pub(crate) fn pause(&self, named: Option<Duration>) -> Option<Duration> {
        self.within(self.own(named))
    }

    fn own(&self, named: Option<Duration>) -> Duration {
        let own = self.retry.pause;
        named.map_or(own, |named| named.max(own / 2))
    }

    fn within(&self, pause: Duration) -> Option<Duration> {
        (self.began.elapsed().saturating_add(pause) < self.retry.patience).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn failures_in_a_row_are_counted_and_word_from_the_service_starts_anew() {
        let mut tries = Tries::new(Retry { attempts: 3, ..Retry::default() });
        for _ in 0..5 {
            assert_eq!(tries.after_failure(None), Some(2 * SECOND));
            assert_eq!(tries.after_failure(Some(5 * SECOND)), Some(5 * SECOND));
            assert_eq!(tries.after_word(Some(Duration::ZERO)), Some(SECOND), "no service makes this hammer it");
        }
        assert!(tries.after_failure(None).is_some() && tries.after_failure(None).is_some());
        assert_eq!(tries.after_failure(None), None);
    }

    #[test]
    fn patience_bounds_even_a_job_that_goes_on_for_ever() {
        let mut tries = Tries::new(Retry { patience: 10 * SECOND, ..Retry::default() });
        assert_eq!(tries.after_word(Some(9 * SECOND)), Some(9 * SECOND));
        assert_eq!(tries.after_word(Some(10 * SECOND)), None, "the pause would end after it");
        let mut tries = Tries::new(Retry { pause: Duration::ZERO, patience: Duration::ZERO, ..Retry::default() });
        assert_eq!(tries.after_word(None), None);
        assert_eq!(tries.after_failure(None), None);
        assert_eq!(tries.after_refunding(None), None);
    }

    #[test]
    fn a_refund_is_looked_for_ever_more_rarely() {
        let mut tries = Tries::new(Retry::default());
        let pauses: Vec<_> = (0..9).map_while(|_| tries.after_refunding(Some(2 * SECOND))).collect();
        assert_eq!(pauses.first(), Some(&(2 * SECOND)));
        assert_eq!(pauses.last(), Some(&MAX_RETRY_AFTER));
    }
}
