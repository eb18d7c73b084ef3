//! Tables of an older format become those of the present one, in the transaction that looked at their number.

use deadpool_postgres::Transaction;

use super::failure::{Failure, NOT_OURS};
use super::shared::TABLES;
use crate::format::{Formats, Migration};
use crate::seal::{RowId, Vault};

pub(super) const CHECK_TABLE: &str = "postgres meta";
pub(super) const CHECK_ROW: RowId = [0; 32];
/// What stands before the number of the format.
pub(super) const CHECK_WORDS: &str = "precis ledger in postgresql, schema ";

/// Rows that are read at a time.
const BATCH: i64 = 200;

/// Others wait, and see the rows of one format.
const LOCK: &str = "LOCK TABLE precis_meta, precis_records, precis_results IN ACCESS EXCLUSIVE MODE";
/// A change of a table's columns may take longer than a call.
const NO_HURRY: &str = "SET LOCAL statement_timeout = 0";

const READ: &str =
    "SELECT r.claim, r.sealed, s.sealed FROM precis_records r LEFT JOIN precis_results s ON s.claim = r.claim
    WHERE r.claim > $1 ORDER BY r.claim LIMIT $2";
const RECORD: &str = "UPDATE precis_records SET sealed = $2 WHERE claim = $1";
const RESULT: &str = "UPDATE precis_results SET sealed = $2 WHERE claim = $1";
const MARK: &str = "UPDATE precis_meta SET sealed = $1 WHERE name = 'check'";

/// Rewrites what is of the format `found`, unless that is the present one.
pub(super) async fn migrate(
    transaction: &Transaction<'_>,
    vault: &Vault,
    formats: &Formats,
    found: u32,
) -> Result<(), Failure> {
    if found == formats.known {
        return Ok(());
    }
    let migration = Migration { vault, tables: &TABLES, steps: formats.after(found)? };
    transaction.batch_execute(NO_HURRY).await?;
    transaction.batch_execute(LOCK).await?;
    for step in migration.steps {
        transaction.batch_execute(step.sql).await?;
    }
    let mut after: Vec<u8> = Vec::new();
    loop {
        let rows = transaction.query(READ, &[&after, &BATCH]).await?;
        for row in &rows {
            let claim: &[u8] = row.try_get(0).map_err(|_| NOT_OURS)?;
            after = claim.to_vec();
            let Ok(name) = RowId::try_from(claim) else { continue };
            let sealed: &[u8] = row.try_get(1).map_err(|_| NOT_OURS)?;
            let result: Option<&[u8]> = row.try_get(2).map_err(|_| NOT_OURS)?;
            // What is damaged stays as it is: it is found damaged by whoever asks for it.
            let Some(migrated) = migration.row(&name, sealed, result)? else { continue };
            transaction.execute(RECORD, &[&claim, &migrated.record]).await?;
            if let Some(result) = migrated.result {
                transaction.execute(RESULT, &[&claim, &result]).await?;
            }
        }
        if rows.is_empty() {
            break;
        }
    }
    let sealed = vault.seal(CHECK_TABLE, &CHECK_ROW, &formats.check(CHECK_WORDS))?;
    transaction.execute(MARK, &[&sealed]).await?;
    Ok(())
}

