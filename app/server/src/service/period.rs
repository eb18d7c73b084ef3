//! The time in which a keyset may sign, and the parts of it: first it is simply in force, then a successor is due, then the
//! lack of one is a reason to take no payments.

use precis_protocol::keyset::Keyset;

/// A successor is made when half of the period is over.
const RENEWED_AFTER: (u64, u64) = (1, 2);
/// Where none has come by then, only what ends within the period is promised.
const OVERDUE_AFTER: (u64, u64) = (5, 8);
/// Seconds that a successor is given to come, however short the period.
const SHORTEST_WAIT_SECONDS: u64 = 15;
/// From then on nothing is promised.
const LATE_AFTER: (u64, u64) = (3, 4);

/// `notBefore` to `notAfter` of a keyset, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    not_before: u64,
    not_after: u64,
}

impl Period {
    /// Of a keyset.
    pub fn of(keyset: &Keyset) -> Self {
        Self { not_before: keyset.not_before, not_after: keyset.not_after }
    }

    /// Whether something may be signed at `now` (Unix seconds).
    pub fn contains(self, now: u64) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// Whether it is time for a successor.
    pub fn is_due(self, now: u64) -> bool {
        now < self.not_before || now >= self.after(RENEWED_AFTER)
    }

    /// Whether a successor should have been there long ago.
    pub fn is_late(self, now: u64) -> bool {
        now < self.not_before || now >= self.after(LATE_AFTER)
    }

    /// Whether work that is taken at `now` and ends within `seconds` can count on a keyset to sign its receipt: this one, or
    /// the successor while nothing speaks against its coming.
    pub fn may_promise(self, now: u64, seconds: u64) -> bool {
        let waited = self.after(RENEWED_AFTER).saturating_add(SHORTEST_WAIT_SECONDS);
        let overdue = self.after(OVERDUE_AFTER).max(waited);
        !self.is_late(now) && (now < overdue || now.saturating_add(seconds) <= self.not_after)
    }

    fn after(self, (part, whole): (u64, u64)) -> u64 {
        let seconds = self.not_after.saturating_sub(self.not_before);
        self.not_before.saturating_add(seconds / whole * part + seconds % whole * part / whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Period = Period { not_before: 10_000, not_after: 13_600 };

    #[test]
    fn a_successor_is_due_at_half_time_and_its_lack_is_told_before_the_last_quarter() {
        assert!(!HOUR.is_due(11_799) && HOUR.is_due(11_800));
        assert!(!HOUR.is_late(12_699) && HOUR.is_late(12_700));
        assert!(HOUR.contains(10_000) && HOUR.contains(13_600) && !HOUR.contains(13_601));
    }

    #[test]
    fn nothing_is_promised_that_a_keyset_without_successor_could_not_sign() {
        assert!(HOUR.may_promise(12_249, 3_600), "the successor is due for a short time only");
        assert!(HOUR.may_promise(12_250, 1_350));
        assert!(!HOUR.may_promise(12_250, 1_351));
        assert!(!HOUR.may_promise(12_700, 1));
    }

    #[test]
    fn a_clock_before_the_period_asks_for_another_keyset_and_promises_nothing() {
        assert!(HOUR.is_due(9_999) && HOUR.is_late(9_999) && !HOUR.may_promise(9_999, 1) && !HOUR.contains(9_999));
    }

    #[test]
    fn the_shortest_period_leaves_its_successor_a_quarter_of_it() {
        let minute = Period { not_before: 100, not_after: 160 };
        assert!(!minute.is_due(129) && minute.is_due(130));
        assert!(minute.may_promise(144, 180) && !minute.may_promise(145, 1));
    }
}
