//! The tables and the transactions over them.
//!
//! Keys are blinded, values of `records` and `results` sealed. `jobs`, `unfinished` and `forgettable` are indexes; what they lead to is believed only if the record
//! itself says so.

use redb::{Durability, ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};

use super::{Shared, storage};
use crate::claim::{ClaimKey, JobId};
use crate::codec::{decode_record, decode_result, encode_record, encode_result, result_digest};
use crate::ledger::{Claim, EXPIRED_PER_CALL, LedgerError};
use crate::record::{Change, NewClaim, Record, check_sizes};
use crate::seal::{RowId, Vault};
use crate::state::{Stage, State};

pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Claim row -> sealed record.
pub(super) const RECORDS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("records");
/// Claim row -> sealed result.
pub(super) const RESULTS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("results");
/// Job row -> claim row.
pub(super) const JOBS: TableDefinition<'_, &[u8; 32], &[u8; 32]> = TableDefinition::new("jobs");
/// Payer row and claim row of every job that is not final.
pub(super) const UNFINISHED: TableDefinition<'_, &[u8; 64], ()> = TableDefinition::new("unfinished");
/// Time (u64, big-endian) and claim row of every final job -> job row.
pub(super) const FORGETTABLE: TableDefinition<'_, &[u8; 40], &[u8; 32]> = TableDefinition::new("forgettable");

type Rows<'txn> = Table<'txn, &'static [u8; 32], &'static [u8]>;

