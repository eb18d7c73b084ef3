//! Jobs that end without a result: what is written down, what is signed, what is answered, now and later.

use alloy_primitives::B256;
use precis_payment::wire::SettleResponse;
use precis_protocol::problem::{Charged, outcome};
use precis_protocol::receipt::ReceiptStatus;
use precis_store::{Change, JobResult, Record, State};

use super::context::Context;
use super::receipts::{self, Statement};
use crate::error::{Class, Failure};
use crate::service::Service;

/// The answer of a job that has ended without a result, or is being paid back; none if there is or may yet be one.
pub(crate) fn without_result(record: &Record, context: &Context) -> Option<Failure> {
    let failed = |code: &str| {
        let failure = Failure::new(Class::of_ended_job(code).unwrap_or(Class::WorkFailed), "");
        let receipt = record.result.as_ref().and_then(|result| result.receipt.as_deref());
        match receipt.map(serde_json::from_slice) {
            Some(Ok(receipt)) => failure.with_receipt(receipt),
            _ => failure,
        }
    };
    let charge = |failure: Failure| match charge(record) {
        Some(charge) => failure.with_settlement(charge),
        None => failure,
    };
    match &record.state {
        // Without a signed statement nobody knows yet whether somebody else took the payment.
        State::Failed { code } => Some(match record.result {
            Some(_) => failed(code),
            None => failed(code).charged(Charged::Unknown),
        }),
        State::Void { code } if Class::of_ended_job(code).is_some() => Some(failed(code)),
        State::Rejected { code } | State::Void { code } => {
            let (network, payer) = (context.payment.accepted.network, record.authorization.payer.into());
            let refused = SettleResponse::failed(network, Some(payer), code, None);
            Some(Failure::new(Class::SettlementRefused, code.clone()).with_settlement(refused))
        }
        State::Refunding { code, .. } => Some(charge(failed(code).refunding())),
        State::Refunded { code, refund, .. } => Some(charge(failed(code).refunded(B256::from(*refund).to_string()))),
        _ => None,
    }
}

/// `PAYMENT-RESPONSE` of a job whose payment was taken; none while that is not known.
pub(crate) fn charge(record: &Record) -> Option<SettleResponse> {
    let (State::Paid { transaction }
    | State::Settled { transaction }
    | State::Refunding { transaction, .. }
    | State::Refunded { transaction, .. }) = &record.state
    else {
        return None;
    };
    let authorization = &record.authorization;
    let network = authorization.network.parse().ok()?;
    let (payer, amount) = (authorization.payer.into(), authorization.amount.into());
    Some(SettleResponse::settled(network, payer, amount, B256::from(*transaction)))
}

/// `failure` as an answer about the job: a payment that was taken is said with its transaction.
pub(crate) fn about(record: &Record, failure: Failure) -> Failure {
    match charge(record) {
        Some(charge) => failure.charged(Charged::Yes).with_settlement(charge),
        None => failure,
    }
}

/// The receipt of a job without a result, to be stored with its end: of the payment `paid`, and of the `refund` that undid it.
pub(crate) async fn statement(
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
    let (signed, _) = receipts::sign(service, record, context, &statement).await?;
    let receipt = serde_json::to_vec(&signed).map_err(|e| Failure::internal("receipt", e))?;
    Ok(JobResult { status: http, response: bytes, receipt: Some(receipt) })
}

/// The end of a job does not wait for its receipt: without one it is still the end.
pub(crate) fn with(change: Change, signed: Result<JobResult, Failure>) -> Change {
    match signed {
        Ok(result) => change.with_result(result),
        Err(failure) => {
            tracing::warn!(event = "receipt.missing", code = failure.code());
            change
        }
    }
}
