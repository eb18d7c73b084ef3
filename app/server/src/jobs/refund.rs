//! Paying back what was charged for nothing (SPEC 6.8).
//!
//! The enclave wallet signs an EIP-3009 authorization of its own, whose nonce follows from the claim. The token therefore
//! carries a refund out at most once, whatever is repeated: after a crash, by another replica, from an older ledger.

use alloy_primitives::{B256, U256};
use precis_payment::AtomicUnits;
use precis_payment::chain::Reconciled;
use precis_payment::exact::{self, TokenDomain, Transfer};
use precis_payment::facilitator::{Settlement, SignedTransaction};
use precis_payment::own;
use precis_protocol::job::refund_nonce;
use precis_protocol::problem::outcome;
use precis_store::{Broadcast, Change, JobResult, Record, State};

use super::context::Context;
use super::ended;
use super::ledger::advance;
use crate::clock;
use crate::error::{Class, Failure};
use crate::service::{Rail, Service};

/// How long one authorization of a refund is good for, seconds; if it lapses, the next has the same nonce.
const VALID_SECONDS: u64 = 24 * 3600;

/// Decides to pay back, writes that down, and does it as far as that goes now.
///
/// # Errors
/// When the ledger fails. What is returned otherwise is the answer to the caller.
pub(crate) async fn begin(
    service: &Service,
    record: Record,
    context: &Context,
    paid: B256,
    class: Class,
) -> Result<Failure, Failure> {
    let code = class.code().to_owned();
    let state = State::Refunding { transaction: paid.0, code, broadcast: None };
    // A receipt that says "not charged" is none any more.
    let bytes = outcome(class.code(), None);
    let pending = JobResult { status: class.status().as_u16(), response: bytes, receipt: None };
    let record = advance(service, &record, Change::to(state, clock::now()).with_result(pending)).await?;
    tracing::warn!(event = "refund.begun", code = class.code());
    go_on(service, record, context).await
}

/// Goes on with a refund that was begun.
///
/// # Errors
/// When the ledger fails.
pub(crate) async fn go_on(service: &Service, record: Record, context: &Context) -> Result<Failure, Failure> {
    let State::Refunding { transaction, code, .. } = record.state.clone() else {
        return Err(Failure::internal("refund", "a job in this state is not paid back"));
    };
    let record = match pay(service, record, context).await? {
        Payment::Done(record, refund) => {
            let class = Class::of_ended_job(&code).unwrap_or(Class::WorkFailed);
            let (paid, back) = (B256::from(transaction), Some(refund));
            let signed = ended::statement(service, &record, context, class, paid, back).await;
            let state = State::Refunded { transaction, code, refund: refund.0 };
            let record = advance(service, &record, ended::with(Change::to(state, clock::now()), signed)).await?;
            tracing::info!(event = "refund.paid");
            record
        }
        Payment::Pending(record) => record,
    };
    ended::without_result(&record, context).ok_or_else(|| Failure::internal("refund", "no answer"))
}

enum Payment {
    Done(Record, B256),
    Pending(Record),
}

async fn pay(service: &Service, record: Record, context: &Context) -> Result<Payment, Failure> {
    let rail = service.payments.of(&record.authorization)?;
    if !rail.is_checked() {
        return Ok(Payment::Pending(record));
    }
    let order = match order(service, rail, &record, context) {
        Ok(order) => order,
        Err(why) => {
            tracing::error!(event = "refund.needs_operator", job = %hex::encode(record.job_id.0), why);
            return Ok(Payment::Pending(record));
        }
    };
    let transfer = *order.transfer();
    // The transaction that was written down is found however long ago it was; another one of the same nonce is searched for.
    if let State::Refunding { broadcast: Some(sent), .. } = &record.state
        && let Ok(Some(paid)) = rail.chain.paid_by(B256::from(sent.transaction), &transfer).await
    {
        return Ok(Payment::Done(record, paid.transaction));
    }
    match rail.chain.reconcile(&transfer, context.seen_at).await {
        Reconciled::PaidUs(paid) => return Ok(Payment::Done(record, paid.transaction)),
        Reconciled::Unspent(_) | Reconciled::Expired(_) => {}
        other @ (Reconciled::SpentElsewhere(_) | Reconciled::Cancelled(_)) => {
            tracing::error!(event = "refund.contradicted", found = ?other);
            return Ok(Payment::Pending(record));
        }
        Reconciled::Unknown(why) => {
            tracing::warn!(event = "refund.deferred", why = %why);
            return Ok(Payment::Pending(record));
        }
    }
    let (record, settlement) = submit(service, rail, record, &order, context.seen_at).await?;
    match settlement {
        Settlement::Settled(paid) => Ok(Payment::Done(record, paid.transaction)),
        other => {
            tracing::warn!(event = "refund.pending", outcome = ?other);
            Ok(Payment::Pending(record))
        }
    }
}

/// Sends what was stored, or makes and stores anew: the token accepts one of them.
async fn submit(
    service: &Service,
    rail: &Rail,
    record: Record,
    order: &exact::Authorized,
    since: u64,
) -> Result<(Record, Settlement), Failure> {
    let State::Refunding { transaction, code, broadcast } = record.state.clone() else {
        return Err(Failure::internal("refund", "a job in this state is not paid back"));
    };
    if let Some(broadcast) = &broadcast {
        let sent = SignedTransaction { hash: B256::from(broadcast.transaction), raw: broadcast.raw.clone().into() };
        let settlement = rail.facilitator.resume(order.transfer(), Some(&sent), since).await;
        if !matches!(settlement, Settlement::Deferred(_) | Settlement::Rejected { .. }) {
            return Ok((record, settlement));
        }
    }
    let prepared = match rail.facilitator.prepare(order).await {
        Ok(prepared) => prepared,
        Err(settlement) => return Ok((record, settlement)),
    };
    let broadcast = prepared.transaction().map(|t| Broadcast { transaction: t.hash.0, raw: t.raw.to_vec() });
    let state = State::Refunding { transaction, code, broadcast };
    let record = advance(service, &record, Change::to(state, clock::now())).await?;
    let settlement = rail.facilitator.broadcast(order, prepared).await;
    Ok((record, settlement))
}

/// The wallet's order to pay back what the record says was paid: that token on that network, under the domain that the payer
/// signed for.
///
/// # Errors
/// Why only the operator can pay it back.
fn order(
    service: &Service,
    rail: &Rail,
    record: &Record,
    context: &Context,
) -> Result<exact::Authorized, &'static str> {
    let (authorization, configured) = (&record.authorization, rail.chain.asset());
    let domain = TokenDomain::announced(&context.payment.accepted);
    let domain = domain.ok_or("the record does not name the token's domain")?;
    let asset = authorization.asset.into();
    if (asset, &domain) != (configured.address, &configured.domain) {
        return Err("it was paid in another token than the configured one");
    }
    let transfer = Transfer {
        network: rail.network(),
        asset,
        from: authorization.pay_to.into(),
        to: authorization.payer.into(),
        value: AtomicUnits::from(authorization.amount),
        valid_after: U256::ZERO,
        valid_before: U256::from(clock::now() + VALID_SECONDS),
        nonce: refund_nonce(record.claim_key().as_bytes()).into(),
    };
    own::sign_since(&service.payments.wallet, &domain, transfer, context.seen_at)
        .ok_or("the payee of the payment is not this wallet")
}
