//! What the database is told of a record beside its sealed value, so that it can find it.

use tokio_postgres::Row;

use super::failure::{Failure, NOT_OURS};
use super::shared::TABLES;
use crate::error::LedgerError;
use crate::record::Record;
use crate::rows;
use crate::seal::{RowId, Vault};

/// The columns of a record, in the order that [`Entry::read`] takes them, and its sealed value after them.
pub(super) const COLUMNS: &str = "r.claim, r.payer, r.job, r.identifier, r.unsettled, r.forgettable, r.sealed";

#[derive(PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) claim: RowId,
    pub(super) payer: RowId,
    pub(super) job: RowId,
    pub(super) identifier: Option<RowId>,
    /// Whether it counts against its payer's limit.
    pub(super) unsettled: bool,
    /// When it may be forgotten, Unix seconds, big-endian; none until it is final.
    pub(super) forgettable: Option<[u8; 8]>,
}

impl Entry {
    pub(super) fn of(record: &Record, vault: &Vault) -> Self {
        let stage = record.state.stage();
        // Until the authorization is void, forgetting it would let it be claimed anew.
        let from = record.updated_at.max(record.authorization.valid_before);
        Self {
            claim: vault.claim_row(&record.claim_key()),
            payer: vault.payer_row(&record.authorization.payer),
            job: vault.job_row(&record.job_id),
            identifier: record.identifier.map(|identifier| vault.identifier_row(&identifier)),
            unsettled: stage.is_unsettled(),
            forgettable: stage.is_final().then(|| from.to_be_bytes()),
        }
    }

    fn read(row: &Row) -> Result<Self, LedgerError> {
        Ok(Self {
            claim: fixed(row.try_get(0).map_err(|_| NOT_OURS)?)?,
            payer: fixed(row.try_get(1).map_err(|_| NOT_OURS)?)?,
            job: fixed(row.try_get(2).map_err(|_| NOT_OURS)?)?,
            identifier: row.try_get::<_, Option<&[u8]>>(3).map_err(|_| NOT_OURS)?.map(fixed).transpose()?,
            unsettled: row.try_get(4).map_err(|_| NOT_OURS)?,
            forgettable: row.try_get::<_, Option<&[u8]>>(5).map_err(|_| NOT_OURS)?.map(fixed).transpose()?,
        })
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], LedgerError> {
    bytes.try_into().map_err(|_| LedgerError::Corrupt("an index entry has another size"))
}

/// A record, of a row that has [`COLUMNS`] and its sealed result beside it.
pub(super) fn open(row: &Row, sealed_result: Option<&[u8]>, vault: &Vault) -> Result<Record, Failure> {
    let entry = Entry::read(row)?;
    let sealed: &[u8] = row.try_get(6).map_err(|_| NOT_OURS)?;
    let result = || Ok(sealed_result.map(<[u8]>::to_vec));
    let record = rows::open(vault, &TABLES, &entry.claim, sealed, result)?;
    if Entry::of(&record, vault) != entry {
        return Err(LedgerError::Corrupt("a record's index entries are not its own").into());
    }
    Ok(record)
}

/// As [`open`], with the sealed result in the next column.
pub(super) fn open_joined(row: &Row, vault: &Vault) -> Result<Record, Failure> {
    open(row, row.try_get(7).map_err(|_| NOT_OURS)?, vault)
}
