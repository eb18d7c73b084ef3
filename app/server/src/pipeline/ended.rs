//! Jobs that end without a result: what is written down, what is signed, what is answered, now and later.

use alloy_primitives::B256;
use precis_payment::wire::SettleResponse;
use precis_protocol::problem::outcome;
use precis_protocol::receipt::ReceiptStatus;
use precis_store::{Change, JobResult, Record, State};

use super::context::Context;
use super::receipt::{self, Statement};
use super::summarize::advance;
use crate::clock;
use crate::error::{Class, Failure};
use crate::service::Service;

/// The answer of a job that has ended without a result, or is being paid back; none if there is or may yet be one.
pub(super) fn without_result(record: &Record, context: &Context) -> Option<Failure> {
    let failed = |code: &str| {
        let failure = Failure::new(Class::of_ended_job(code).unwrap_or(Class::WorkFailed), "");
        let receipt = record.result.as_ref().and_then(|result| result.receipt.as_deref());
        match receipt.map(serde_json::from_slice) {
            Some(Ok(receipt)) => failure.with_receipt(receipt),
            _ => failure,
        }
    };
    match &record.state {
        State::Failed { code } => Some(failed(code)),
        State::Void { code } if Class::of_ended_job(code).is_some() => Some(failed(code)),
        State::Rejected { code } | State::Void { code } => {
            let (network, payer) = (context.payment.accepted.network, record.authorization.payer.into());
            let refused = SettleResponse::failed(network, Some(payer), code, None);
            Some(Failure::new(Class::SettlementRefused, code.clone()).with_settlement(refused))
        }
        State::Refunding { code, .. } => Some(failed(code).refunding()),
        State::Refunded { code, refund, .. } => Some(failed(code).refunded(B256::from(*refund).to_string())),
        _ => None,
    }
}

/// Ends a job whose work was not done and whose payment was not taken, with a receipt that says so.
///
/// # Errors
/// When the ledger cannot store it.
pub(super) async fn fail(
    service: &Service,
    record: Record,
    context: &Context,
    class: Class,
) -> Result<Failure, Failure> {
    // Whatever went wrong inside: as an end, it is that the work failed.
    let class = if class == Class::Internal { Class::WorkFailed } else { class };
    let change = Change::to(State::Failed { code: class.code().to_owned() }, clock::now());
    let signed = statement(service, &record, context, class, B256::ZERO, None).await;
    let record = advance(service, &record, with(change, signed)).await?;
    without_result(&record, context).ok_or_else(|| Failure::internal("ledger", "a failed job has no failure"))
}

/// The receipt of a job without a result, to be stored with its end: of the payment `paid`, and of the `refund` that undid it.
pub(super) async fn statement(
    service: &Service,
    record: &Record,
    context: &Context,
    class: Class,
    paid: B256,
    refund: Option<B256>,
) -> Result<JobResult, Failure> {
    let refund = refund.map(|refund| refund.to_string());
    let bytes = outcome(class.code(), refund.as_deref());
    let (status, http) = match refund {
        None => (ReceiptStatus::FailedUncharged, class.status().as_u16()),
        Some(_) => (ReceiptStatus::FailedRefunded, class.status().as_u16()),
    };
    let statement = Statement { status, http, bytes: &bytes, completed: None, paid };
    let (signed, _) = receipt::sign(service, record, context, &statement).await?;
    let receipt = serde_json::to_vec(&signed).map_err(|e| Failure::internal("receipt", e))?;
    Ok(JobResult { status: http, response: bytes, receipt: Some(receipt) })
}

/// The end of a job does not wait for its receipt: without one it is still the end.
pub(super) fn with(change: Change, signed: Result<JobResult, Failure>) -> Change {
    match signed {
        Ok(result) => change.with_result(result),
        Err(failure) => {
            tracing::warn!(event = "receipt.missing", code = failure.code());
            change
        }
    }
}
