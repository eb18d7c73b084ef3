//! Records and results as sealed rows, the same in every ledger. A result is a row of its own, so that a change of state does not write it again;
//! its record names it by digest, so that an older one cannot be put in its place.

use zeroize::Zeroizing;

use crate::codec::{decode_record, decode_result, encode_record, encode_result, result_digest};
use crate::error::LedgerError;
use crate::record::Record;
use crate::seal::{RowId, Vault};

/// The names of a ledger's tables, which its values are sealed for.
pub(crate) struct Tables {
    pub(crate) records: &'static str,
    pub(crate) results: &'static str,
}

/// What is to be written for a record.
pub(crate) struct Sealed {
    pub(crate) record: Vec<u8>,
    /// None if the stored result stays.
    pub(crate) result: Option<Vec<u8>>,
}

pub(crate) fn seal(
    vault: &Vault,
    tables: &Tables,
    row: &RowId,
    record: &Record,
    new_result: bool,
) -> Result<Sealed, LedgerError> {
    let result = record.result.as_ref().map(|result| Zeroizing::new(encode_result(result)));
    let digest = result.as_ref().map(|plain| result_digest(plain));
    let sealed_result = match &result {
        Some(plain) if new_result => Some(vault.seal(tables.results, row, plain)?),
        _ => None,
    };
    let plain = Zeroizing::new(encode_record(record, digest.as_ref()));
    Ok(Sealed { record: vault.seal(tables.records, row, &plain)?, result: sealed_result })
}

/// The record of `row`. `sealed_result` is asked only if the record has a result.
pub(crate) fn open(
    vault: &Vault,
    tables: &Tables,
    row: &RowId,
    sealed: &[u8],
    sealed_result: impl FnOnce() -> Result<Option<Vec<u8>>, LedgerError>,
) -> Result<Record, LedgerError> {
    let plain = vault.open(tables.records, row, sealed).ok_or(LedgerError::Corrupt("a record does not open"))?;
    let stored = decode_record(&plain)?;
    let mut record = stored.record;
    if vault.claim_row(&record.claim_key()) != *row {
        return Err(LedgerError::Corrupt("a record is not in its place"));
    }
    if let Some(digest) = stored.result_digest {
        let sealed = sealed_result()?.ok_or(LedgerError::Corrupt("a result is missing"))?;
        let plain = vault.open(tables.results, row, &sealed).ok_or(LedgerError::Corrupt("a result does not open"))?;
        if result_digest(&plain) != digest {
            return Err(LedgerError::Corrupt("a result is not that of its record"));
        }
        record.result = Some(decode_result(&plain)?);
    }
    Ok(record)
}
