//! The end of a job whose work was not done: not charged, if the chain shows that; paid back, if somebody else took the
//! payment; open, if the chain does not tell.

use alloy_primitives::B256;
use precis_store::{Change, Record, State};

use super::context::Context;
use super::found::{Found, find};
use super::ledger::advance;
use super::{ended, refund};
use crate::clock;
use crate::error::{Class, Failure};
use crate::service::Service;

/// Ends a job whose work was not done and whose payment was not taken by this service, with a receipt that says so.
///
/// # Errors
/// When the ledger cannot store it.
pub(crate) async fn fail(
    service: &Service,
    record: Record,
    context: &Context,
    class: Class,
) -> Result<Failure, Failure> {
    // Whatever went wrong inside: as an end, it is that the work failed.
    let class = if class == Class::Internal { Class::WorkFailed } else { class };
    let change = Change::to(State::Failed { code: class.code().to_owned() }, clock::now());
    let (change, taken) = match find(service, context).await? {
        Found::Open | Found::Ended { .. } => {
            let signed = ended::statement(service, &record, context, class, B256::ZERO, None).await;
            (ended::with(change, signed), None)
        }
        // No statement before the chain tells.
        Found::Unknown(why) => {
            tracing::warn!(event = "payment.undecided", why = %why);
            (change, None)
        }
        Found::Taken(paid) => (change, Some(paid)),
    };
    let record = advance(service, &record, change).await?;
    if let Some(paid) = taken {
        tracing::warn!(event = "payment.taken_by_others", code = class.code());
        return refund::begin(service, record, context, paid, class).await;
    }
    ended::without_result(&record, context).ok_or_else(|| Failure::internal("ledger", "a failed job has no failure"))
}
