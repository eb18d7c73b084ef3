//! The open database, or why there is none.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{PoisonError, RwLock};

use redb::Database;
use tokio::sync::watch;

use crate::error::LedgerError;

pub(super) struct Slot {
    place: RwLock<Result<Database, LedgerError>>,
    /// Where to open it again; none if there is no file.
    pub(super) path: Option<PathBuf>,
    pub(super) mending: AtomicBool,
    pub(super) lost: watch::Sender<Option<LedgerError>>,
}

impl Slot {
    pub(super) fn new(database: Database, path: Option<PathBuf>) -> Self {
        Self { place: RwLock::new(Ok(database)), path, mending: AtomicBool::new(false), lost: watch::Sender::new(None) }
    }

    /// Hands out the database for as long as it takes to begin a transaction.
    pub(super) fn with<T>(&self, begin: impl FnOnce(&Database) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        match &*self.place.read().unwrap_or_else(PoisonError::into_inner) {
            Ok(database) => begin(database),
            Err(why) => Err(why.clone()),
        }
    }

    pub(super) fn put(&self, place: Result<Database, LedgerError>) {
        let old = std::mem::replace(&mut *self.place.write().unwrap_or_else(PoisonError::into_inner), place);
        // Closing writes; nobody needs to wait for that.
        drop(old);
    }

    /// Ends once the ledger is given up.
    pub(super) async fn lost(&self) -> LedgerError {
        let mut lost = self.lost.subscribe();
        let why = lost.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        match why {
            Some(why) => why,
            // The sender lives as long as this.
            None => std::future::pending().await,
        }
    }
}
