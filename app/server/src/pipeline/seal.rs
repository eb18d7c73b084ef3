//! Step 8: the paid result and its receipt are stored together, then released; any copy of the payment gets these bytes.

use precis_protocol::Task;
use precis_store::{JobResult, Record, Stage};

use super::state::Receipted;
use crate::clock;
use crate::error::Failure;
use crate::jobs::context::Context;
use crate::jobs::ledger::ledger_failure;
use crate::jobs::receipts::Kept;
use crate::jobs::stored;
use crate::sealed::Sealed;
use crate::service::Service;

/// Stores what is about to be released, unless it was stored before.
///
/// # Errors
/// When the ledger cannot store it: then nothing is released, and the same payment may be retried.
pub async fn seal(service: &Service, receipted: Receipted) -> Result<Sealed, Failure> {
    let Receipted { settled, kept, stored: again } = receipted;
    let sealed = released(settled.context.task, settled.result()?, &kept)?;
    if !again {
        let receipt = stored::write(&kept).map_err(|e| Failure::internal("receipt", e))?;
        let JobResult { status, response, .. } = settled.result()?.clone();
        let result = JobResult { status, response, receipt: Some(receipt) };
        let (key, version) = (settled.record.claim_key(), settled.record.version);
        let finished = service.payments.ledger.finish_settled(&key, version, settled.paid.0, result, clock::now());
        finished.await.map_err(ledger_failure)?;
    }
    tracing::info!(event = "result.released", again, bytes = sealed.bytes());
    Ok(sealed)
}

/// A settled job as it was released, from its record alone.
///
/// # Errors
/// When the record is not that of a settled job.
pub(super) fn again(record: &Record) -> Result<Sealed, Failure> {
    let result = record.result.as_ref().filter(|_| record.state.stage() == Stage::Settled);
    let result = result.ok_or_else(|| Failure::internal("ledger", "a settled job without its result"))?;
    released(Context::of(record)?.task, result, &Kept::stored(result)?)
}

fn released(task: Task, result: &JobResult, kept: &Kept) -> Result<Sealed, Failure> {
    Sealed::new(task, &result.response, kept.receipt.get().as_bytes(), &kept.settlement)
}
