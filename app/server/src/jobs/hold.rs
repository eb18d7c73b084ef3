//! One replica for one job, of all that share a ledger. Within a replica, flights do that ([`crate::flights`]).

use std::future::Future;
use std::time::Duration;

use precis_store::{ClaimKey, Hold};

use super::ledger::ledger_failure;
use crate::error::Failure;
use crate::service::Service;

/// How long a replica that is gone keeps its jobs from the others.
const HOLD: Duration = Duration::from_secs(30);
/// Pause between two tries to get a job that another replica works on.
const POLL: Duration = Duration::from_millis(250);

/// Whether nobody works on the job at this moment.
pub(crate) async fn is_free(service: &Service, key: &ClaimKey) -> Result<bool, Failure> {
    let (ledger, holder) = (&service.payments.ledger, service.holder());
    let free = ledger.hold(key, &holder, HOLD).await.map_err(ledger_failure)? == Hold::Ours;
    if free {
        ledger.release(key, &holder).await.map_err(ledger_failure)?;
    }
    Ok(free)
}

/// Runs `work` while this replica holds the job; waits for as long as another one does. `work` reads the job anew.
///
/// # Errors
/// When the ledger fails, or as `work` does.
pub(crate) async fn held<T>(
    service: &Service,
    key: &ClaimKey,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let (ledger, holder) = (&service.payments.ledger, service.holder());
    while ledger.hold(key, &holder, HOLD).await.map_err(ledger_failure)? == Hold::Theirs {
        tokio::time::sleep(POLL).await;
    }
    let renew = async {
        loop {
            tokio::time::sleep(HOLD / 3).await;
            // A hold that is lost costs double work, not double money.
            if let Err(error) = ledger.hold(key, &holder, HOLD).await {
                tracing::warn!(event = "ledger.hold_failed", why = %error);
            }
        }
    };
    let outcome = tokio::select! {
        outcome = work => outcome,
        never = renew => match never {},
    };
    if let Err(error) = ledger.release(key, &holder).await {
        tracing::warn!(event = "ledger.release_failed", why = %error);
    }
    outcome
}
