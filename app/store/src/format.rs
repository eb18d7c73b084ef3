//! Versions of what is stored, and the way from an older one to the present one.
//!
//! The rules, the same in both ledgers:
//! - A ledger has one number, sealed beside its key check: [`FORMAT`]. It counts every change of tables, indexes, records or results.
//! - Opening a ledger of an older number rewrites it, step by step, in one transaction: afterwards it has the present number, or it is as it was.
//!   A row that is damaged is carried along untouched, so that it stays known as damaged.
//! - A ledger of a newer number is [`LedgerError::Newer`], one that nothing leads on from [`LedgerError::Older`]; neither is touched. So is a row of a newer number: with a shared database, another process
//!   may have migrated while this one ran.
//! - Rows have no minor numbers: nothing in them is optional to understand. A new field is a new number, and its step writes the default.
//! - [`crate::Record::context`] is the service's own. It has a version of its own, with minor numbers.
//! - A kept document names its version itself.

use zeroize::Zeroizing;

use crate::codec::{StoredRecord, decode_record, decode_result, encode_record, result_digest};
use crate::error::LedgerError;
use crate::rows::{Sealed, Tables};
use crate::seal::{RowId, Vault};

/// The present format. Whoever raises it adds a [`Step`] and a fixture of the format before (`tests/fixtures`).
pub(crate) const FORMAT: u32 = 2;

/// From a format to the next one.
pub(crate) struct Step {
    /// The format it begins at.
    pub(crate) from: u32,
    /// Makes a record's row of the next format.
    pub(crate) record: fn(&[u8]) -> Option<Vec<u8>>,
    /// Makes a result's row of the next format.
    pub(crate) result: fn(&[u8]) -> Option<Vec<u8>>,
    /// Changes the tables of the shared ledger, before its rows. Those of an embedded one are made when they are missing.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only the shared ledger has SQL"))]
    pub(crate) sql: &'static str,
}

/// The format that is known, and the steps that lead to it.
#[derive(Clone, Copy)]
pub(crate) struct Formats {
    pub(crate) known: u32,
    pub(crate) steps: &'static [Step],
}

/// Those of this version. Format 2 is the first that anything leads on from: one of format 1 names no task.
pub(crate) const FORMATS: Formats = Formats { known: FORMAT, steps: &[] };

impl Formats {
    /// The number in a ledger's check value, which begins with `words`.
    ///
    /// # Errors
    /// [`LedgerError::Newer`], [`LedgerError::Older`] if nothing leads on from it, or [`LedgerError::Corrupt`] if there is no number.
    pub(crate) fn of(&self, words: &str, check: &[u8]) -> Result<u32, LedgerError> {
        let number = std::str::from_utf8(check).ok().and_then(|text| text.strip_prefix(words)?.parse().ok());
        let found: u32 = number.ok_or(LedgerError::Corrupt("another format"))?;
        if found > self.known {
            return Err(LedgerError::Newer { found, known: self.known });
        }
        self.after(found)?;
        Ok(found)
    }

    /// The check value of the present format.
    pub(crate) fn check(&self, words: &str) -> Vec<u8> {
        format!("{words}{}", self.known).into_bytes()
    }

    /// The steps that lead on from `found`.
    pub(crate) fn after(&self, found: u32) -> Result<&'static [Step], LedgerError> {
        let start = self.steps.iter().position(|step| step.from == found).unwrap_or(self.steps.len());
        let steps = self.steps.get(start..).unwrap_or_default();
        let leads = steps.iter().zip(found..).all(|(step, number)| step.from == number);
        if leads && u32::try_from(steps.len()).is_ok_and(|count| found.checked_add(count) == Some(self.known)) {
            Ok(steps)
        } else {
            Err(LedgerError::Older { found, known: self.known })
        }
    }
}

/// Brings rows to the present format.
pub(crate) struct Migration<'a> {
    pub(crate) vault: &'a Vault,
    pub(crate) tables: &'a Tables,
    pub(crate) steps: &'static [Step],
}

