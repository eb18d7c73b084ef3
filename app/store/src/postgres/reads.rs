//! What changes nothing. One statement each, so that a record and its result are of one moment.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::entry::{COLUMNS, open_joined};
use super::failure::{Failure, NOT_OURS};
use super::shared::Shared;
use crate::claim::{ClaimKey, JobId};
use crate::error::LedgerError;
use crate::ledger::{Cursor, Listing};
use crate::record::Record;
use crate::seal::RowId;

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

    pub(super) async fn unfinished(&self) -> Result<Listing, Failure> {
        let listing = self.list("WHERE r.forgettable IS NULL", &[]).await?;
        Ok(Listing { next: None, ..listing })
    }

    pub(super) async fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Listing, Failure> {
        // A page of none would say nothing of where to go on.
        let limit = limit.max(1);
        let count = i64::try_from(limit).unwrap_or(i64::MAX);
        // No key is empty, so that all are after the empty one.
        let after = after.as_ref().map_or(&[][..], |cursor| &cursor[..]);
        let mut listing = self.list("WHERE r.claim > $1 ORDER BY r.claim LIMIT $2", &[&after, &count]).await?;
        listing.next = listing.next.filter(|_| listing.records.len() + listing.damaged.len() == limit);
        Ok(listing)
    }

    pub(super) async fn unsettled_of(&self, payer: &[u8; 20]) -> Result<u64, Failure> {
        let row = self.vault.payer_row(payer);
        let client = self.client().await?;
        let statement = client.prepare_cached(COUNT).await?;
        let count: i64 = client.query_one(&statement, &[&&row[..]]).await?.try_get(0)?;
        Ok(u64::try_from(count).map_err(|_| NOT_OURS)?)
    }

    async fn select(&self, which: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Record>, Failure> {
        let rows = self.rows(which, parameters).await?;
        rows.iter().map(|row| self.vitals.read(&name_of(row), open_joined(row, &self.vault))).collect()
    }

    /// What can be read, and the names of what cannot; where the last of them stands.
    async fn list(&self, which: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Listing, Failure> {
        let mut listing = Listing::default();
        for row in self.rows(which, parameters).await? {
            let name = name_of(&row);
            match self.vitals.read(&name, open_joined(&row, &self.vault)) {
                Ok(record) => listing.records.push(record),
                Err(Failure::Final(LedgerError::Corrupt(_))) => listing.damaged.push(name),
                Err(error) => return Err(error),
            }
            listing.next = Some(name);
        }
        Ok(listing)
    }

    async fn rows(&self, which: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&select(which)).await?;
        Ok(client.query(&statement, parameters).await?)
    }
}

/// The name of a row, also of one whose name is malformed: cut, so that a listing goes on behind it, or filled up.
pub(super) fn name_of(row: &Row) -> RowId {
    let mut name = [0; 32];
    let claim: &[u8] = row.try_get(0).unwrap_or_default();
    let (length, cut) = (claim.len().min(name.len()), claim.len() > name.len());
    name[..length].copy_from_slice(&claim[..length]);
    if cut {
        name[name.len() - 1] = name[name.len() - 1].saturating_add(1);
    }
    name
}

/// Records with their results, for [`open_joined`].
pub(super) fn select(which: &str) -> String {
    format!("SELECT {COLUMNS}, s.sealed FROM precis_records r LEFT JOIN precis_results s ON s.claim = r.claim {which}")
}
