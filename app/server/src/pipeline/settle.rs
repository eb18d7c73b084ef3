//! Step 6: the payment is taken for a result that exists. What is sent is written down before it leaves, and an outcome
//! that is not certain is never called a refusal (SPEC 6.5).

use std::sync::Arc;

use alloy_primitives::{B256, U256};
use precis_payment::AtomicUnits;
use precis_payment::exact::Transfer;
use precis_payment::facilitator::{Settlement, SignedTransaction};
use precis_protocol::problem::Charged;
use precis_store::{Authorization, Broadcast, Change, ClaimKey, JobResult, Record, Stage, State};

use super::authorize::{Purchase, ledger_failure};
use super::seal::Sealed;
use super::summarize::{Summarized, advance, load};
use super::{receipt, seal};
use crate::clock;
use crate::error::{Class, Failure};
use crate::service::Service;

/// Seconds an authorization must have lapsed before a job that never settled is closed.
const LAPSED_SECONDS: u64 = 300;

/// A job that is paid.
pub struct Settled {
    pub(super) record: Record,
    /// The transaction that paid.
    pub(super) paid: B256,
}

impl Settled {
    /// The stored result.
    pub(super) fn result(&self) -> Result<&JobResult, Failure> {
        self.record.result.as_ref().ok_or_else(|| Failure::internal("ledger", "a job that is done has no result"))
    }
}

/// Settles, unless it was settled before.
///
/// # Errors
/// `settlement_refused` when the money will not come: nothing was charged. `settlement_unknown` when nobody can tell yet:
/// the same payment may be retried, and only the same.
pub async fn settle(service: &Service, summarized: Summarized) -> Result<Settled, Failure> {
    let Summarized { purchase, record } = summarized;
    match &record.state {
        State::Settled { transaction } => Ok(Settled { paid: B256::from(*transaction), record }),
        State::Done => {
            let (record, settlement) = first_attempt(service, &purchase, record).await?;
            close(service, purchase.payment.transfer(), record, settlement).await
        }
        _ => resume(service, record).await,
    }
}

async fn first_attempt(
    service: &Service,
    purchase: &Purchase,
    record: Record,
) -> Result<(Record, Settlement), Failure> {
    let prepared = match service.payments.facilitator.prepare(&purchase.payment).await {
        Ok(prepared) => prepared,
        Err(settlement) => return Ok((record, settlement)),
    };
    let broadcast = prepared.transaction().map(|t| Broadcast { transaction: t.hash.0, raw: t.raw.to_vec() });
    let record = advance(service, &record, Change::to(State::Settling { broadcast }, clock::now())).await?;
    let settlement = service.payments.facilitator.broadcast(&purchase.payment, prepared).await;
    Ok((record, settlement))
}

/// Ends a settlement that an earlier attempt began.
async fn resume(service: &Service, record: Record) -> Result<Settled, Failure> {
    let (State::Settling { broadcast } | State::Unknown { broadcast }) = &record.state else {
        return Err(Failure::internal("settle", "a job in this state has nothing to settle"));
    };
    let stored =
        broadcast.as_ref().map(|b| SignedTransaction { hash: B256::from(b.transaction), raw: b.raw.clone().into() });
    let transfer = transfer(service, &record.authorization);
    let settlement = service.payments.facilitator.resume(&transfer, stored.as_ref(), record.created_at).await;
    close(service, &transfer, record, settlement).await
}

/// Writes the outcome down and turns it into an answer. A settled job is written together with its receipt, in the last
/// step.
async fn close(
    service: &Service,
    transfer: &Transfer,
    record: Record,
    settlement: Settlement,
) -> Result<Settled, Failure> {
    let response = settlement.response(transfer);
    tracing::info!(event = "payment.settlement", success = response.success, code = response.error_reason.as_deref());
    let change = |state| Change::to(state, clock::now());
    match settlement {
        // Paid before anything was sent: by somebody else's hand, with an authorization that paid us.
        Settlement::Settled(paid) if record.state.stage() == Stage::Done => {
            let record = advance(service, &record, change(State::Settling { broadcast: None })).await?;
            Ok(Settled { record, paid: paid.transaction })
        }
        Settlement::Settled(paid) => Ok(Settled { record, paid: paid.transaction }),
        Settlement::Rejected { reason, .. } => {
            advance(service, &record, change(State::Rejected { code: reason.code().to_owned() })).await?;
            Err(Failure::new(Class::SettlementRefused, reason.to_string()).with_settlement(response))
        }
        Settlement::Deferred(why) => {
            tracing::warn!(event = "payment.deferred", why = %why);
            Err(Failure::new(Class::ChainUnavailable, "").with_settlement(response))
        }
        Settlement::Unknown { .. } => {
            if let State::Settling { broadcast } = &record.state {
                advance(service, &record, change(State::Unknown { broadcast: broadcast.clone() })).await?;
            }
            Err(Failure::new(Class::SettlementUnknown, "").charged(Charged::Unknown).with_settlement(response))
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
        let key = record.claim_key();
        if service.jobs.in_flight(key.as_bytes()) {
            continue;
        }
        let lapsed = clock::now() > record.authorization.valid_before.saturating_add(LAPSED_SECONDS);
        let lapsed_code = || "authorization_lapsed".to_owned();
        let moved = match record.state.stage() {
            // As a job in flight, so that a caller who comes back meanwhile waits for this instead of doing it again.
            Stage::Settling | Stage::Unknown => {
                let (service, within) = (Arc::clone(service), service.settings.answer_within);
                let jobs = service.jobs.clone();
                jobs.once(*key.as_bytes(), within, || finish(service, key)).await.map(drop)
            }
            Stage::Claimed | Stage::Running if lapsed => {
                advance(service, &record, Change::to(State::Failed { code: lapsed_code() }, clock::now()))
                    .await
                    .map(drop)
            }
            Stage::Done if lapsed => {
                advance(service, &record, Change::to(State::Rejected { code: lapsed_code() }, clock::now()))
                    .await
                    .map(drop)
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

async fn finish(service: Arc<Service>, key: ClaimKey) -> Result<Sealed, Failure> {
    // Read again, now that nobody else moves it.
    let record = load(&service, &key).await?;
    let settled = match record.state {
        State::Settled { transaction } => Settled { paid: B256::from(transaction), record },
        _ => resume(&service, record).await?,
    };
    let receipted = receipt::receipt(&service, settled).await?;
    seal::seal(&service, receipted).await
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
