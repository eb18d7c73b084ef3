//! Claims, changes and forgetting: one transaction each, at `READ COMMITTED`.

use deadpool_postgres::Transaction;

use super::entry::{self, COLUMNS, Entry, open_joined};
use super::failure::{Failure, NOT_OURS};
use super::reads::{COUNT, name_of, select};
use super::shared::{Shared, TABLES};
use crate::claim::ClaimKey;
use crate::error::LedgerError;
use crate::ledger::{Claim, EXPIRED_PER_CALL, WATCHED_PER_UNSETTLED};
use crate::record::{Change, Record};
use crate::rows;

const LOCK_PAYER: &str = "SELECT pg_advisory_xact_lock($1)";

const INSERT: &str = "INSERT INTO precis_records (claim, payer, job, identifier, unsettled, forgettable, sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";

const NAMES: &str = "SELECT EXISTS (SELECT FROM precis_records WHERE identifier = $1),
    EXISTS (SELECT FROM precis_records WHERE job = $2)";

/// A statement of its own, without the result: a row that comes with a join is of the moment before the wait for the lock.
const RESULT: &str = "SELECT sealed FROM precis_results WHERE claim = $1";

const UPDATE: &str = "UPDATE precis_records SET unsettled = $2, forgettable = $3, sealed = $4 WHERE claim = $1";

const PUT_RESULT: &str = "INSERT INTO precis_results (claim, sealed) VALUES ($1, $2)
    ON CONFLICT (claim) DO UPDATE SET sealed = EXCLUDED.sealed";

/// Two instances that forget at once forget different jobs.
const DUE: &str = "WHERE r.forgettable < $1 ORDER BY r.forgettable LIMIT $2 FOR UPDATE OF r SKIP LOCKED";

/// Results go with their records.
const FORGET: &str = "DELETE FROM precis_records WHERE claim = ANY($1)";

/// Nobody can tell what is owed for it, so that it stays, and is listed until the operator has looked.
const RETAIN: &str = "UPDATE precis_records SET forgettable = NULL WHERE claim = ANY($1)";

const SWEEP: &str = "DELETE FROM precis_holds WHERE until < now()";

