//! Step 7: the receipt over what was observed in this enclave: request, result, payment, code, model (SPEC 7).

use precis_protocol::receipt::ReceiptStatus;
use precis_protocol::result::TaskResult;
use precis_store::Stage;

use super::offer;
use super::state::{Receipted, Settled};
use crate::error::Failure;
use crate::jobs::receipts::{Kept, Statement, sign};
use crate::service::Service;

/// Signs. A job that was delivered before keeps the receipt it had.
///
/// # Errors
/// When the receipt cannot be signed: then nothing is released, and the same payment may be retried.
pub async fn receipt(service: &Service, settled: Settled) -> Result<Receipted, Failure> {
    let result = settled.result()?;
    if settled.record.state.stage() == Stage::Settled {
        return Ok(Receipted { kept: Kept::stored(result)?, settled, stored: true });
    }
    let made = TaskResult::read(settled.context.task, &result.response);
    let made = made.map_err(|e| Failure::internal("stored result", e))?;
    let statement = Statement {
        status: ReceiptStatus::Completed,
        http: result.status,
        bytes: &result.response,
        completed: Some(made.tokens),
        paid: settled.paid,
    };
    let (signed, by) = sign(service, &settled.record, &settled.context, &statement).await?;
    let settlement = offer::settlement(service, &by, &settled, &signed)?;
    let receipt = serde_json::value::to_raw_value(&signed).map_err(|e| Failure::internal("receipt", e))?;
    Ok(Receipted { settled, kept: Kept { receipt, settlement }, stored: false })
}
