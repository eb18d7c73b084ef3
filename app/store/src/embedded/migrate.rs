//! The number of a file's format; a file of an older format becomes one of the present format, in one transaction.

use redb::{Database, ReadableDatabase, ReadableTable, TableHandle, WriteTransaction};

use super::documents::{DOCUMENT_TIMES, DOCUMENTS};
use super::storage::storage;
use super::tables::{FORGETTABLE, IDENTIFIERS, JOBS, META, RECORDS, RESULTS, TABLES, UNFINISHED};
use crate::error::LedgerError;
use crate::format::{Formats, Migration};
use crate::seal::{RowId, Vault};

const CHECK_NAME: &str = "check";
const CHECK_ROW: RowId = [0; 32];
/// What stands before the number of the format.
const CHECK_WORDS: &str = "precis ledger, format ";

/// Checks the key and the format, and rewrites what is of an older one.
pub(super) fn migrate(database: &Database, vault: &Vault, formats: &Formats) -> Result<(), LedgerError> {
    let found = check(database, vault, formats)?;
    if found == formats.known {
        return Ok(());
    }
    let migration = Migration { vault, tables: &TABLES, steps: formats.after(found)? };
    let transaction = database.begin_write().map_err(storage)?;
    make_tables(&transaction)?;
    {
        let mut records = transaction.open_table(RECORDS).map_err(storage)?;
        let mut results = transaction.open_table(RESULTS).map_err(storage)?;
        let rows = records.iter().map_err(storage)?.map(|entry| entry.map(|(row, _)| *row.value()).map_err(storage));
        for row in rows.collect::<Result<Vec<RowId>, _>>()? {
            let Some(sealed) = records.get(&row).map_err(storage)?.map(|sealed| sealed.value().to_vec()) else {
                continue;
            };
            let result = results.get(&row).map_err(storage)?.map(|sealed| sealed.value().to_vec());
            // What is damaged stays as it is: it is found damaged by whoever asks for it.
            let Some(migrated) = migration.row(&row, &sealed, result.as_deref())? else { continue };
            records.insert(&row, &migrated.record[..]).map_err(storage)?;
            if let Some(result) = migrated.result {
                results.insert(&row, &result[..]).map_err(storage)?;
            }
        }
    }
    mark(&transaction, vault, formats)?;
    transaction.commit().map_err(storage)
}

/// Makes the tables that are missing.
pub(super) fn make_tables(transaction: &WriteTransaction) -> Result<(), LedgerError> {
    transaction.open_table(META).map_err(storage)?;
    transaction.open_table(RECORDS).map_err(storage)?;
    transaction.open_table(RESULTS).map_err(storage)?;
    transaction.open_table(JOBS).map_err(storage)?;
    transaction.open_table(DOCUMENTS).map_err(storage)?;
    transaction.open_table(DOCUMENT_TIMES).map_err(storage)?;
    transaction.open_table(IDENTIFIERS).map_err(storage)?;
    transaction.open_table(UNFINISHED).map_err(storage)?;
    transaction.open_table(FORGETTABLE).map_err(storage)?;
    Ok(())
}

/// Writes the number of the present format down.
pub(super) fn mark(transaction: &WriteTransaction, vault: &Vault, formats: &Formats) -> Result<(), LedgerError> {
    let sealed = vault.seal(META.name(), &CHECK_ROW, &formats.check(CHECK_WORDS))?;
    transaction.open_table(META).map_err(storage)?.insert(CHECK_NAME, &sealed[..]).map_err(storage)?;
    Ok(())
}

