//! Lists of jobs, and the forgetting of old ones. A row that cannot be read is named and passed over; it never hides the others.

use std::ops::Bound::{Excluded, Unbounded};

use redb::ReadableTable;

use super::shared::Shared;
use super::storage::storage;
use super::tables::{
    FORGETTABLE, IDENTIFIERS, JOBS, RECORDS, RESULTS, UNFINISHED, count_of_payer, due_at, join, split, timed,
};
use crate::error::LedgerError;
use crate::ledger::{Cursor, EXPIRED_PER_CALL, Listing};
use crate::record::Record;
use crate::seal::RowId;

/// In place of the payer of a record that cannot be read.
const NO_PAYER: RowId = [0; 32];

impl Shared {
    pub(super) fn unfinished(&self) -> Result<Listing, LedgerError> {
        let transaction = self.begin_read()?;
        let unfinished = transaction.open_table(UNFINISHED).map_err(storage)?;
        let mut listing = Listing::default();
        for entry in unfinished.iter().map_err(storage)? {
            let key = entry.map(|(key, _)| *key.value()).map_err(storage)?;
            let (payer, row) = split(&key);
            let read = match self.read(&transaction, &row) {
                // It was damaged when it was to be forgotten, and somebody has mended it.
                Ok(Some(record)) if record.state.stage().is_final() && payer == NO_PAYER => continue,
                // An index that says other than the record was altered, or is not of the same moment.
                Ok(Some(record)) if record.state.stage().is_final() => {
                    Err(LedgerError::Corrupt("an unfinished job is final"))
                }
                Ok(None) => Err(LedgerError::Corrupt("an unfinished job is missing")),
                Ok(Some(record)) => Ok(record),
                Err(error) => Err(error),
            };
            self.list(&row, read, &mut listing)?;
        }
        Ok(listing)
    }

    pub(super) fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Listing, LedgerError> {
        // A page of none would say nothing of where to go on.
        let limit = limit.max(1);
        let transaction = self.begin_read()?;
        let records = transaction.open_table(RECORDS).map_err(storage)?;
        let results = transaction.open_table(RESULTS).map_err(storage)?;
        let from = after.as_ref().map_or(Unbounded, Excluded);
        let rows = records.range::<&[u8; 32]>((from, Unbounded)).map_err(storage)?.take(limit);
        let (mut listing, mut count) = (Listing::default(), 0);
        for row in rows {
            let row = row.map(|(row, _)| *row.value()).map_err(storage)?;
            let read = self.load(&records, &results, &row);
            let read = read.and_then(|found| found.ok_or(LedgerError::Corrupt("a record is missing")));
            self.list(&row, read, &mut listing)?;
            (count, listing.next) = (count + 1, Some(row));
        }
        listing.next = listing.next.filter(|_| count == limit);
        Ok(listing)
    }

    fn list(&self, row: &RowId, read: Result<Record, LedgerError>, into: &mut Listing) -> Result<(), LedgerError> {
        match self.vitals.read(row, read) {
            Ok(record) => into.records.push(record),
            Err(LedgerError::Corrupt(_)) => into.damaged.push(*row),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    pub(super) fn unsettled_of(&self, payer: &[u8; 20]) -> Result<u64, LedgerError> {
        let transaction = self.begin_read()?;
        let unfinished = transaction.open_table(UNFINISHED).map_err(storage)?;
        Ok(count_of_payer(&unfinished, &self.vault.payer_row(payer))?.0)
    }

    pub(super) fn expire(&self, before: u64) -> Result<u64, LedgerError> {
        let transaction = self.begin_write()?;
        let mut count = 0;
        {
            let mut forgettable = transaction.open_table(FORGETTABLE).map_err(storage)?;
            let mut records = transaction.open_table(RECORDS).map_err(storage)?;
            let mut results = transaction.open_table(RESULTS).map_err(storage)?;
            let mut jobs = transaction.open_table(JOBS).map_err(storage)?;
            let mut identifiers = transaction.open_table(IDENTIFIERS).map_err(storage)?;
            let mut unfinished = transaction.open_table(UNFINISHED).map_err(storage)?;
            let due = forgettable
                .range::<&[u8; 40]>(..&timed(before, &[0; 32]))
                .map_err(storage)?
                .take(EXPIRED_PER_CALL)
                .map(|entry| entry.map(|(key, names)| (*key.value(), *names.value())).map_err(storage))
                .collect::<Result<Vec<_>, _>>()?;
            for (key, names) in due {
                count += 1;
                let (_, row) =
                    key.split_last_chunk::<32>().ok_or(LedgerError::Corrupt("an index entry has another size"))?;
                forgettable.remove(&key).map_err(storage)?;
                let due = match self.load(&records, &results, row) {
                    Ok(found) => found.is_none_or(|record| due_at(&record).is_some_and(|time| time < before)),
                    Err(LedgerError::Corrupt(_)) => false,
                    Err(error) => return Err(error),
                };
                if !due {
                    // Nobody can tell what is owed for it, so that it stays until the operator has looked.
                    unfinished.insert(&join(&NO_PAYER, row), false).map_err(storage)?;
                    continue;
                }
                records.remove(row).map_err(storage)?;
                results.remove(row).map_err(storage)?;
                let (job_row, identifier_row) = split(&names);
                jobs.remove(&job_row).map_err(storage)?;
                identifiers.remove(&identifier_row).map_err(storage)?;
            }
        }
        transaction.commit().map_err(storage)?;
        Ok(count)
    }
}
