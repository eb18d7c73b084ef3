//! The tables and the transactions over them.
//!
//! Keys are blinded, values of `records` and `results` sealed. `jobs`, `identifiers`, `unfinished` and `forgettable` are indexes; what they lead to is
//! believed only if the record itself says so.

use redb::{Durability, ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};

use super::shared::Shared;
use super::storage::storage;
use crate::claim::{ClaimKey, JobId};
use crate::error::LedgerError;
use crate::ledger::{Claim, WATCHED_PER_UNSETTLED};
use crate::record::{Change, NewClaim, Record};
use crate::rows::{self, Tables};
use crate::seal::{RowId, Vault};

pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Claim row -> sealed record.
pub(super) const RECORDS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("records");
/// Claim row -> sealed result.
pub(super) const RESULTS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("results");
/// Job row -> claim row.
pub(super) const JOBS: TableDefinition<'_, &[u8; 32], &[u8; 32]> = TableDefinition::new("jobs");
/// Identifier row -> claim row.
pub(super) const IDENTIFIERS: TableDefinition<'_, &[u8; 32], &[u8; 32]> = TableDefinition::new("identifiers");
/// Payer row and claim row of every job that is not final -> whether it is unsettled.
pub(super) const UNFINISHED: TableDefinition<'_, &[u8; 64], bool> = TableDefinition::new("unfinished");
/// Time (u64, big-endian) and claim row of every final job -> job row and identifier row, zeros if it has none.
pub(super) const FORGETTABLE: TableDefinition<'_, &[u8; 40], &[u8; 64]> = TableDefinition::new("forgettable");

pub(super) const TABLES: Tables = Tables { records: "records", results: "results" };

type Rows<'txn> = Table<'txn, &'static [u8; 32], &'static [u8]>;