#[cfg(test)]
#[path = "../../tests/server/mod.rs"]
mod server;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use tokio_postgres::{Client, NoTls};

    use super::server::Server;
    use super::*;
    use crate::error::LedgerError;
    use crate::format::FORMATS;
    use crate::format::older::{OLDER, older_record};
    use crate::ledger::{Claim, Ledger};
    use crate::record::{Change, JobResult, NewClaim, Record};
    use crate::seal::SealingKey;
    use crate::{Authorization, Flow, JobId, PostgresLedger, State};

    const NOW: u64 = 1_790_000_000;

    fn key() -> SealingKey {
        SealingKey::new([5; 32])
    }

    async fn sql(url: &str) -> Client {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// More than one batch of jobs, the first of them with a result.
    async fn filled(url: &str) -> Vec<Record> {
        let ledger = PostgresLedger::connect(url, key()).await.unwrap();
        let mut records = Vec::new();
        for number in 0..u8::try_from(BATCH).unwrap() + 20 {
            let authorization = Authorization {
                network: "eip155:8453".into(),
                asset: [0xaa; 20],
                pay_to: [0xbb; 20],
                amount: 1_500,
                payer: [number; 20],
                nonce: [number; 32],
                valid_before: NOW + 600,
            };
            let claim = NewClaim {
                job_id: JobId([number; 16]),
                authorization,
                fingerprint: [number; 32],
                identifier: None,
                flow: Flow::Authorization,
                context: vec![number; 8],
                at: NOW,
                max_unsettled: None,
                funds: None,
            };
            let Claim::Fresh(mut record) = ledger.claim(claim).await.unwrap() else { panic!("not fresh") };
            if number == 0 {
                let result = JobResult { status: 422, response: b"summary".to_vec(), receipt: None };
                for change in [Change::to(State::Running, NOW), Change::to(State::Done, NOW).with_result(result)] {
                    record = ledger.advance(&record.claim_key(), record.version, change).await.unwrap();
                }
            }
            records.push(record);
        }
        records
    }

    /// Turns the tables into those of format 0; the row `damaged` is spoilt.
    async fn age(client: &Client, vault: &Vault, damaged: &RowId) {
        let rows = "SELECT r.claim, r.sealed, s.sealed FROM precis_records r LEFT JOIN precis_results s USING (claim)";
        for row in client.query(rows, &[]).await.unwrap() {
            let claim: Vec<u8> = row.get(0);
            let name = RowId::try_from(&claim[..]).unwrap();
            let plain = vault.open(TABLES.records, &name, row.get(1)).unwrap();
            let result: Option<&[u8]> = row.get(2);
            let result = result.map(|sealed| vault.open(TABLES.results, &name, sealed).unwrap().to_vec());
            let (record, result) = older_record(&plain, result.as_deref());
            let mut sealed = vault.seal(TABLES.records, &name, &record).unwrap();
            if name == *damaged {
                sealed[30] ^= 1;
            }
            client.execute(RECORD, &[&claim, &sealed]).await.unwrap();
            if let Some(result) = result {
                let sealed = vault.seal(TABLES.results, &name, &result).unwrap();
                client.execute(RESULT, &[&claim, &sealed]).await.unwrap();
            }
        }
        mark(client, vault, OLDER.steps[0].from).await;
        client.batch_execute("ALTER TABLE precis_records DROP COLUMN identifier").await.unwrap();
    }

    async fn mark(client: &Client, vault: &Vault, number: u32) {
        let check = vault.seal(CHECK_TABLE, &CHECK_ROW, format!("{CHECK_WORDS}{number}").as_bytes()).unwrap();
        client.execute(MARK, &[&check]).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn tables_of_an_older_format_are_rewritten_whole_or_not_at_all_and_newer_ones_are_refused() {
        let Some(server) = Server::start() else { return };
        let url = server.url("postgres");
        let records = filled(&url).await;
        let (client, vault) = (sql(&url).await, Vault::new(&key()));
        age(&client, &vault, &vault.claim_row(&records[7].claim_key())).await;
        // Nothing leads on from there, for this version.
        assert!(matches!(PostgresLedger::connect(&url, key()).await, Err(LedgerError::Older { .. })));

        // A migration that fails at its end has changed nothing.
        client
            .batch_execute("ALTER TABLE precis_meta ADD CONSTRAINT stuck CHECK (length(sealed) < 1) NOT VALID")
            .await
            .unwrap();
        assert!(PostgresLedger::open_of(&url, None, key(), &OLDER).await.is_err());
        client.batch_execute("ALTER TABLE precis_meta DROP CONSTRAINT stuck").await.unwrap();
        // Two instances that start at once migrate once.
        let (first, second) = tokio::join!(
            PostgresLedger::open_of(&url, None, key(), &OLDER),
            PostgresLedger::open_of(&url, None, key(), &OLDER)
        );
        drop((first.unwrap(), second.unwrap()));

        let ledger = PostgresLedger::connect(&url, key()).await.unwrap();
        for (number, record) in records.iter().enumerate() {
            let found = ledger.get(&record.claim_key()).await;
            if number == 7 {
                assert!(matches!(found, Err(LedgerError::Corrupt(_))));
            } else {
                assert_eq!(found.unwrap().as_ref(), Some(record));
            }
        }
        let open = ledger.unfinished().await.unwrap();
        assert_eq!((open.records.len(), open.damaged.len()), (records.len() - 1, 1));

        mark(&client, &vault, FORMATS.known + 1).await;
        let refused = PostgresLedger::connect(&url, key()).await.err().unwrap();
        assert_eq!(refused, LedgerError::Newer { found: FORMATS.known + 1, known: FORMATS.known });
    }
}
