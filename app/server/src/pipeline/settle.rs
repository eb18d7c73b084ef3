//! The payment is taken: for a result that exists, or, where that was announced, before the work. What is sent is written
//! down before it leaves, and an outcome that is not certain is never called a refusal (SPEC 6.5).

use alloy_primitives::B256;
use precis_payment::exact;
use precis_payment::facilitator::{Settlement, SignedTransaction, Unavailable};
use precis_protocol::problem::Charged;
use precis_store::{Broadcast, Change, Record, Stage, State};

use super::state::{Claimed, Done, Prepaid, Settled};
use crate::clock;
use crate::error::{Class, Failure};
use crate::jobs::context::Context;
use crate::jobs::ledger::{advance, ledger_failure};
use crate::jobs::reverters;
use crate::service::{Rail, Service};

/// Transactions that are made for one settlement in a row, when others of the same wallet displace them.
const SUBMISSIONS: u32 = 5;

/// Step 6: settles, unless it was settled before.
///
/// # Errors
/// `settlement_refused` when the money will not come: nothing was charged. `settlement_unknown` when nobody can tell yet:
/// the same payment may be retried, and only the same.
pub async fn settle(service: &Service, done: Done) -> Result<Settled, Failure> {
    let Done { record, context } = done;
    if let State::Settled { transaction } = &record.state {
        return Ok(Settled { paid: B256::from(*transaction), record, context });
    }
    let (record, paid) = take(service, record, &context).await?;
    Ok(Settled { record, context, paid })
}

/// Step 5 where the payment is taken first. Without the document nothing is taken: what was begun is only looked for.
///
/// # Errors
/// As [`settle`]; `job_interrupted` when the document is gone and nothing was taken, or nobody can tell.
pub async fn settle_upfront(service: &Service, mut claimed: Claimed) -> Result<Prepaid, Failure> {
    if let State::Paid { transaction } | State::Settled { transaction } = &claimed.record.state {
        return Ok(Prepaid { paid: B256::from(*transaction), claimed });
    }
    let (record, paid) = match (&claimed.work, claimed.record.state.stage()) {
        (Some(_), _) => take(service, claimed.record, &claimed.context).await?,
        (None, Stage::Settling | Stage::Unknown) => {
            let looked = look(service, claimed.record, &claimed.context).await;
            // Whoever has the document goes on.
            looked.map_err(|failure| match failure.class() {
                Class::SettlementUnknown => Failure::new(Class::Interrupted, "").charged(Charged::Unknown),
                _ => failure,
            })?
        }
        (None, _) => return Err(Failure::new(Class::Interrupted, "")),
    };
    claimed.record = advance(service, &record, Change::to(State::Paid { transaction: paid.0 }, clock::now())).await?;
    Ok(Prepaid { claimed, paid })
}

/// Takes the money, or goes on where an earlier attempt stopped.
async fn take(service: &Service, mut record: Record, context: &Context) -> Result<(Record, B256), Failure> {
    let (payment, rail) = &context.payment(service)?;
    let mut settlement = match &record.state {
        State::Settling { .. } | State::Unknown { .. } => {
            let stored = stored(&record.state);
            rail.facilitator.resume(payment.transfer(), stored.as_ref(), context.seen_at).await
        }
        _ => Settlement::Deferred(Unavailable::Displaced),
    };
    for _ in 0..SUBMISSIONS {
        // Nothing is under way: the authorization's own nonce makes another attempt safe.
        if !matches!(settlement, Settlement::Deferred(Unavailable::Displaced)) {
            break;
        }
        (record, settlement) = submit(service, rail, record, payment).await?;
    }
    close(service, record, payment, settlement).await.map_err(doubtful)
}

/// Finds out what became of a payment that was begun, and takes nothing.
async fn look(service: &Service, record: Record, context: &Context) -> Result<(Record, B256), Failure> {
    let (payment, rail) = &context.payment(service)?;
    let stored = stored(&record.state);
    let settlement = rail.facilitator.ended(payment.transfer(), stored.as_ref(), context.seen_at).await;
    close(service, record, payment, settlement).await.map_err(doubtful)
}

/// Once a settlement was begun, the ledger's failure says nothing of the money.
fn doubtful(failure: Failure) -> Failure {
    match failure.class() {
        Class::Internal => failure.charged(Charged::Unknown),
        _ => failure,
    }
}

fn stored(state: &State) -> Option<SignedTransaction> {
    let (State::Settling { broadcast } | State::Unknown { broadcast }) = state else { return None };
    let Broadcast { transaction, raw } = broadcast.as_ref()?;
    Some(SignedTransaction { hash: B256::from(*transaction), raw: raw.clone().into() })
}

async fn submit(
    service: &Service,
    rail: &Rail,
    record: Record,
    payment: &exact::Authorized,
) -> Result<(Record, Settlement), Failure> {
    let prepared = match rail.facilitator.prepare(payment).await {
        Ok(prepared) => prepared,
        Err(settlement) => return Ok((record, settlement)),
    };
    let broadcast = prepared.transaction().map(|t| Broadcast { transaction: t.hash.0, raw: t.raw.to_vec() });
    let record = advance(service, &record, Change::to(State::Settling { broadcast }, clock::now())).await?;
    let settlement = rail.facilitator.broadcast(payment, prepared).await;
    Ok((record, settlement))
}

/// Writes the outcome down and turns it into an answer.
async fn close(
    service: &Service,
    record: Record,
    payment: &exact::Authorized,
    settlement: Settlement,
) -> Result<(Record, B256), Failure> {
    let response = settlement.response(payment.transfer());
    tracing::info!(event = "payment.settlement", success = response.success, code = response.error_reason.as_deref());
    let change = |state| Change::to(state, clock::now());
    match settlement {
        // Paid before anything was sent: by somebody else's hand, with an authorization that paid us.
        Settlement::Settled(paid) if !matches!(record.state.stage(), Stage::Settling | Stage::Unknown) => {
            let record = advance(service, &record, change(State::Settling { broadcast: None })).await?;
            Ok((record, paid.transaction))
        }
        Settlement::Settled(paid) => Ok((record, paid.transaction)),
        Settlement::Rejected { reason, transaction } => {
            if transaction.is_some() {
                // First: until then the job is unsettled, and its payer can claim no other.
                let kept = reverters::remember(service.payments.ledger.as_ref(), payment, clock::now()).await;
                kept.map_err(ledger_failure)?;
            }
            advance(service, &record, change(State::Rejected { code: reason.code().to_owned() })).await?;
            Err(Failure::new(Class::SettlementRefused, reason.to_string()).with_settlement(response))
        }
        Settlement::Deferred(why) => {
            tracing::warn!(event = "payment.deferred", why = %why);
            // What was begun earlier may yet have left.
            let begun = matches!(record.state.stage(), Stage::Settling | Stage::Unknown);
            let charged = if begun { Charged::Unknown } else { Charged::No };
            Err(Failure::new(Class::ChainUnavailable, "").charged(charged).with_settlement(response))
        }
        Settlement::Unknown { .. } => {
            if let State::Settling { broadcast } = &record.state {
                advance(service, &record, change(State::Unknown { broadcast: broadcast.clone() })).await?;
            }
            Err(Failure::new(Class::SettlementUnknown, "").charged(Charged::Unknown).with_settlement(response))
        }
    }
}