impl Shared {
    pub(super) fn claim(&self, new: NewClaim) -> Result<Claim, LedgerError> {
        let (key, limit, funds) = (new.authorization.claim_key(), new.max_unsettled, new.funds);
        let record = new.into_record()?;
        // Retries of a claim need not wait for the writer.
        if let Some(existing) = self.get(&key)? {
            return Ok(Claim::Existing(existing));
        }
        let row = self.vault.claim_row(&key);
        let transaction = self.begin_write()?;
        {
            let mut writer = Writer::new(&transaction, &self.vault)?;
            if let Some(existing) = self.load(&writer.records, &writer.results, &row)? {
                return Ok(Claim::Existing(existing));
            }
            let payer = self.vault.payer_row(&record.authorization.payer);
            let mut unfinished = transaction.open_table(UNFINISHED).map_err(storage)?;
            // The record was taken away, but what leads to it was not: that is no proof that there was no claim.
            if unfinished.get(&join(&payer, &row)).map_err(storage)?.is_some() {
                return self.vitals.read(&row, Err(LedgerError::Corrupt("a record is missing")));
            }
            if let Some(limit) = limit {
                let (unsettled, watched) = count_of_payer(&unfinished, &payer)?;
                if unsettled + watched / WATCHED_PER_UNSETTLED >= limit {
                    return Ok(Claim::TooManyUnsettled { unsettled });
                }
            }
            if let Some(funds) = funds {
                let rows = unsettled_rows(&unfinished, &payer)?;
                let mut reserved = 0_u128;
                for row in rows {
                    match self.load(&writer.records, &writer.results, &row) {
                        Ok(Some(other)) => reserved = reserved.saturating_add(other.reserves(&record.authorization)),
                        // Nobody can settle it, so it reserves nothing.
                        Ok(None) | Err(LedgerError::Corrupt(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
                if reserved.saturating_add(record.authorization.amount) > funds {
                    return Ok(Claim::FundsReserved { reserved });
                }
            }
            if let Some(identifier) = &record.identifier {
                let mut identifiers = transaction.open_table(IDENTIFIERS).map_err(storage)?;
                if identifiers.insert(&self.vault.identifier_row(identifier), &row).map_err(storage)?.is_some() {
                    return Ok(Claim::IdentifierTaken);
                }
            }
            let mut jobs = transaction.open_table(JOBS).map_err(storage)?;
            if jobs.insert(&self.vault.job_row(&record.job_id), &row).map_err(storage)?.is_some() {
                return Err(LedgerError::JobIdTaken);
            }
            unfinished.insert(&join(&payer, &row), record.state.stage().is_unsettled()).map_err(storage)?;
            writer.store(&row, &record, false)?;
        };
        transaction.commit().map_err(storage)?;
        Ok(Claim::Fresh(record))
    }

    pub(super) fn get(&self, key: &ClaimKey) -> Result<Option<Record>, LedgerError> {
        let transaction = self.begin_read()?;
        self.read(&transaction, &self.vault.claim_row(key))
    }

    pub(super) fn by_job_id(&self, id: &JobId) -> Result<Option<Record>, LedgerError> {
        let transaction = self.begin_read()?;
        let jobs = transaction.open_table(JOBS).map_err(storage)?;
        let Some(row) = jobs.get(&self.vault.job_row(id)).map_err(storage)? else {
            return Ok(None);
        };
        match self.read(&transaction, row.value())? {
            Some(record) if record.job_id == *id => Ok(Some(record)),
            _ => Err(LedgerError::Corrupt("a job id leads to another job")),
        }
    }

    pub(super) fn by_identifier(&self, identifier: &[u8; 32]) -> Result<Option<Record>, LedgerError> {
        let transaction = self.begin_read()?;
        let identifiers = transaction.open_table(IDENTIFIERS).map_err(storage)?;
        let Some(row) = identifiers.get(&self.vault.identifier_row(identifier)).map_err(storage)? else {
            return Ok(None);
        };
        match self.read(&transaction, row.value())? {
            Some(record) if record.identifier == Some(*identifier) => Ok(Some(record)),
            _ => Err(LedgerError::Corrupt("an identifier leads to another job")),
        }
    }

    pub(super) fn change(&self, key: &ClaimKey, expected: u64, change: Change) -> Result<Record, LedgerError> {
        let row = self.vault.claim_row(key);
        let transaction = self.begin_write()?;
        let record = {
            let mut writer = Writer::new(&transaction, &self.vault)?;
            let mut record = self.load(&writer.records, &writer.results, &row)?.ok_or(LedgerError::NotFound)?;
            let new_result = change.result.is_some();
            let before = record.state.stage();
            record.apply(expected, change)?;
            writer.store(&row, &record, new_result)?;
            let after = record.state.stage();
            if after.is_final() || after.is_unsettled() != before.is_unsettled() {
                self.reindex(&transaction, &row, &record)?;
            }
            record
        };
        transaction.commit().map_err(storage)?;
        Ok(record)
    }

    fn reindex(&self, transaction: &WriteTransaction, row: &RowId, record: &Record) -> Result<(), LedgerError> {
        let entry = join(&self.vault.payer_row(&record.authorization.payer), row);
        let mut unfinished = transaction.open_table(UNFINISHED).map_err(storage)?;
        let stage = record.state.stage();
        if !stage.is_final() {
            unfinished.insert(&entry, stage.is_unsettled()).map_err(storage)?;
            return Ok(());
        }
        unfinished.remove(&entry).map_err(storage)?;
        let from = due_at(record).unwrap_or(u64::MAX);
        let identifier = record.identifier.map_or([0; 32], |identifier| self.vault.identifier_row(&identifier));
        let names = join(&self.vault.job_row(&record.job_id), &identifier);
        transaction.open_table(FORGETTABLE).map_err(storage)?.insert(&timed(from, row), &names).map_err(storage)?;
        Ok(())
    }

    pub(super) fn begin_read(&self) -> Result<ReadTransaction, LedgerError> {
        self.slot.with(|database| database.begin_read().map_err(storage))
    }

    /// A transaction that is on disk when its commit returns. Dropped without a commit, it changes nothing.
    pub(super) fn begin_write(&self) -> Result<WriteTransaction, LedgerError> {
        let mut transaction = self.slot.with(|database| database.begin_write().map_err(storage))?;
        transaction.set_durability(Durability::Immediate).map_err(storage)?;
        Ok(transaction)
    }

    pub(super) fn read(&self, transaction: &ReadTransaction, row: &RowId) -> Result<Option<Record>, LedgerError> {
        let records = transaction.open_table(RECORDS).map_err(storage)?;
        let results = transaction.open_table(RESULTS).map_err(storage)?;
        self.load(&records, &results, row)
    }

    pub(super) fn load(
        &self,
        records: &impl ReadableTable<&'static [u8; 32], &'static [u8]>,
        results: &impl ReadableTable<&'static [u8; 32], &'static [u8]>,
        row: &RowId,
    ) -> Result<Option<Record>, LedgerError> {
        self.vitals.read(row, load(records, results, &self.vault, row))
    }
}

struct Writer<'txn> {
    records: Rows<'txn>,
    results: Rows<'txn>,
    vault: &'txn Vault,
}

impl<'txn> Writer<'txn> {
    fn new(transaction: &'txn WriteTransaction, vault: &'txn Vault) -> Result<Self, LedgerError> {
        Ok(Self {
            records: transaction.open_table(RECORDS).map_err(storage)?,
            results: transaction.open_table(RESULTS).map_err(storage)?,
            vault,
        })
    }

    fn store(&mut self, row: &RowId, record: &Record, new_result: bool) -> Result<(), LedgerError> {
        let sealed = rows::seal(self.vault, &TABLES, row, record, new_result)?;
        if let Some(result) = sealed.result {
            self.results.insert(row, &result[..]).map_err(storage)?;
        }
        self.records.insert(row, &sealed.record[..]).map_err(storage)?;
        Ok(())
    }
}

fn load(
    records: &impl ReadableTable<&'static [u8; 32], &'static [u8]>,
    results: &impl ReadableTable<&'static [u8; 32], &'static [u8]>,
    vault: &Vault,
    row: &RowId,
) -> Result<Option<Record>, LedgerError> {
    let Some(sealed) = records.get(row).map_err(storage)? else {
        return Ok(None);
    };
    let result = || Ok(results.get(row).map_err(storage)?.map(|sealed| sealed.value().to_vec()));
    rows::open(vault, &TABLES, row, sealed.value(), result).map(Some)
}

/// Jobs of a payer that are unsettled, and others that are not final.
pub(super) fn count_of_payer(
    unfinished: &impl ReadableTable<&'static [u8; 64], bool>,
    payer: &RowId,
) -> Result<(u64, u64), LedgerError> {
    let range = unfinished.range::<&[u8; 64]>(&join(payer, &[0; 32])..=&join(payer, &[0xff; 32])).map_err(storage)?;
    let (mut unsettled, mut watched) = (0, 0);
    for entry in range {
        if entry.map_err(storage)?.1.value() {
            unsettled += 1;
        } else {
            watched += 1;
        }
    }
    Ok((unsettled, watched))
}

/// Rows of a payer's jobs that are unsettled.
fn unsettled_rows(
    unfinished: &impl ReadableTable<&'static [u8; 64], bool>,
    payer: &RowId,
) -> Result<Vec<RowId>, LedgerError> {
    let range = unfinished.range::<&[u8; 64]>(&join(payer, &[0; 32])..=&join(payer, &[0xff; 32])).map_err(storage)?;
    let mut rows = Vec::new();
    for entry in range {
        let (key, unsettled) = entry.map_err(storage)?;
        if unsettled.value() {
            let mut row = [0; 32];
            row.copy_from_slice(&key.value()[32..]);
            rows.push(row);
        }
    }
    Ok(rows)
}

pub(super) fn join(first: &RowId, second: &RowId) -> [u8; 64] {
    let mut key = [0; 64];
    key[..32].copy_from_slice(first);
    key[32..].copy_from_slice(second);
    key
}

pub(super) fn split(joined: &[u8; 64]) -> (RowId, RowId) {
    let (mut first, mut second) = ([0; 32], [0; 32]);
    first.copy_from_slice(&joined[..32]);
    second.copy_from_slice(&joined[32..]);
    (first, second)
}

pub(super) fn timed(time: u64, row: &RowId) -> [u8; 40] {
    let mut key = [0; 40];
    key[..8].copy_from_slice(&time.to_be_bytes());
    key[8..].copy_from_slice(row);
    key
}

/// When a job may be forgotten, Unix seconds; none until it is final. Until its authorization is void, forgetting it would let it be claimed anew.
pub(super) fn due_at(record: &Record) -> Option<u64> {
    let final_stage = record.state.stage().is_final();
    final_stage.then(|| record.updated_at.max(record.authorization.valid_before))
}