impl Shared {
    pub(super) fn claim(&self, new: NewClaim) -> Result<Claim, LedgerError> {
        check_sizes(&new.authorization.network, &State::Claimed, None)?;
        let key = new.authorization.claim_key();
        // Retries of a claim need not wait for the writer.
        if let Some(existing) = self.get(&key)? {
            return Ok(Claim::Existing(existing));
        }
        let row = self.vault.claim_row(&key);
        let job_row = self.vault.job_row(&new.job_id);
        let transaction = self.begin_write()?;
        let record = {
            let mut writer = Writer::new(&transaction, &self.vault)?;
            if let Some(existing) = load(&writer.records, &writer.results, &self.vault, &row)? {
                return Ok(Claim::Existing(existing));
            }
            let payer = self.vault.payer_row(&new.authorization.payer);
            let mut unfinished = transaction.open_table(UNFINISHED).map_err(storage)?;
            if let Some(limit) = new.max_unsettled {
                let unsettled = count_of_payer(&unfinished, &payer)?;
                if unsettled >= limit {
                    return Ok(Claim::TooManyUnsettled { unsettled });
                }
            }
            let mut jobs = transaction.open_table(JOBS).map_err(storage)?;
            if jobs.insert(&job_row, &row).map_err(storage)?.is_some() {
                return Err(LedgerError::JobIdTaken);
            }
            unfinished.insert(&join(&payer, &row), ()).map_err(storage)?;
            let record = Record {
                version: 1,
                job_id: new.job_id,
                authorization: new.authorization,
                fingerprint: new.fingerprint,
                token_digest: new.token_digest,
                state: State::Claimed,
                created_at: new.at,
                updated_at: new.at,
                result: None,
            };
            writer.store(&row, &record, false)?;
            record
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

    pub(super) fn change(&self, key: &ClaimKey, expected: u64, change: Change) -> Result<Record, LedgerError> {
        let row = self.vault.claim_row(key);
        let transaction = self.begin_write()?;
        let record = {
            let mut writer = Writer::new(&transaction, &self.vault)?;
            let mut record = load(&writer.records, &writer.results, &self.vault, &row)?.ok_or(LedgerError::NotFound)?;
            let new_result = change.result.is_some();
            apply(&mut record, expected, change)?;
            writer.store(&row, &record, new_result)?;
            if record.state.stage().is_final() {
                self.move_to_forgettable(&transaction, &row, &record)?;
            }
            record
        };
        transaction.commit().map_err(storage)?;
        Ok(record)
    }

    fn move_to_forgettable(
        &self,
        transaction: &WriteTransaction,
        row: &RowId,
        record: &Record,
    ) -> Result<(), LedgerError> {
        let payer = self.vault.payer_row(&record.authorization.payer);
        transaction.open_table(UNFINISHED).map_err(storage)?.remove(&join(&payer, row)).map_err(storage)?;
        // Until the authorization is void, forgetting it would let it be claimed anew.
        let from = record.updated_at.max(record.authorization.valid_before);
        let job_row = self.vault.job_row(&record.job_id);
        transaction.open_table(FORGETTABLE).map_err(storage)?.insert(&timed(from, row), &job_row).map_err(storage)?;
        Ok(())
    }

    pub(super) fn unfinished(&self) -> Result<Vec<Record>, LedgerError> {
        let transaction = self.begin_read()?;
        let unfinished = transaction.open_table(UNFINISHED).map_err(storage)?;
        let mut records = Vec::new();
        for entry in unfinished.iter().map_err(storage)? {
            let (key, ()) = entry.map(|(key, value)| (*key.value(), value.value())).map_err(storage)?;
            let (_, row) =
                key.split_last_chunk::<32>().ok_or(LedgerError::Corrupt("an index entry has another size"))?;
            match self.read(&transaction, row)? {
                Some(record) if !record.state.stage().is_final() => records.push(record),
                _ => return Err(LedgerError::Corrupt("an unfinished job is missing or final")),
            }
        }
        Ok(records)
    }

    pub(super) fn unsettled_of(&self, payer: &[u8; 20]) -> Result<u64, LedgerError> {
        let transaction = self.begin_read()?;
        let unfinished = transaction.open_table(UNFINISHED).map_err(storage)?;
        count_of_payer(&unfinished, &self.vault.payer_row(payer))
    }

    pub(super) fn expire(&self, before: u64) -> Result<u64, LedgerError> {
        let transaction = self.begin_write()?;
        let mut count = 0;
        {
            let mut forgettable = transaction.open_table(FORGETTABLE).map_err(storage)?;
            let mut records = transaction.open_table(RECORDS).map_err(storage)?;
            let mut results = transaction.open_table(RESULTS).map_err(storage)?;
            let mut jobs = transaction.open_table(JOBS).map_err(storage)?;
            let due = forgettable
                .range::<&[u8; 40]>(..&timed(before, &[0; 32]))
                .map_err(storage)?
                .take(EXPIRED_PER_CALL)
                .map(|entry| entry.map(|(key, job_row)| (*key.value(), *job_row.value())).map_err(storage))
                .collect::<Result<Vec<_>, _>>()?;
            for (key, job_row) in due {
                let (_, row) =
                    key.split_last_chunk::<32>().ok_or(LedgerError::Corrupt("an index entry has another size"))?;
                forgettable.remove(&key).map_err(storage)?;
                records.remove(row).map_err(storage)?;
                results.remove(row).map_err(storage)?;
                jobs.remove(&job_row).map_err(storage)?;
                count += 1;
            }
        }
        transaction.commit().map_err(storage)?;
        Ok(count)
    }

    fn begin_read(&self) -> Result<ReadTransaction, LedgerError> {
        self.database.begin_read().map_err(storage)
    }

    /// A transaction that is on disk when its commit returns. Dropped without a commit, it changes nothing.
    fn begin_write(&self) -> Result<WriteTransaction, LedgerError> {
        let mut transaction = self.database.begin_write().map_err(storage)?;
        transaction.set_durability(Durability::Immediate).map_err(storage)?;
        Ok(transaction)
    }

    fn read(&self, transaction: &ReadTransaction, row: &RowId) -> Result<Option<Record>, LedgerError> {
        let records = transaction.open_table(RECORDS).map_err(storage)?;
        let results = transaction.open_table(RESULTS).map_err(storage)?;
        load(&records, &results, &self.vault, row)
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
        let mut digest = None;
        if let Some(result) = &record.result {
            let plain = encode_result(result);
            digest = Some(result_digest(&plain));
            if new_result {
                let sealed = self.vault.seal("results", row, &plain)?;
                self.results.insert(row, &sealed[..]).map_err(storage)?;
            }
        }
        let sealed = self.vault.seal("records", row, &encode_record(record, digest.as_ref()))?;
        self.records.insert(row, &sealed[..]).map_err(storage)?;
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
    let plain = vault.open("records", row, sealed.value()).ok_or(LedgerError::Corrupt("a record does not open"))?;
    let stored = decode_record(&plain).ok_or(LedgerError::Corrupt("a record is malformed"))?;
    let mut record = stored.record;
    if vault.claim_row(&record.claim_key()) != *row {
        return Err(LedgerError::Corrupt("a record is not in its place"));
    }
    if let Some(digest) = stored.result_digest {
        let sealed = results.get(row).map_err(storage)?.ok_or(LedgerError::Corrupt("a result is missing"))?;
        let plain = vault.open("results", row, sealed.value()).ok_or(LedgerError::Corrupt("a result does not open"))?;
        if result_digest(&plain) != digest {
            return Err(LedgerError::Corrupt("a result is not that of its record"));
        }
        record.result = Some(decode_result(&plain).ok_or(LedgerError::Corrupt("a result is malformed"))?);
    }
    Ok(Some(record))
}

/// The change itself: version, transition, sizes.
fn apply(record: &mut Record, expected: u64, change: Change) -> Result<(), LedgerError> {
    if record.version != expected {
        return Err(LedgerError::Stale { current: record.version });
    }
    let (from, to) = (record.state.stage(), change.to.stage());
    if !to.may_follow(from) {
        return Err(LedgerError::IllegalTransition { from, to });
    }
    if change.result.is_none() && matches!(to, Stage::Done | Stage::Settled) {
        return Err(LedgerError::ResultRequired);
    }
    check_sizes(&record.authorization.network, &change.to, change.result.as_ref())?;
    record.version += 1;
    record.state = change.to;
    record.updated_at = change.at;
    record.result = change.result.or(record.result.take());
    record.token_digest = change.token_digest.or(record.token_digest);
    Ok(())
}

fn count_of_payer(unfinished: &impl ReadableTable<&'static [u8; 64], ()>, payer: &RowId) -> Result<u64, LedgerError> {
    let range = unfinished.range::<&[u8; 64]>(&join(payer, &[0; 32])..=&join(payer, &[0xff; 32])).map_err(storage)?;
    let mut count = 0;
    for entry in range {
        entry.map_err(storage)?;
        count += 1;
    }
    Ok(count)
}

fn join(first: &RowId, second: &RowId) -> [u8; 64] {
    let mut key = [0; 64];
    key[..32].copy_from_slice(first);
    key[32..].copy_from_slice(second);
    key
}

fn timed(time: u64, row: &RowId) -> [u8; 40] {
    let mut key = [0; 40];
    key[..8].copy_from_slice(&time.to_be_bytes());
    key[8..].copy_from_slice(row);
    key
}