impl Migration<'_> {
    /// A record and its result as they are to be stored; none if they are damaged.
    ///
    /// # Errors
    /// Without randomness.
    pub(crate) fn row(
        &self,
        row: &RowId,
        sealed: &[u8],
        sealed_result: Option<&[u8]>,
    ) -> Result<Option<Sealed>, LedgerError> {
        let Some(stored) = self.record(row, sealed) else { return Ok(None) };
        let result = match stored.result_digest {
            None => None,
            // The digest names the result as it was.
            Some(digest) => match self.result(row, sealed_result, &digest) {
                None => return Ok(None),
                found => found,
            },
        };
        let digest = result.as_ref().map(|plain| result_digest(plain));
        let plain = Zeroizing::new(encode_record(&stored.record, digest.as_ref()));
        let record = self.vault.seal(self.tables.records, row, &plain)?;
        let result = result.map(|plain| self.vault.seal(self.tables.results, row, &plain)).transpose()?;
        Ok(Some(Sealed { record, result }))
    }

    fn record(&self, row: &RowId, sealed: &[u8]) -> Option<StoredRecord> {
        let mut plain = self.vault.open(self.tables.records, row, sealed)?;
        for step in self.steps {
            plain = Zeroizing::new((step.record)(&plain)?);
        }
        let stored = decode_record(&plain).ok()?;
        (self.vault.claim_row(&stored.record.claim_key()) == *row).then_some(stored)
    }

    fn result(&self, row: &RowId, sealed: Option<&[u8]>, digest: &[u8; 32]) -> Option<Zeroizing<Vec<u8>>> {
        let mut plain = self.vault.open(self.tables.results, row, sealed?)?;
        if result_digest(&plain) != *digest {
            return None;
        }
        for step in self.steps {
            plain = Zeroizing::new((step.result)(&plain)?);
        }
        decode_result(&plain).ok().map(|_| plain)
    }
}

/// A format before the first, for tests: its records have no identifier, its results have their status last.
#[cfg(test)]
pub(crate) mod older {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::codec::{RECORD_FORMAT, RESULT_FORMAT};

    /// Number of both kinds of rows.
    const OLDER_ROW: u8 = 0;

    /// How the test's own format becomes the present one.
    pub(crate) const OLDER: Formats = Formats {
        known: FORMAT,
        steps: &[Step { from: FORMAT - 1, record: newer_record, result: newer_result, sql: SQL }],
    };
    /// A column that the older format does not have.
    pub(crate) const SQL: &str = "ALTER TABLE precis_records ADD COLUMN IF NOT EXISTS identifier bytea UNIQUE";

    /// Bytes of a record before its identifier.
    fn before_identifier(record: &[u8]) -> usize {
        const FIXED: usize = 1 + 8 + 16;
        let network = u32::from_be_bytes(*record[FIXED..].first_chunk().unwrap());
        FIXED + 4 + usize::try_from(network).unwrap() + 20 + 20 + 16 + 20 + 32 + 8 + 32
    }

    /// A row of this format as one of the older format, without its identifier, and its result.
    pub(crate) fn older_record(record: &[u8], result: Option<&[u8]>) -> (Vec<u8>, Option<Vec<u8>>) {
        let (at, result) = (before_identifier(record), result.map(older_result));
        assert_eq!(record[at], 0, "these records have none");
        let mut older = [&[OLDER_ROW], &record[1..at], &record[at + 1..]].concat();
        if let Some(result) = &result {
            let digest = older.len() - 32;
            older[digest..].copy_from_slice(&result_digest(result));
        }
        (older, result)
    }

    fn newer_record(older: &[u8]) -> Option<Vec<u8>> {
        let at = before_identifier(older);
        (older[0] == OLDER_ROW).then(|| [&[RECORD_FORMAT], &older[1..at], &[0], &older[at..]].concat())
    }

    /// The status goes to the end.
    fn older_result(result: &[u8]) -> Vec<u8> {
        [&[OLDER_ROW], &result[3..], &result[1..3]].concat()
    }

    fn newer_result(older: &[u8]) -> Option<Vec<u8>> {
        let status = older.len() - 2;
        (older[0] == OLDER_ROW).then(|| [&[RESULT_FORMAT], &older[status..], &older[1..status]].concat())
    }
}
