//! A ledger's state of health, as its own calls find it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::error::LedgerError;
use crate::ledger::LedgerHealth;
use crate::seal::RowId;

/// Damaged rows that are told apart, count; further ones are not counted.
const MAX_DAMAGED: usize = 10_000;

#[derive(Default)]
pub(crate) struct Vitals(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    failing_since: Option<Instant>,
    damaged: BTreeSet<RowId>,
}

impl Vitals {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A change is stored.
    pub(crate) fn stored(&self) {
        self.seen().failing_since = None;
    }

    /// The storage failed or did not answer.
    pub(crate) fn failed(&self) {
        self.seen().failing_since.get_or_insert_with(Instant::now);
    }

    /// Takes note of what came of reading the row `row`, and passes it on.
    pub(crate) fn read<T, E>(&self, row: &RowId, outcome: Result<T, E>) -> Result<T, E>
    where
        E: AsDamage,
    {
        match &outcome {
            Ok(_) => self.forget(row),
            Err(error) if error.is_damage() => self.damaged(row),
            Err(_) => {}
        }
        outcome
    }

    /// The row `row` cannot be read.
    pub(crate) fn damaged(&self, row: &RowId) {
        let mut seen = self.seen();
        if seen.damaged.len() < MAX_DAMAGED {
            seen.damaged.insert(*row);
        }
    }

    /// The row `row` is sound, or gone for a good reason.
    pub(crate) fn forget(&self, row: &RowId) {
        self.seen().damaged.remove(row);
    }

    pub(crate) fn health(&self, format: u32) -> LedgerHealth {
        let seen = self.seen();
        LedgerHealth {
            writable: seen.failing_since.is_none(),
            damaged_rows: seen.damaged.len() as u64,
            failing_since: seen.failing_since,
            format,
        }
    }
}

/// Tells damage of one row from a failure of the whole storage.
pub(crate) trait AsDamage {
    fn is_damage(&self) -> bool;
}

impl AsDamage for LedgerError {
    fn is_damage(&self) -> bool {
        matches!(self, Self::Corrupt(_))
    }
}
