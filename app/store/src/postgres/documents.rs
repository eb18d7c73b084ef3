//! Public documents beside the jobs. They prove themselves to whoever gets them, so that they are kept as they are.

use super::failure::Failure;
use super::shared::Shared;
use crate::error::LedgerError;
use crate::ledger::MAX_DOCUMENTS;
use crate::record::{limits, within};

const KEEP: &str = "INSERT INTO precis_documents (name, kept_at, document) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

const FORGET: &str = "DELETE FROM precis_documents WHERE name IN
    (SELECT name FROM precis_documents ORDER BY kept_at DESC, name OFFSET $1)";

const KEPT: &str = "SELECT document FROM precis_documents WHERE name = $1";

impl Shared {
    pub(super) async fn keep(&self, name: &[u8; 32], document: &[u8], at: u64) -> Result<(), Failure> {
        within("document", document.len(), limits::MAX_DOCUMENT_BYTES)?;
        let (at, most) = (i64::try_from(at).unwrap_or(i64::MAX), i64::try_from(MAX_DOCUMENTS).unwrap_or(i64::MAX));
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        transaction.execute(KEEP, &[&&name[..], &at, &document]).await?;
        transaction.execute(FORGET, &[&most]).await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn kept(&self, name: &[u8; 32]) -> Result<Option<Vec<u8>>, Failure> {
        let found = self.client().await?.query_opt(KEPT, &[&&name[..]]).await?;
        let Some(row) = found else { return Ok(None) };
        let document: Vec<u8> = row.try_get(0)?;
        // Another owner of the database may have put anything there.
        within("document", document.len(), limits::MAX_DOCUMENT_BYTES)
            .map_err(|_| LedgerError::Corrupt("a document is too large"))?;
        Ok(Some(document))
    }
}
