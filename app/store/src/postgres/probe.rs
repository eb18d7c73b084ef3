//! A database that failed is tried with a change of its own until that is stored: nobody who depends on it need come first.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::failure::Failure;
use super::shared::Shared;
use crate::error::LedgerError;
use crate::seal::RowId;

/// Pause before the first try; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// What a try may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// Blinded keys of jobs never look like this.
const PROBE_ROW: RowId = [0xff; 32];
/// Needs pages of its own, so that a disk without room refuses it; random, so that it does not compress.
const PROBE_BYTES: usize = 64 * 1024;

const PUT: &str = "INSERT INTO precis_records (claim, payer, job, unsettled, forgettable, sealed)
    VALUES ($1, $1, $1, false, $1, $2) ON CONFLICT DO NOTHING";
const TAKE: &str = "DELETE FROM precis_records WHERE claim = $1";

/// Notes the failure and begins to try, unless that goes on already. Returns at once.
pub(super) fn until_stored(shared: &Arc<Shared>, why: &LedgerError) {
    shared.vitals.failed();
    if matches!(why, LedgerError::Newer { .. }) {
        shared.lost.send_replace(Some(why.clone()));
    } else if !shared.probing.swap(true, Ordering::SeqCst) {
        tokio::spawn(again(Arc::downgrade(shared)));
    }
}

async fn again(shared: Weak<Shared>) {
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        let Some(shared) = shared.upgrade() else { return };
        if let Ok(Ok(())) = tokio::time::timeout(PROBE_TIMEOUT, shared.probe()).await {
            shared.probing.store(false, Ordering::SeqCst);
            shared.vitals.stored();
            return;
        }
    }
}

impl Shared {
    /// Stores something, and takes it away again: one transaction, so that nobody else sees it.
    async fn probe(&self) -> Result<(), Failure> {
        let mut bytes = vec![0; PROBE_BYTES];
        getrandom::fill(&mut bytes).map_err(|_| LedgerError::Storage(std::io::ErrorKind::Other))?;
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        transaction.execute(PUT, &[&&PROBE_ROW[..], &bytes]).await?;
        transaction.execute(TAKE, &[&&PROBE_ROW[..]]).await?;
        transaction.commit().await?;
        Ok(())
    }
}
