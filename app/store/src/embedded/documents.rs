//! Public documents beside the jobs. They prove themselves to whoever gets them, so that they are kept as they are.

use redb::{ReadableTable, TableDefinition};

use super::shared::Shared;
use super::storage::storage;
use crate::error::LedgerError;
use crate::ledger::MAX_DOCUMENTS;
use crate::record::{limits, within};

/// Name -> document.
pub(super) const DOCUMENTS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("documents");
/// Time (u64) and name of every document.
pub(super) const DOCUMENT_TIMES: TableDefinition<'_, (u64, &[u8; 32]), ()> = TableDefinition::new("document times");

impl Shared {
    pub(super) fn keep(&self, name: &[u8; 32], document: &[u8], at: u64) -> Result<(), LedgerError> {
        within("document", document.len(), limits::MAX_DOCUMENT_BYTES)?;
        let transaction = self.begin_write()?;
        {
            let mut documents = transaction.open_table(DOCUMENTS).map_err(storage)?;
            if documents.get(name).map_err(storage)?.is_some() {
                return Ok(());
            }
            let mut times = transaction.open_table(DOCUMENT_TIMES).map_err(storage)?;
            documents.insert(name, document).map_err(storage)?;
            times.insert((at, name), ()).map_err(storage)?;
            let all = times.iter().map_err(storage)?.map(|entry| entry.map(|(key, _)| (key.value().0, *key.value().1)));
            let all = all.collect::<Result<Vec<_>, _>>().map_err(storage)?;
            for (time, name) in all.iter().take(all.len().saturating_sub(MAX_DOCUMENTS)) {
                documents.remove(name).map_err(storage)?;
                times.remove((*time, name)).map_err(storage)?;
            }
        }
        transaction.commit().map_err(storage)
    }

    pub(super) fn kept(&self, name: &[u8; 32]) -> Result<Option<Vec<u8>>, LedgerError> {
        let transaction = self.begin_read()?;
        let documents = transaction.open_table(DOCUMENTS).map_err(storage)?;
        Ok(documents.get(name).map_err(storage)?.map(|document| document.value().to_vec()))
    }
}
