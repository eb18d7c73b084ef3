//! What was seen of a chain and is remembered for a while: the newest block, times of old ones, judgements. Shared by every
//! view of one chain, and bounded.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy_primitives::B256;
use tokio::time::Instant;

use super::{
    rpc::RpcError,
    verdict::{Diagnosis, Reconciled},
};

/// How long the newest block that was seen forbids to judge at an older one: longer than backends lag, and than a
/// reorganization takes to reach its height again.
const NEWEST_MEMORY: Duration = Duration::from_secs(120);
/// Blocks whose times are remembered.
const MAX_TIMES: usize = 512;
/// Judgements that are remembered.
const MAX_REMEMBERED: usize = 1_024;
/// How long it is remembered that an authorization ended without paying us.
const ENDED_MEMORY: Duration = Duration::from_secs(60);
/// How long it is remembered that the node could not tell: half as long as callers are told to wait.
const UNKNOWN_MEMORY: Duration = Duration::from_secs(1);

/// The newest block that was seen, and when. Shared by every view of one chain.
#[derive(Clone, Default)]
pub(super) struct Newest(Arc<Mutex<Option<(u64, Instant)>>>);

impl Newest {
    /// Notes a block that a node showed as part of its chain; whether it is not behind what was seen before.
    pub fn note(&self, number: u64) -> bool {
        let now = Instant::now();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted =
            seen.is_none_or(|(newest, at)| number >= newest || now.saturating_duration_since(at) >= NEWEST_MEMORY);
        if admitted {
            *seen = Some((number, now));
        }
        admitted
    }
}

/// Times of old blocks, by number. Shared by every view of one chain.
#[derive(Clone, Default)]
pub(super) struct Times(Arc<Mutex<BTreeMap<u64, u64>>>);

impl Times {
    /// The narrowest remembered bracket of `end` below `high`: blocks and times just before it, and at or after it.
    pub(super) fn bracket(&self, end: u64, high: (u64, u64)) -> (Option<(u64, u64)>, (u64, u64)) {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = |(number, time): (&u64, &u64)| (*number, *time);
        // Times never decrease with numbers.
        let above = times.iter().map(pair).find(|(number, time)| *time >= end && *number < high.0).unwrap_or(high);
        let low = times.iter().rev().map(pair).find(|(number, time)| *time < end && *number < above.0);
        (low, above)
    }

    pub(super) fn remember(&self, number: u64, time: u64) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if times.len() >= MAX_TIMES {
            times.clear();
        }
        times.insert(number, time);
    }
}

/// What was found out shortly before about payments that nobody has claimed. Bounded; shared by every view of one chain.
#[derive(Clone, Default)]
pub(super) struct Remembered(Arc<Mutex<HashMap<B256, (Diagnosis, Instant)>>>);

impl Remembered {
    pub(super) fn get(&self, key: &B256) -> Option<Diagnosis> {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(key).filter(|(_, until)| Instant::now() < *until).map(|(diagnosis, _)| *diagnosis)
    }

    pub(super) fn put(&self, key: B256, diagnosis: Diagnosis) {
        let Some(memory) = memory(diagnosis) else { return };
        let now = Instant::now();
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.retain(|_, (_, until)| now < *until);
        }
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(key, (diagnosis, now + memory));
    }
}

/// How long the same question gets the same answer, at whatever time it is asked: a payment counts only for a while.
const fn memory(diagnosis: Diagnosis) -> Option<Duration> {
    match diagnosis {
        Diagnosis::Ended(Reconciled::SpentElsewhere(_) | Reconciled::Cancelled(_) | Reconciled::Expired(_)) => {
            Some(ENDED_MEMORY)
        }
        Diagnosis::Ended(Reconciled::Unknown(RpcError::NotIndexed | RpcError::HistoryTooLong)) => Some(UNKNOWN_MEMORY),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U256;

    use super::*;
    use crate::exact::Invalid;

    #[tokio::test(start_paused = true)]
    async fn a_head_below_the_newest_block_counts_only_after_that_was_not_seen_again_for_long() {
        let newest = Newest::default();
        assert!(newest.note(10) && newest.note(10) && newest.note(12));
        assert!(!newest.note(11));
        tokio::time::advance(NEWEST_MEMORY - Duration::from_secs(1)).await;
        assert!(!newest.note(11) && newest.note(12), "seen again");
        tokio::time::advance(NEWEST_MEMORY - Duration::from_secs(1)).await;
        assert!(!newest.note(11));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(newest.note(11) && newest.note(11), "the chain is shorter now");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded_and_forgotten_in_time() {
        let (remembered, unknown) =
            (Remembered::default(), Diagnosis::Ended(Reconciled::Unknown(RpcError::NotIndexed)));
        let name = |number: usize| B256::from(U256::from(number));
        remembered.put(name(1), unknown);
        assert_eq!(remembered.get(&name(1)), Some(unknown));
        tokio::time::advance(UNKNOWN_MEMORY).await;
        assert_eq!(remembered.get(&name(1)), None, "the node is asked again");
        remembered.put(name(2), Diagnosis::Refused(Invalid::InsufficientFunds));
        assert_eq!(remembered.get(&name(2)), None, "it may have changed");
        (0..3 * MAX_REMEMBERED).for_each(|number| remembered.put(name(number), unknown));
        assert!(remembered.0.lock().is_ok_and(|kept| kept.len() <= MAX_REMEMBERED));
    }

    #[test]
    fn what_is_remembered_narrows_the_bracket_and_is_bounded() {
        let times = Times::default();
        assert_eq!(times.bracket(50, (100, 100)), (None, (100, 100)));
        (0..10).for_each(|number| times.remember(number * 10, number * 10));
        assert_eq!(times.bracket(55, (100, 100)), (Some((50, 50)), (60, 60)));
        assert_eq!(times.bracket(95, (100, 100)), (Some((90, 90)), (100, 100)));
        (0..2 * MAX_TIMES as u64).for_each(|number| times.remember(number, number));
        assert!(times.0.lock().map_or(0, |times| times.len()) <= MAX_TIMES);
    }
}
