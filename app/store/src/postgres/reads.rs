//! What changes nothing. One statement each, so that a record and its result are of one moment.

use tokio_postgres::types::ToSql;

use super::Shared;
use super::entry::{COLUMNS, open_joined};
use super::failure::{Failure, NOT_OURS};
use crate::claim::{ClaimKey, JobId};
use crate::ledger::{Cursor, LedgerError};
use crate::record::Record;

/// Jobs of a payer that are unsettled, and others that are not final.
pub(super) const COUNT: &str = "SELECT count(*) FILTER (WHERE unsettled), count(*) FILTER (WHERE NOT unsettled)
    FROM precis_records WHERE payer = $1 AND forgettable IS NULL";

impl Shared {
    pub(super) async fn get(&self, key: &ClaimKey) -> Result<Option<Record>, Failure> {
        let row = self.vault.claim_row(key);
        match self.select("WHERE r.claim = $1", &[&&row[..]]).await?.pop() {
            Some(record) if record.claim_key() != *key => {
                Err(LedgerError::Corrupt("a claim leads to another job").into())
            }
            found => Ok(found),
        }
    }

    pub(super) async fn by_job_id(&self, id: &JobId) -> Result<Option<Record>, Failure> {
        let row = self.vault.job_row(id);
        match self.select("WHERE r.job = $1", &[&&row[..]]).await?.pop() {
            Some(record) if record.job_id != *id => Err(LedgerError::Corrupt("a job id leads to another job").into()),
            found => Ok(found),
        }
    }

    pub(super) async fn by_identifier(&self, identifier: &[u8; 32]) -> Result<Option<Record>, Failure> {
        let row = self.vault.identifier_row(identifier);
        match self.select("WHERE r.identifier = $1", &[&&row[..]]).await?.pop() {
            Some(record) if record.identifier != Some(*identifier) => {
                Err(LedgerError::Corrupt("an identifier leads to another job").into())
            }
            found => Ok(found),
        }
    }

    pub(super) async fn unfinished(&self) -> Result<Vec<Record>, Failure> {
        self.select("WHERE r.forgettable IS NULL", &[]).await
    }

    pub(super) async fn page(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<(Vec<Record>, Option<Cursor>), Failure> {
        // A page of none would say nothing of where to go on.
        let limit = limit.max(1);
        let count = i64::try_from(limit).unwrap_or(i64::MAX);
        // No key is empty, so that all are after the empty one.
        let after = after.as_ref().map_or(&[][..], |cursor| &cursor[..]);
        let page = self.select("WHERE r.claim > $1 ORDER BY r.claim LIMIT $2", &[&after, &count]).await?;
        let next =
            if page.len() == limit { page.last().map(|last| self.vault.claim_row(&last.claim_key())) } else { None };
        Ok((page, next))
    }

    pub(super) async fn unsettled_of(&self, payer: &[u8; 20]) -> Result<u64, Failure> {
        let row = self.vault.payer_row(payer);
        let client = self.client().await?;
        let statement = client.prepare_cached(COUNT).await?;
        let count: i64 = client.query_one(&statement, &[&&row[..]]).await?.try_get(0)?;
        Ok(u64::try_from(count).map_err(|_| NOT_OURS)?)
    }

    async fn select(&self, which: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Record>, Failure> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&select(which)).await?;
        let rows = client.query(&statement, parameters).await?;
        rows.iter().map(|row| open_joined(row, &self.vault)).collect()
    }
}

/// Records with their results, for [`open_joined`].
pub(super) fn select(which: &str) -> String {
    format!("SELECT {COLUMNS}, s.sealed FROM precis_records r LEFT JOIN precis_results s ON s.claim = r.claim {which}")
}
