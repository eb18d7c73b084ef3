//! Who works on which job. In memory: the file has one process at a time, so that with it every hold is gone.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::claim::ClaimKey;
use crate::ledger::{Hold, Holder, MAX_HOLD};

/// Entries are dropped on release; those of holders that never release are swept when there are this many.
const SWEEP_AT: usize = 1_024;

#[derive(Default)]
pub(super) struct Holds(Mutex<HashMap<ClaimKey, (Holder, Instant)>>);

impl Holds {
    pub(super) fn hold(&self, key: &ClaimKey, holder: &Holder, time: Duration) -> Hold {
        let mut holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match holds.get(key) {
            Some((other, until)) if other != holder && *until > now => Hold::Theirs,
            _ => {
                if holds.len() >= SWEEP_AT {
                    holds.retain(|_, (_, until)| *until > now);
                }
                holds.insert(*key, (*holder, now + time.min(MAX_HOLD)));
                Hold::Ours
            }
        }
    }

    pub(super) fn release(&self, key: &ClaimKey, holder: &Holder) {
        let mut holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if holds.get(key).is_some_and(|(held_by, _)| held_by == holder) {
            holds.remove(key);
        }
    }
}
