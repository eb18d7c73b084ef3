//! A rate limit for payers whose documents cannot be summarized: such a job costs the service the work, and a refund where it
//! was paid first. After a few within an hour a payer waits with that task (SPEC 6.14). Known to this process alone, and
//! bounded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use alloy_primitives::Address;
use precis_protocol::Task;

/// Such jobs of one payer after which it waits, count.
const MOST: usize = 3;
/// Time in which they count, seconds.
const WINDOW_SECONDS: u64 = 60 * 60;
/// Payers that are remembered, count; above it the one whose last such job is the longest ago is forgotten.
const MOST_PAYERS: usize = 4096;

/// Times of the latest jobs without a result, by payer and task.
#[derive(Default)]
pub struct Unsold(Mutex<BTreeMap<(Address, Task), VecDeque<u64>>>);

impl Unsold {
    /// A job of this payer had no result at `now`, Unix seconds.
    pub(crate) fn note(&self, payer: Address, task: Task, now: u64) {
        let mut payers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = payers.entry((payer, task)).or_default();
        latest.push_back(now);
        if latest.len() > MOST {
            latest.pop_front();
        }
        if payers.len() > MOST_PAYERS {
            payers.retain(|_, latest| latest.back().is_some_and(|last| now.saturating_sub(*last) < WINDOW_SECONDS));
        }
        if payers.len() > MOST_PAYERS
            && let Some(oldest) =
                payers.iter().min_by_key(|(_, latest)| latest.back().copied()).map(|(payer, _)| *payer)
        {
            payers.remove(&oldest);
        }
    }

    /// Seconds that this payer waits before it may order the task again; none if it may at `now`.
    pub(crate) fn wait(&self, payer: Address, task: Task, now: u64) -> Option<u64> {
        let payers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = payers.get(&(payer, task)).filter(|latest| latest.len() >= MOST)?;
        let free_at = latest.front()?.saturating_add(WINDOW_SECONDS);
        free_at.checked_sub(now).filter(|seconds| *seconds > 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const WRITTEN: Task = Task::SummaryAbstractive;
    const NOW: u64 = 1_700_000_000;

    #[test]
    fn a_payer_waits_after_three_within_an_hour_until_the_first_of_them_is_an_hour_ago() {
        let (unsold, payer) = (Unsold::default(), Address::repeat_byte(1));
        for later in [0, 100, 200] {
            assert_eq!(unsold.wait(payer, WRITTEN, NOW + later), None);
            unsold.note(payer, WRITTEN, NOW + later);
        }
        assert_eq!(unsold.wait(payer, WRITTEN, NOW + 300), Some(3300));
        assert_eq!(unsold.wait(Address::repeat_byte(2), WRITTEN, NOW + 300), None, "another payer");
        assert_eq!(unsold.wait(payer, Task::SummaryExtractive, NOW + 300), None, "another task");
        assert_eq!(unsold.wait(payer, WRITTEN, NOW + 3599), Some(1));
        assert_eq!(unsold.wait(payer, WRITTEN, NOW + 3600), None);
        unsold.note(payer, WRITTEN, NOW + 3600);
        assert_eq!(unsold.wait(payer, WRITTEN, NOW + 3600), Some(100), "the last three count");
    }

    #[test]
    fn payers_are_forgotten_so_that_a_crowd_takes_no_memory() {
        let unsold = Unsold::default();
        let payer = |number: usize| Address::left_padding_from(&number.to_be_bytes());
        for number in 0..MOST_PAYERS + 100 {
            (0..MOST).for_each(|_| unsold.note(payer(number), WRITTEN, NOW + number as u64 / 10));
        }
        assert_eq!(unsold.0.lock().unwrap().len(), MOST_PAYERS);
        assert_eq!(unsold.wait(payer(0), WRITTEN, NOW + 500), None, "forgotten");
        assert!(unsold.wait(payer(MOST_PAYERS + 99), WRITTEN, NOW + 500).is_some());
        unsold.note(Address::ZERO, WRITTEN, NOW + 2 * WINDOW_SECONDS);
        assert_eq!(unsold.0.lock().unwrap().len(), 1, "what counts no more is forgotten first");
    }
}