/// The number of the format, if the key is the right one.
pub(super) fn check(database: &Database, vault: &Vault, formats: &Formats) -> Result<u32, LedgerError> {
    let transaction = database.begin_read().map_err(storage)?;
    let meta = transaction.open_table(META).map_err(storage)?;
    let sealed = meta.get(CHECK_NAME).map_err(storage)?.ok_or(LedgerError::Corrupt("not the tables of a ledger"))?;
    let value = vault.open(META.name(), &CHECK_ROW, sealed.value()).ok_or(LedgerError::WrongKey)?;
    formats.of(CHECK_WORDS, &value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::super::open::{at_path, existing_of};
    use super::*;
    use crate::format::FORMATS;
    use crate::format::older::{OLDER, older_record};
    use crate::ledger::{Claim, Ledger};
    use crate::record::{Change, JobResult, NewClaim, Record};
    use crate::seal::SealingKey;
    use crate::{Authorization, EmbeddedLedger, Flow, JobId, State};

    const KEY: [u8; 32] = [5; 32];
    const NOW: u64 = 1_790_000_000;

    fn key() -> SealingKey {
        SealingKey::new(KEY)
    }

    fn new_claim(number: u8) -> NewClaim {
        NewClaim {
            job_id: JobId([number; 16]),
            authorization: Authorization {
                network: "eip155:8453".into(),
                asset: [0xaa; 20],
                pay_to: [0xbb; 20],
                amount: 1_500,
                payer: [0x11; 20],
                nonce: [number; 32],
                valid_before: NOW + 600,
            },
            fingerprint: [number; 32],
            identifier: None,
            flow: Flow::Upfront,
            context: vec![number; 8],
            at: NOW,
            max_unsettled: None,
            funds: None,
        }
    }

    /// A settled job, one whose refund is under way and one that was just claimed.
    async fn filled(path: &Path) -> Vec<Record> {
        let ledger = EmbeddedLedger::open(path, key()).await.unwrap();
        let mut records = Vec::new();
        for number in 1..=3 {
            let Claim::Fresh(mut record) = ledger.claim(new_claim(number)).await.unwrap() else { continue };
            let paid = State::Paid { transaction: [9; 32] };
            let code = "work_failed".to_owned();
            let refunding = State::Refunding { transaction: [9; 32], code, broadcast: None };
            let result = JobResult { status: 200, response: b"summary".to_vec(), receipt: Some(b"receipt".to_vec()) };
            for to in [State::Settling { broadcast: None }, paid].into_iter().filter(|_| number != 3) {
                record = ledger.advance(&record.claim_key(), record.version, Change::to(to, NOW)).await.unwrap();
            }
            record = match number {
                1 => ledger.finish_settled(&record.claim_key(), record.version, [9; 32], result, NOW).await.unwrap(),
                2 => {
                    let change = Change::to(refunding, NOW).with_result(result);
                    ledger.advance(&record.claim_key(), record.version, change).await.unwrap()
                }
                _ => record,
            };
            records.push(record);
        }
        records
    }

    /// Turns the file into one of the format before, whose records have no identifier and whose results have their status last; `damaged` says which row is spoilt.
    fn age(path: &Path, vault: &Vault, damaged: Option<&RowId>) {
        let database = at_path(path, vault).unwrap();
        let transaction = database.begin_write().unwrap();
        {
            let mut records = transaction.open_table(RECORDS).unwrap();
            let mut results = transaction.open_table(RESULTS).unwrap();
            let rows: Vec<RowId> = records.iter().unwrap().map(|entry| *entry.unwrap().0.value()).collect();
            for row in rows {
                let sealed = records.get(&row).unwrap().unwrap().value().to_vec();
                let result = results.get(&row).unwrap().map(|sealed| sealed.value().to_vec());
                let plain = vault.open(TABLES.records, &row, &sealed).unwrap();
                let result = result.map(|sealed| vault.open(TABLES.results, &row, &sealed).unwrap().to_vec());
                let (record, result) = older_record(&plain, result.as_deref());
                let mut sealed = vault.seal(TABLES.records, &row, &record).unwrap();
                if damaged == Some(&row) {
                    sealed[30] ^= 1;
                }
                records.insert(&row, &sealed[..]).unwrap();
                if let Some(result) = result {
                    results.insert(&row, &vault.seal(TABLES.results, &row, &result).unwrap()[..]).unwrap();
                }
            }
            let check =
                vault.seal("meta", &CHECK_ROW, format!("{CHECK_WORDS}{}", OLDER.steps[0].from).as_bytes()).unwrap();
            transaction.open_table(META).unwrap().insert(CHECK_NAME, &check[..]).unwrap();
        }
        transaction.commit().unwrap();
    }

    #[tokio::test]
    async fn a_file_of_an_older_format_is_rewritten_once_and_has_every_job() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger");
        let records = filled(&path).await;
        let vault = Vault::new(&key());
        age(&path, &vault, None);
        // Without a way from there it is refused, and left as it is.
        let before = std::fs::read(&path).unwrap();
        let refused = EmbeddedLedger::open(&path, key()).await.err().unwrap();
        assert_eq!(refused, LedgerError::Older { found: 1, known: 2 });
        assert!(refused.to_string().contains("begin with an empty one"), "{refused}");
        assert!(std::fs::read(&path).unwrap() == before);

        drop(existing_of(&path, &vault, &OLDER).unwrap());
        let ledger = EmbeddedLedger::open(&path, key()).await.unwrap();
        for record in &records {
            assert_eq!(ledger.get(&record.claim_key()).await.unwrap().as_ref(), Some(record));
            assert_eq!(ledger.by_job_id(&record.job_id).await.unwrap().as_ref(), Some(record));
        }
        let open = ledger.unfinished().await.unwrap();
        assert_eq!((open.records.len(), open.damaged.len()), (2, 0));
        let refunding = &records[1];
        let done = State::Refunded { transaction: [9; 32], code: "work_failed".into(), refund: [8; 32] };
        let paid = ledger.advance(&refunding.claim_key(), refunding.version, Change::to(done, NOW)).await.unwrap();
        assert!(paid.state.stage().is_final() && paid.result == refunding.result);
    }

    #[tokio::test]
    async fn a_damaged_row_is_carried_through_a_migration_and_stays_damaged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger");
        let records = filled(&path).await;
        let vault = Vault::new(&key());
        age(&path, &vault, Some(&vault.claim_row(&records[1].claim_key())));
        drop(existing_of(&path, &vault, &OLDER).unwrap());
        let ledger = EmbeddedLedger::open(&path, key()).await.unwrap();
        let open = ledger.unfinished().await.unwrap();
        assert_eq!((open.records.len(), open.damaged.len()), (1, 1));
        assert!(matches!(ledger.get(&records[1].claim_key()).await, Err(LedgerError::Corrupt(_))));
        assert_eq!(ledger.get(&records[0].claim_key()).await.unwrap().as_ref(), Some(&records[0]));
    }

    #[tokio::test]
    async fn a_file_of_a_newer_format_is_refused_by_its_number_and_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger");
        filled(&path).await;
        let vault = Vault::new(&key());
        let newer = Formats { known: FORMATS.known + 1, steps: &[] };
        {
            let database = at_path(&path, &vault).unwrap();
            let transaction = database.begin_write().unwrap();
            mark(&transaction, &vault, &newer).unwrap();
            transaction.commit().unwrap();
        }
        let before = std::fs::read(&path).unwrap();
        let refused = EmbeddedLedger::open(&path, key()).await.err().unwrap();
        assert_eq!(refused, LedgerError::Newer { found: FORMATS.known + 1, known: FORMATS.known });
        assert!(refused.to_string().contains("newer version"), "{refused}");
        assert!(std::fs::read(&path).unwrap() == before);
    }
}
