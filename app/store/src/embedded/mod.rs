//! The ledger of one instance: one redb file, one commit with fsync per change.

mod documents;
mod holds;
mod inspect;
mod lists;
mod mend;
mod migrate;
mod open;
mod overlay;
mod shared;
mod slot;
mod storage;
mod tables;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redb::StorageBackend;

use crate::claim::{ClaimKey, JobId};
use crate::error::LedgerError;
use crate::format::FORMAT;
use crate::ledger::{Claim, Cursor, Hold, Holder, Ledger, LedgerHealth, Listing};
use crate::record::{Change, JobResult, NewClaim, Record};
use crate::seal::{SealingKey, Vault};
use crate::state::State;
use crate::vitals::Vitals;
use shared::Shared;
use storage::{PANICKED, blocking};

/// A [`Ledger`] in one file, for one process at a time. Calls run on Tokio's blocking threads.
///
/// When its storage fails, every call fails until the file has been closed and opened again, which it does by itself.
#[derive(Clone)]
pub struct EmbeddedLedger(Arc<Shared>);

impl EmbeddedLedger {
    /// Opens the ledger at `path`, or makes an empty one if there is no file. A file that exists is checked whole first, without being
    /// changed: every page's checksum, and that it was sealed with `key`. After a crash the file is then repaired.
    ///
    /// # Errors
    /// [`LedgerError::WrongKey`], [`LedgerError::Corrupt`], [`LedgerError::Newer`], [`LedgerError::Older`] and [`LedgerError::InUse`] leave the file as it was. [`LedgerError::Full`] and
    /// [`LedgerError::Storage`] if the disk fails.
    pub async fn open(path: impl AsRef<Path>, key: SealingKey) -> Result<Self, LedgerError> {
        let path = path.as_ref().to_owned();
        blocking(move || {
            let vault = Vault::new(&key);
            let database = open::at_path(&path, &vault)?;
            Ok(Self::around(slot::Slot::new(database, Some(path)), vault))
        })
        .await
    }

    /// As [`EmbeddedLedger::open`], on other storage; made empty there if it is empty, not inspected first, and not opened again if it fails.
    ///
    /// # Errors
    /// As [`EmbeddedLedger::open`], but the storage may have been changed.
    pub async fn on_backend(backend: impl StorageBackend, key: SealingKey) -> Result<Self, LedgerError> {
        blocking(move || {
            let vault = Vault::new(&key);
            let database = open::on_backend(backend, &vault)?;
            Ok(Self::around(slot::Slot::new(database, None), vault))
        })
        .await
    }

    fn around(slot: slot::Slot, vault: Vault) -> Self {
        Self(Arc::new(Shared { slot, vault, holds: holds::Holds::default(), vitals: Vitals::default() }))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let shared = Arc::clone(&self.0);
        let outcome = blocking(move || {
            let outcome = work(&shared);
            // Also when nobody waits for it any more.
            if let Err(error) = &outcome
                && error.is_outage()
            {
                shared.mend(error.clone());
            }
            outcome
        })
        .await;
        if matches!(outcome, Err(PANICKED)) {
            self.0.mend(PANICKED);
        }
        outcome
    }

    /// As `run`, for what changes something.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.run(move |shared| {
            let outcome = work(shared);
            if outcome.is_ok() {
                shared.vitals.stored();
            }
            outcome
        })
        .await
    }
}

#[async_trait]
impl Ledger for EmbeddedLedger {
    async fn claim(&self, new: NewClaim) -> Result<Claim, LedgerError> {
        self.write(move |shared| shared.claim(new)).await
    }

    async fn get(&self, key: &ClaimKey) -> Result<Option<Record>, LedgerError> {
        let key = *key;
        self.run(move |shared| shared.get(&key)).await
    }

    async fn by_job_id(&self, id: &JobId) -> Result<Option<Record>, LedgerError> {
        let id = *id;
        self.run(move |shared| shared.by_job_id(&id)).await
    }

    async fn advance(&self, key: &ClaimKey, expected: u64, change: Change) -> Result<Record, LedgerError> {
        let key = *key;
        self.write(move |shared| {
            if matches!(change.to, State::Settled { .. }) {
                return Err(LedgerError::ResultRequired);
            }
            shared.change(&key, expected, change)
        })
        .await
    }

    async fn finish_settled(
        &self,
        key: &ClaimKey,
        expected: u64,
        transaction: [u8; 32],
        result: JobResult,
        at: u64,
    ) -> Result<Record, LedgerError> {
        let key = *key;
        let change = Change::to(State::Settled { transaction }, at).with_result(result);
        self.write(move |shared| shared.change(&key, expected, change)).await
    }

    async fn by_identifier(&self, identifier: &[u8; 32]) -> Result<Option<Record>, LedgerError> {
        let identifier = *identifier;
        self.run(move |shared| shared.by_identifier(&identifier)).await
    }

    async fn hold(&self, key: &ClaimKey, holder: &Holder, time: Duration) -> Result<Hold, LedgerError> {
        Ok(self.0.holds.hold(key, holder, time))
    }

    async fn release(&self, key: &ClaimKey, holder: &Holder) -> Result<(), LedgerError> {
        self.0.holds.release(key, holder);
        Ok(())
    }

    async fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Listing, LedgerError> {
        self.run(move |shared| shared.page(after, limit)).await
    }

    async fn unfinished(&self) -> Result<Listing, LedgerError> {
        self.run(Shared::unfinished).await
    }

    async fn unsettled_of(&self, payer: &[u8; 20]) -> Result<u64, LedgerError> {
        let payer = *payer;
        self.run(move |shared| shared.unsettled_of(&payer)).await
    }

    async fn keep(&self, name: &[u8; 32], document: &[u8], at: u64) -> Result<(), LedgerError> {
        let (name, document) = (*name, document.to_vec());
        self.write(move |shared| shared.keep(&name, &document, at)).await
    }

    async fn kept(&self, name: &[u8; 32]) -> Result<Option<Vec<u8>>, LedgerError> {
        let name = *name;
        self.run(move |shared| shared.kept(&name)).await
    }

    async fn expire(&self, before: u64) -> Result<u64, LedgerError> {
        // Taking away is no proof that there is room.
        self.run(move |shared| shared.expire(before)).await
    }

    fn health(&self) -> LedgerHealth {
        self.0.vitals.health(FORMAT)
    }

    async fn lost(&self) -> LedgerError {
        self.0.slot.lost().await
    }
}
