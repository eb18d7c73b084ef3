//! Jobs that nobody waits for: what was begun in an earlier life or by a replica that is gone is brought to its end, and
//! what ended without a charge is watched until no charge can follow (SPEC 6.5).

use std::sync::Arc;

use alloy_primitives::B256;
use futures::StreamExt as _;
use precis_payment::chain::RpcError;
use precis_store::{Change, Record, Stage, State};

use super::perform::go_on;
use crate::clock;
use crate::error::{Class, Failure};
use crate::jobs::context::Context;
use crate::jobs::fail::fail;
use crate::jobs::found::{Found, find};
use crate::jobs::ledger::{advance, ledger_failure, load};
use crate::jobs::{damage, ended, hold, refund};
use crate::service::Service;

/// Seconds an authorization must have lapsed, on our clock, before the chain is asked what became of it.
const LAPSED_SECONDS: u64 = 300;
/// Jobs that are looked at together: most of the time is spent waiting for blocks.
const AT_A_TIME: usize = 8;
/// Seconds that the caller of an interrupted, prepaid job has to come back before it is paid back.
const PREPAID_SECONDS: u64 = 900;

/// Looks at every unfinished job once.
///
/// # Errors
/// When the ledger cannot list them. What fails for one job is logged and tried again next time.
pub async fn reconcile(service: &Arc<Service>) -> Result<(), Failure> {
    let unfinished = service.payments.ledger.unfinished().await.map_err(ledger_failure)?;
    damage::alarm(&unfinished.damaged);
    let looked = futures::stream::iter(unfinished.records).for_each_concurrent(AT_A_TIME, |record| async move {
        if let Err(failure) = look_after(service, &record).await {
            let stage = record.state.stage().name();
            tracing::info!(event = "ledger.reconcile_skipped", stage, code = failure.code());
        }
    });
    looked.await;
    Ok(())
}

async fn look_after(service: &Arc<Service>, record: &Record) -> Result<(), Failure> {
    let key = record.claim_key();
    if service.flights.in_flight(key.as_bytes()).is_some() || !hold::is_free(service, &key).await? {
        return Ok(());
    }
    // A network that does not answer has nothing to tell, and would keep the jobs of others waiting.
    if !service.payments.of(&record.authorization)?.has_chain() {
        return Ok(());
    }
    let now = clock::now();
    let lapsed = now > record.authorization.valid_before.saturating_add(LAPSED_SECONDS);
    match record.state.stage() {
        // As a job in flight, so that a caller who comes back meanwhile waits for this instead of doing it again.
        Stage::Done | Stage::Settling | Stage::Unknown => {
            match go_on(service, key, service.settings.answer_within).await {
                Some(Err(failure)) => Err(failure),
                _ => Ok(()),
            }
        }
        Stage::Claimed | Stage::Running if lapsed => alone(service, record, lapse).await,
        Stage::Failed | Stage::Rejected if lapsed => alone(service, record, watch).await,
        Stage::Paid if now > record.updated_at.saturating_add(PREPAID_SECONDS) => alone(service, record, abandon).await,
        Stage::Refunding => alone(service, record, pay_back).await,
        _ => Ok(()),
    }
}

/// Runs `step` on the job as it is now, unless it has changed or another replica works on it.
async fn alone(
    service: &Arc<Service>,
    seen: &Record,
    step: impl AsyncFnOnce(&Service, Record) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let key = seen.claim_key();
    hold::held(service, &key, async {
        let record = load(service, &key).await?;
        if record.version == seen.version { step(service, record).await } else { Ok(()) }
    })
    .await
}

/// Nothing was done for the payment. It ends once the chain shows that it can no longer be taken, or that it was.
async fn lapse(service: &Service, record: Record) -> Result<(), Failure> {
    let context = Context::of(&record)?;
    match find(service, &context).await? {
        Found::Taken(_) | Found::Ended { .. } => fail(service, record, &context, Class::Lapsed).await.map(drop),
        Found::Open => Ok(()),
        Found::Unknown(why) => Err(unwatched(why)),
    }
}

/// Nothing was charged by us. Whoever else held the authorization may have submitted it all the same.
async fn watch(service: &Service, record: Record) -> Result<(), Failure> {
    let context = Context::of(&record)?;
    let (State::Failed { code } | State::Rejected { code }) = record.state.clone() else { return Ok(()) };
    match find(service, &context).await? {
        Found::Taken(paid) => {
            tracing::warn!(event = "payment.taken_by_others", code);
            let has_result = record.result.is_some() && record.state.stage() == Stage::Rejected;
            if has_result {
                // Paid after all: the next look settles it with the result that is still there.
                let settling = State::Settling { broadcast: None };
                return advance(service, &record, Change::to(settling, clock::now())).await.map(drop);
            }
            let class = Class::of_ended_job(&code).unwrap_or(Class::Lapsed);
            refund::begin(service, record, &context, paid, class).await.map(drop)
        }
        Found::Ended { for_good: true } => {
            let change = Change::to(State::Void { code: code.clone() }, clock::now());
            let change = match Class::of_ended_job(&code) {
                // The chain did not tell when it failed; now it does.
                Some(class) if record.result.is_none() => {
                    ended::with(change, ended::statement(service, &record, &context, class, B256::ZERO, None).await)
                }
                _ => change,
            };
            advance(service, &record, change).await.map(drop)
        }
        Found::Ended { for_good: false } | Found::Open => Ok(()),
        Found::Unknown(why) => Err(unwatched(why)),
    }
}

fn unwatched(why: RpcError) -> Failure {
    tracing::warn!(event = "payment.unwatched", why = %why);
    Failure::new(Class::ChainUnavailable, "")
}

/// A prepaid job was interrupted, its document is gone and its caller did not come back.
async fn abandon(service: &Service, record: Record) -> Result<(), Failure> {
    let context = Context::of(&record)?;
    let State::Paid { transaction } = record.state else { return Ok(()) };
    refund::begin(service, record, &context, transaction.into(), Class::Abandoned).await.map(drop)
}

async fn pay_back(service: &Service, record: Record) -> Result<(), Failure> {
    let context = Context::of(&record)?;
    refund::go_on(service, record, &context).await.map(drop)
}
