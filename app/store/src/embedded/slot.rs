//! The open database, or why there is none; and how a database whose storage failed is opened again.
//!
//! After an I/O error the storage library answers nothing more until the file is closed and opened anew, which is also what a crash would lead to: the
//! file is checked whole and repaired, and what was confirmed is there.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use redb::Database;
use tokio::sync::watch;
use tokio::time::Instant;

use super::open::{existing, probe};
use super::{Shared, blocking};
use crate::ledger::LedgerError;

/// Pause before the first try to open it again; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How long a storage that fails otherwise than by being full is tried again. After that a new process may find what this one does not.
const GIVE_UP: Duration = Duration::from_secs(300);

pub(super) struct Slot {
    place: RwLock<Result<Database, LedgerError>>,
    /// Where to open it again; none if there is no file.
    path: Option<PathBuf>,
    mending: AtomicBool,
    lost: watch::Sender<Option<LedgerError>>,
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

    fn put(&self, place: Result<Database, LedgerError>) {
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

impl Shared {
    /// Closes the database, and opens it again as soon as that is possible. Returns at once.
    pub(super) fn mend(self: &Arc<Self>, why: LedgerError) {
        self.vitals.failed();
        let Some(path) = self.slot.path.clone() else {
            _ = self.slot.lost.send_replace(Some(why));
            return;
        };
        if !self.slot.mending.swap(true, Ordering::SeqCst) {
            tokio::spawn(until_open(Arc::downgrade(self), path, why));
        }
    }
}

async fn until_open(shared: Weak<Shared>, path: PathBuf, why: LedgerError) {
    let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
    let Some(closing) = shared.upgrade() else { return };
    // A panic while it closes leaves it closed.
    let closed = blocking(move || {
        closing.slot.put(Err(why));
        Ok(())
    });
    _ = closed.await;
    loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        let (Some(mending), path) = (shared.upgrade(), path.clone()) else { return };
        let opened = blocking({
            let mending = Arc::clone(&mending);
            move || {
                let database = existing(&path, &mending.vault)?;
                // One that opens may still have no room for a change.
                probe(&database)?;
                Ok(database)
            }
        });
        match opened.await {
            Ok(database) => {
                mending.slot.put(Ok(database));
                mending.vitals.stored();
                mending.slot.mending.store(false, Ordering::SeqCst);
                return;
            }
            Err(LedgerError::Full) => {}
            Err(why @ (LedgerError::WrongKey | LedgerError::Corrupt(_) | LedgerError::Newer { .. })) => {
                _ = mending.slot.lost.send_replace(Some(why));
                return;
            }
            Err(why) if begun.elapsed() > GIVE_UP => {
                _ = mending.slot.lost.send_replace(Some(why));
                return;
            }
            Err(_) => {}
        }
    }
}
