//! Step 6: the payment is taken for a result that exists. What is sent is written down before it leaves, and an outcome
//! that is not certain is never called a refusal (SPEC 6.5).

use std::sync::Arc;

use alloy_primitives::{B256, U256};
use precis_payment::exact::Transfer;
use precis_payment::facilitator::{Paid, Settlement, SignedTransaction};
use precis_payment::AtomicUnits;
use precis_protocol::problem::Charged;
use precis_store::{Authorization, Broadcast, Change, Record, Stage, State};

use super::authorize::{Purchase, ledger_failure};
use super::summarize::{Summarized, advance};
use crate::clock;
use crate::error::{Class, Failure};
use crate::service::Service;

/// Seconds an authorization must have lapsed before a job that never settled is closed.
const LAPSED_SECONDS: u64 = 300;

/// A job that is paid.
pub struct Settled {
    pub(super) purchase: Purchase,
    pub(super) record: Record,
    pub(super) paid: Paid,
}

impl Settled {
    /// Exact bytes of the stored result.
    pub(super) fn result(&self) -> Result<&[u8], Failure> {
        let result = self.record.result.as_ref().ok_or_else(|| Failure::internal("ledger", "a job that is done has no result"))?;
        Ok(&result.response)
    }
}

/// Settles, unless it was settled before.
///
/// # Errors
/// `settlement_refused` when the money will not come: nothing was charged. `settlement_unknown` when nobody can tell yet:
/// the same payment may be retried, and only the same.
pub async fn settle(service: &Service, summarized: Summarized) -> Result<Settled, Failure> {
    let Summarized { purchase, record } = summarized;
    if let State::Settled { transaction } = record.state {
        return Ok(Settled { purchase, record, paid: Paid { transaction: B256::from(transaction), block: 0 } });
    }
    let (record, settlement) = match &record.state {
        State::Done => first_attempt(service, &purchase, record).await?,
        _ => resumed(service, record).await?,
    };
    let (record, outcome) = close(service, purchase.payment.transfer(), record, settlement).await?;
    outcome.map(|paid| Settled { purchase, record, paid })
}

async fn first_attempt(service: &Service, purchase: &Purchase, record: Record) -> Result<(Record, Settlement), Failure> {
    let prepared = match service.payments.facilitator.prepare(&purchase.payment).await {
        Ok(prepared) => prepared,
        Err(settlement) => return Ok((record, settlement)),
    };
    let broadcast = prepared.transaction().map(|t| Broadcast { transaction: t.hash.0, raw: t.raw.to_vec() });
    let record = advance(service, &record, Change::to(State::Settling { broadcast }, clock::now())).await?;
    let settlement = service.payments.facilitator.broadcast(&purchase.payment, prepared).await;
    Ok((record, settlement))
}

async fn resumed(service: &Service, record: Record) -> Result<(Record, Settlement), Failure> {
    let (State::Settling { broadcast } | State::Unknown { broadcast }) = &record.state else {
        return Err(Failure::internal("settle", "a job in this state has nothing to settle"));
    };
    let stored = broadcast.as_ref().map(|b| SignedTransaction { hash: B256::from(b.transaction), raw: b.raw.clone().into() });
    let transfer = transfer(service, &record.authorization);
    let settlement = service.payments.facilitator.resume(&transfer, stored.as_ref(), record.created_at).await;
    Ok((record, settlement))
}

/// Writes the outcome down and turns it into an answer. A settled job is written together with its receipt, in the last
/// step.
async fn close(service: &Service, transfer: &Transfer, record: Record, settlement: Settlement) -> Result<(Record, Result<Paid, Failure>), Failure> {
    let response = settlement.response(transfer);
    tracing::info!(event = "payment.settlement", success = response.success, code = response.error_reason.as_deref());
    match settlement {
        // Paid before anything was sent: by somebody else's hand, in an authorization that paid us.
        Settlement::Settled(paid) if record.state.stage() == Stage::Done => {
            let record = advance(service, &record, Change::to(State::Settling { broadcast: None }, clock::now())).await?;
            Ok((record, Ok(paid)))
        }
        Settlement::Settled(paid) => Ok((record, Ok(paid))),
        Settlement::Rejected { reason, .. } => {
            let code = reason.code().to_owned();
            let record = advance(service, &record, Change::to(State::Rejected { code }, clock::now())).await?;
            Ok((record, Err(Failure::new(Class::SettlementRefused, reason.to_string()).with_settlement(response))))
        }
        Settlement::Deferred(why) => {
            tracing::warn!(event = "payment.deferred", why = %why);
            Ok((record, Err(Failure::new(Class::ChainUnavailable, "").with_settlement(response))))
        }
        Settlement::Unknown { .. } => {
            let broadcast = match &record.state {
                State::Settling { broadcast } | State::Unknown { broadcast } => broadcast.clone(),
                _ => None,
            };
            let record = match record.state.stage() {
                Stage::Unknown => record,
                _ => advance(service, &record, Change::to(State::Unknown { broadcast }, clock::now())).await?,
            };
            let failure = Failure::new(Class::SettlementUnknown, "").charged(Charged::Unknown).with_settlement(response);
            Ok((record, Err(failure)))
        }
    }
}

/// Looks after jobs that nobody waits for: asks the chain what became of settlements begun in an earlier life, and closes
/// jobs whose authorization has lapsed.
///
/// # Errors
/// When the ledger fails.
pub async fn reconcile(service: &Arc<Service>) -> Result<(), Failure> {
    for record in service.payments.ledger.unfinished().await.map_err(ledger_failure)? {
        if service.jobs.in_flight(record.claim_key().as_bytes()) {
            continue;
        }
        let lapsed = clock::now() > record.authorization.valid_before.saturating_add(LAPSED_SECONDS);
        let lapsed_code = || "authorization_lapsed".to_owned();
        let moved = match record.state.stage() {
            Stage::Settling | Stage::Unknown => begun(service, record).await,
            Stage::Claimed | Stage::Running if lapsed => {
                advance(service, &record, Change::to(State::Failed { code: lapsed_code() }, clock::now())).await.map(drop)
            }
            Stage::Done if lapsed => {
                advance(service, &record, Change::to(State::Rejected { code: lapsed_code() }, clock::now())).await.map(drop)
            }
            _ => Ok(()),
        };
        // A caller who came back meanwhile has moved the job; it is theirs now.
        if let Err(failure) = moved {
            tracing::info!(event = "ledger.reconcile_skipped", code = failure.code());
        }
    }
    Ok(())
}

async fn begun(service: &Service, record: Record) -> Result<(), Failure> {
    let transfer = transfer(service, &record.authorization);
    let (record, settlement) = resumed(service, record).await?;
    let (record, outcome) = close(service, &transfer, record, settlement).await?;
    if let Ok(paid) = outcome {
        // The receipt is signed when the caller comes for the result: only the request itself can be receipted.
        let settled = State::Settled { transaction: paid.transaction.0 };
        advance(service, &record, Change::to(settled, clock::now())).await?;
    }
    Ok(())
}

fn transfer(service: &Service, authorization: &Authorization) -> Transfer {
    Transfer {
        network: service.settings.config.network,
        asset: authorization.asset.into(),
        from: authorization.payer.into(),
        to: authorization.pay_to.into(),
        value: AtomicUnits::from(authorization.amount),
        valid_after: U256::ZERO,
        valid_before: U256::from(authorization.valid_before),
        nonce: authorization.nonce.into(),
    }
}
