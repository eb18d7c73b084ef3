//! Encapsulated keys that were opened, for the life of the channel key (SPEC 4.3).
//!
//! A time window would have to trust the guest's clock, which the host controls; so nothing is ever forgotten, and a full table refuses.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::error::Reason;

/// Encapsulated keys remembered, count. At 17 bytes and a load of one half, about 36 MB when full.
pub(crate) const MAX_REMEMBERED: usize = 1_000_000;

/// Bytes of SHA-256 kept per key: a collision refuses a request, and finding one takes 2^64 work.
const ID_BYTES: usize = 16;

type Id = [u8; ID_BYTES];

pub(crate) struct ReplaySet {
    seen: Mutex<HashSet<Id>>,
    capacity: usize,
}

impl ReplaySet {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { seen: Mutex::new(HashSet::new()), capacity }
    }

    /// Cheap refusal before any cryptography.
    pub(crate) fn check(&self, encapsulated_key: &[u8]) -> Result<(), Reason> {
        self.admit(&self.lock(), &id(encapsulated_key))
    }

    /// Remembers a key whose message was authentic. Of several copies that passed `check` at once, one wins here.
    pub(crate) fn remember(&self, encapsulated_key: &[u8]) -> Result<(), Reason> {
        let id = id(encapsulated_key);
        let mut seen = self.lock();
        self.admit(&seen, &id)?;
        seen.insert(id);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn admit(&self, seen: &HashSet<Id>, id: &Id) -> Result<(), Reason> {
        if seen.contains(id) {
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

fn id(encapsulated_key: &[u8]) -> Id {
    let mut id = [0; ID_BYTES];
    id.copy_from_slice(&Sha256::digest(encapsulated_key)[..ID_BYTES]);
    id
}
