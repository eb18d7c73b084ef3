//! Encapsulated keys that were opened, for the life of the channel key (SPEC 4.3).
//!
//! A time window would have to trust the guest's clock, which the host controls; so nothing is ever forgotten, and a full table refuses. The
//! key is replaced long before: see [`crate::Gateway::opened`].

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Reason;

/// Encapsulated keys remembered, count: what a table of 2^20 places holds before it grows. At 9 bytes a place, 9.4 MB.
pub(crate) const MAX_REMEMBERED: usize = 900_000;

/// A keyed hash (SipHash) of an encapsulated key. A collision refuses a request; without the hash key nobody can look for one.
type Id = u64;

pub(crate) struct ReplaySet {
    seen: Mutex<HashSet<Id>>,
    hasher: RandomState,
    capacity: usize,
}

impl ReplaySet {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { seen: Mutex::new(HashSet::new()), hasher: RandomState::new(), capacity }
    }

    /// Cheap refusal before any cryptography.
    pub(crate) fn check(&self, encapsulated_key: &[u8]) -> Result<(), Reason> {
        self.admit(&self.lock(), self.id(encapsulated_key))
    }

    /// Remembers a key whose message was authentic. Of several copies that passed `check` at once, one wins here.
    pub(crate) fn remember(&self, encapsulated_key: &[u8]) -> Result<(), Reason> {
        let id = self.id(encapsulated_key);
        let mut seen = self.lock();
        self.admit(&seen, id)?;
        seen.insert(id);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    fn id(&self, encapsulated_key: &[u8]) -> Id {
        self.hasher.hash_one(encapsulated_key)
    }

    fn admit(&self, seen: &HashSet<Id>, id: Id) -> Result<(), Reason> {
        if seen.contains(&id) {
            Err(Reason::Replayed)
        } else if seen.len() >= self.capacity {
            Err(Reason::ReplayTableFull)
        } else {
            Ok(())
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Id>> {
        // No code can panic between the lock and its release in a way that leaves the set half changed.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_stays_within_its_bound_and_forgets_nothing() {
        let set = ReplaySet::new(MAX_REMEMBERED);
        for number in 0..MAX_REMEMBERED as u64 {
            assert_eq!(set.remember(&number.to_be_bytes()), Ok(()));
        }
        assert_eq!(set.remember(b"one more"), Err(Reason::ReplayTableFull));
        assert_eq!(set.check(&0_u64.to_be_bytes()), Err(Reason::Replayed));
        // 2^20 places at a load of seven eighths.
        assert!(set.lock().capacity() < 1 << 20);
    }
}
