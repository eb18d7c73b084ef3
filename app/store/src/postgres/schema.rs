//! The tables, and the check that they are a ledger's and sealed with our key.

use super::failure::{Failure, NOT_OURS};
use super::migrate::{CHECK_ROW, CHECK_TABLE, CHECK_WORDS, migrate};
use super::shared::Shared;
use crate::error::LedgerError;
use crate::format::Formats;
use crate::seal::Vault;

/// Serializes instances that start on an empty database. Any number that others are unlikely to lock.
const SETUP_LOCK: i64 = i64::from_be_bytes(*b"precisdb");

/// What is sealed does not compress.
const CREATE: &str = "
    CREATE TABLE precis_meta (name text PRIMARY KEY, sealed bytea NOT NULL);
    CREATE TABLE precis_records (
        claim bytea PRIMARY KEY,
        payer bytea NOT NULL,
        job bytea NOT NULL UNIQUE,
        identifier bytea UNIQUE,
        unsettled boolean NOT NULL,
        forgettable bytea,
        sealed bytea NOT NULL
    );
    CREATE INDEX precis_unfinished ON precis_records (payer, unsettled) WHERE forgettable IS NULL;
    CREATE INDEX precis_forgettable ON precis_records (forgettable) WHERE forgettable IS NOT NULL;
    CREATE TABLE precis_results (
        claim bytea PRIMARY KEY REFERENCES precis_records ON DELETE CASCADE,
        sealed bytea NOT NULL
    );
    CREATE TABLE precis_documents (name bytea PRIMARY KEY, kept_at bigint NOT NULL, document bytea NOT NULL);
    CREATE TABLE precis_holds (claim bytea PRIMARY KEY, holder bytea NOT NULL, until timestamptz NOT NULL);
    ALTER TABLE precis_records ALTER sealed SET STORAGE EXTERNAL;
    ALTER TABLE precis_results ALTER sealed SET STORAGE EXTERNAL;
";

const SEEN: &str = "SELECT count(name) FROM unnest(ARRAY['meta', 'records', 'results', 'documents', 'holds']) AS name
    WHERE to_regclass('precis_' || name) IS NOT NULL";
const TABLE_COUNT: i64 = 5;

/// Makes the tables if there are none, and brings those of an older format to the present one; if they are of the present one, changes nothing, and so
/// needs no right to.
pub(super) async fn prepare(shared: &Shared, formats: &Formats) -> Result<(), Failure> {
    let mut client = shared.client().await?;
    let durable: bool = client.query_one("SELECT current_setting('fsync')::boolean", &[]).await?.try_get(0)?;
    if !durable {
        return Err(LedgerError::Unsuitable("with fsync off it forgets what it has confirmed").into());
    }
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&SETUP_LOCK]).await?;
    let seen: i64 = transaction.query_one(SEEN, &[]).await?.try_get(0)?;
    match seen {
        TABLE_COUNT => {
            let check = transaction.query_opt("SELECT sealed FROM precis_meta WHERE name = 'check'", &[]).await?;
            let check = check.ok_or(NOT_OURS)?;
            let found = format(check.try_get(0).map_err(|_| NOT_OURS)?, &shared.vault, formats)?;
            migrate(&transaction, &shared.vault, formats, found).await?;
        }
        0 => {
            transaction.batch_execute(CREATE).await?;
            let sealed = shared.vault.seal(CHECK_TABLE, &CHECK_ROW, &formats.check(CHECK_WORDS))?;
            transaction.execute("INSERT INTO precis_meta (name, sealed) VALUES ('check', $1)", &[&sealed]).await?;
        }
        _ => return Err(NOT_OURS.into()),
    }
    transaction.commit().await?;
    Ok(())
}

/// The number of the format, if the key is the right one.
fn format(sealed: &[u8], vault: &Vault, formats: &Formats) -> Result<u32, LedgerError> {
    let value = vault.open(CHECK_TABLE, &CHECK_ROW, sealed).ok_or(LedgerError::WrongKey)?;
    formats.of(CHECK_WORDS, &value)
}
