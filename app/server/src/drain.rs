//! Before the process ends: no new jobs, those in flight are finished, and what is not is said.

use std::time::Duration;

use precis_store::Record;

use crate::clock;
use crate::health::Check;
use crate::service::Service;

/// Jobs that are named in the log when they are not finished, count.
const NAMED: usize = 32;

/// Waits up to `longest` for the jobs in flight, and starts no more. The routes are to answer meanwhile: a caller learns
/// where its job stands, and gets its result when that is there. Gives the number of jobs that were not finished; another
/// process goes on with them.
pub async fn drain(service: &Service, longest: Duration) -> usize {
    service.health.found(Check::Stopping, Err("jobs in flight are finished, no new ones taken".into()), clock::now());
    service.flights.close();
    tracing::info!(event = "drain.begun", jobs = service.flights.names().len(), longest_seconds = longest.as_secs());
    _ = tokio::time::timeout(longest, service.flights.idle()).await;
    let left = service.flights.names();
    if !left.is_empty() {
        tell(service, &left).await;
    }
    tracing::info!(event = "drain.ended", unfinished = left.len());
    left.len()
}

/// Names what is not finished, with how far it came.
async fn tell(service: &Service, left: &[[u8; 32]]) {
    let unfinished = match service.payments.ledger.unfinished().await {
        Ok(unfinished) => unfinished.records,
        Err(error) => return tracing::warn!(event = "drain.unnamed", why = %error),
    };
    let ours = |record: &&Record| left.contains(record.claim_key().as_bytes());
    for record in unfinished.iter().filter(ours).take(NAMED) {
        let (job, stage) = (hex::encode(record.job_id.0), record.state.stage().name());
        tracing::warn!(event = "drain.unfinished", job, stage);
    }
}
