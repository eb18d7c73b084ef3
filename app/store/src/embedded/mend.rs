//! A database whose storage failed is closed, and opened again as soon as that is possible.
//!
//! After an I/O error the storage library answers nothing more until the file is closed and opened anew, which is also what a crash would lead to: the
//! file is checked whole and repaired, and what was confirmed is there.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::open::{existing, probe};
use super::shared::Shared;
use super::storage::blocking;
use crate::error::LedgerError;

/// Pause before the first try to open it again; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How long a storage that fails otherwise than by being full is tried again. After that a new process may find what this one does not.
const GIVE_UP: Duration = Duration::from_secs(300);

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
            Err(
                why @ (LedgerError::WrongKey
                | LedgerError::Corrupt(_)
                | LedgerError::Newer { .. }
                | LedgerError::Older { .. }),
            ) => {
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