impl Shared {
    /// Claims; `limits` are [`crate::NewClaim::max_unsettled`] and [`crate::NewClaim::funds`].
    pub(super) async fn claim(
        &self,
        record: &Record,
        (limit, funds): (Option<u64>, Option<u128>),
    ) -> Result<Claim, Failure> {
        // Retries of a claim need not wait for the payer's other claims.
        if let Some(existing) = self.get(&record.claim_key()).await? {
            return Ok(Claim::Existing(existing));
        }
        let entry = Entry::of(record, &self.vault);
        let sealed = rows::seal(&self.vault, &TABLES, &entry.claim, record, false)?;
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        // One claim of a payer at a time, or two of them could each see room for one.
        let statement = transaction.prepare_cached(LOCK_PAYER).await?;
        transaction.execute(&statement, &[&lock_of(&entry)]).await?;
        if let Some(existing) = self.existing(&transaction, &entry).await? {
            return Ok(Claim::Existing(existing));
        }
        if let Some(limit) = limit {
            let statement = transaction.prepare_cached(COUNT).await?;
            let counted = transaction.query_one(&statement, &[&&entry.payer[..]]).await?;
            let count = |column| u64::try_from(counted.try_get::<_, i64>(column)?).map_err(|_| Failure::from(NOT_OURS));
            let (unsettled, watched) = (count(0)?, count(1)?);
            if unsettled + watched / WATCHED_PER_UNSETTLED >= limit {
                return Ok(Claim::TooManyUnsettled { unsettled });
            }
        }
        if let Some(funds) = funds {
            let reserved = self.reserved(&transaction, record, &entry).await?;
            if reserved.saturating_add(record.authorization.amount) > funds {
                return Ok(Claim::FundsReserved { reserved });
            }
        }
        let identifier = entry.identifier.as_ref().map(|row| &row[..]);
        let forgettable = entry.forgettable.as_ref().map(|time| &time[..]);
        let statement = transaction.prepare_cached(INSERT).await?;
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] = [
            &&entry.claim[..],
            &&entry.payer[..],
            &&entry.job[..],
            &identifier,
            &entry.unsettled,
            &forgettable,
            &sealed.record,
        ];
        if transaction.execute(&statement, &values).await? == 1 {
            transaction.commit().await?;
            return Ok(Claim::Fresh(record.clone()));
        }
        // The unique names decide between payers, whom nothing serializes.
        let statement = transaction.prepare_cached(NAMES).await?;
        let taken = transaction.query_one(&statement, &[&identifier, &&entry.job[..]]).await?;
        match (taken.try_get(0)?, taken.try_get(1)?) {
            (true, _) => Ok(Claim::IdentifierTaken),
            (false, true) => Err(LedgerError::JobIdTaken.into()),
            // What was in the way has been forgotten meanwhile.
            (false, false) => Err(Failure::Again),
        }
    }

    /// What the payer's other claims of the same token still have to take.
    async fn reserved(&self, transaction: &Transaction<'_>, record: &Record, entry: &Entry) -> Result<u128, Failure> {
        let statement = transaction.prepare_cached(&select("WHERE r.payer = $1 AND r.unsettled")).await?;
        let mut reserved = 0_u128;
        for row in transaction.query(&statement, &[&&entry.payer[..]]).await? {
            match self.vitals.read(&name_of(&row), open_joined(&row, &self.vault)) {
                Ok(other) => reserved = reserved.saturating_add(other.reserves(&record.authorization)),
                // Nobody can settle it, so it reserves nothing.
                Err(Failure::Final(LedgerError::Corrupt(_))) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(reserved)
    }

    async fn existing(&self, transaction: &Transaction<'_>, entry: &Entry) -> Result<Option<Record>, Failure> {
        let statement = transaction.prepare_cached(&select("WHERE r.claim = $1")).await?;
        let row = transaction.query_opt(&statement, &[&&entry.claim[..]]).await?;
        row.map(|row| self.vitals.read(&entry.claim, open_joined(&row, &self.vault))).transpose()
    }

    pub(super) async fn change(&self, key: &ClaimKey, expected: u64, change: &Change) -> Result<Record, Failure> {
        let claim = self.vault.claim_row(key);
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let lock = format!("SELECT {COLUMNS} FROM precis_records r WHERE r.claim = $1 FOR UPDATE");
        let statement = transaction.prepare_cached(&lock).await?;
        let row = transaction.query_opt(&statement, &[&&claim[..]]).await?.ok_or(LedgerError::NotFound)?;
        let statement = transaction.prepare_cached(RESULT).await?;
        let result = transaction.query_opt(&statement, &[&&claim[..]]).await?;
        let result: Option<&[u8]> = result.as_ref().map(|row| row.try_get(0)).transpose()?;
        let mut record = self.vitals.read(&claim, entry::open(&row, result, &self.vault))?;
        if record.claim_key() != *key {
            return Err(LedgerError::Corrupt("a claim leads to another job").into());
        }
        record.apply(expected, change.clone())?;

        let sealed = rows::seal(&self.vault, &TABLES, &claim, &record, change.result.is_some())?;
        let entry = Entry::of(&record, &self.vault);
        let forgettable = entry.forgettable.as_ref().map(|time| &time[..]);
        let statement = transaction.prepare_cached(UPDATE).await?;
        transaction.execute(&statement, &[&&claim[..], &entry.unsettled, &forgettable, &sealed.record]).await?;
        if let Some(result) = sealed.result {
            let statement = transaction.prepare_cached(PUT_RESULT).await?;
            transaction.execute(&statement, &[&&claim[..], &result]).await?;
        }
        transaction.commit().await?;
        Ok(record)
    }

    pub(super) async fn expire(&self, before: u64) -> Result<u64, Failure> {
        let most = i64::try_from(EXPIRED_PER_CALL).unwrap_or(i64::MAX);
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let statement = transaction.prepare_cached(&select(DUE)).await?;
        let rows = transaction.query(&statement, &[&&before.to_be_bytes()[..], &most]).await?;
        let (mut due, mut damaged) = (Vec::new(), Vec::new());
        for row in &rows {
            let claim: &[u8] = row.try_get(0).map_err(|_| NOT_OURS)?;
            // A record whose index entries are its own is final, and due.
            match self.vitals.read(&name_of(row), open_joined(row, &self.vault)) {
                Ok(_) => due.push(claim),
                Err(Failure::Final(LedgerError::Corrupt(_))) => damaged.push(claim),
                Err(error) => return Err(error),
            }
        }
        transaction.execute(FORGET, &[&due]).await?;
        if !damaged.is_empty() {
            transaction.execute(RETAIN, &[&damaged]).await?;
        }
        transaction.execute(SWEEP, &[]).await?;
        transaction.commit().await?;
        Ok(rows.len() as u64)
    }
}

/// Two payers with one number wait for each other without need, and nothing more.
fn lock_of(entry: &Entry) -> i64 {
    let mut number = [0; 8];
    number.copy_from_slice(&entry.payer[..8]);
    i64::from_be_bytes(number)
}
