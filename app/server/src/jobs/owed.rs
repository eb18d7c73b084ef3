//! What the enclave wallet may have to pay back, by the ledger and, for what the ledger does not know, by the chain.
//!
//! A ledger can be lost, rolled back or damaged. What it forgot is on chain: every payment by authorization that reached the wallet and was
//! neither delivered, as far as the ledger knows, nor paid back: the nonce of a refund follows from the payment, and the token knows whether it is used.
//! Absence of a log is no evidence: the search counts only if it shows a payment that the ledger knows to have been made, and each of them.

use std::collections::HashMap;

use alloy_primitives::{Address, B256, U256};
use futures::{StreamExt as _, TryStreamExt as _};
use precis_payment::chain::{Block, Incoming, Received};
use precis_protocol::job::refund_nonce;
use precis_store::{Authorization, ClaimKey, Flow, Record, Stage, State};

use super::damage;
use super::ledger::ledger_failure;
use crate::clock;
use crate::error::{Class, Failure};
use crate::service::{Rail, Service};

/// Seconds beyond the time that results are kept for within which a payment may still be honoured: what an authorization may live,
/// and what it may have been submitted before.
const SLACK_SECONDS: u64 = 6 * 3600;
/// Jobs that are read at a time.
const PAGE: usize = 200;
/// Questions that the node is asked side by side.
const AT_A_TIME: usize = 8;
/// Payments the search did not show that are looked for one by one.
const CONTROLS: usize = 16;

/// What the ledger knows of payments to the wallet.
#[derive(Default)]
struct Books {
    /// What is owed for a payment, by the ledger; none once it was delivered.
    owed: HashMap<ClaimKey, Option<U256>>,
    /// Transactions that the ledger saw pay, and when it wrote that down.
    paid: HashMap<B256, u64>,
}

/// Amount that must stay in the wallet of what it held on one network at `head`, atomic units. Counts no further than `held`.
///
/// # Errors
/// When that cannot be told: the ledger or the chain does not answer, or one contradicts the other.
pub(crate) async fn owed(service: &Service, rail: &Rail, head: &Block, held: U256) -> Result<U256, Failure> {
    let books = books(service, rail).await?;
    let horizon = service.settings.config.result_seconds + SLACK_SECONDS;
    let wallet = service.payments.wallet_address();
    let since = head.timestamp.min(clock::now()).saturating_sub(horizon);
    let received = rail.chain.received(wallet, since, head).await.map_err(|why| deferred(&why))?;
    control(rail, &books, &received, head).await?;
    let mut kept = books.owed.values().flatten().fold(U256::ZERO, |sum, amount| sum.saturating_add(*amount));
    let unknown = received.payments.iter().filter_map(|payment| {
        let key = key_of(rail, wallet, payment);
        match books.owed.get(&key) {
            Some(None) => None,
            Some(Some(counted)) if !counted.is_zero() => None,
            Some(Some(_)) | None => Some((B256::from(refund_nonce(key.as_bytes())), payment.amount)),
        }
    });
    let mut asked = futures::stream::iter(unknown)
        .map(|(nonce, amount)| async move {
            let used = rail.chain.is_used_at(wallet, nonce, head).await.map_err(|why| deferred(&why))?;
            Ok::<_, Failure>(if used { U256::ZERO } else { amount })
        })
        .buffer_unordered(AT_A_TIME);
    while kept < held
        && let Some(amount) = asked.try_next().await?
    {
        kept = kept.saturating_add(amount);
    }
    Ok(kept)
}

/// Says why nothing is swept.
pub(crate) fn deferred(why: &dyn std::fmt::Display) -> Failure {
    tracing::warn!(event = "sweep.deferred", why = %why);
    Failure::new(Class::ChainUnavailable, "")
}

async fn books(service: &Service, rail: &Rail) -> Result<Books, Failure> {
    let wallet = service.payments.wallet_address();
    let (mut books, mut after) = (Books::default(), None);
    loop {
        let page = service.payments.ledger.page(after, PAGE).await.map_err(ledger_failure)?;
        if !page.damaged.is_empty() {
            damage::alarm(&page.damaged);
            return Err(deferred(&"the ledger has damaged rows"));
        }
        for record in &page.records {
            books.enter(rail, wallet, record);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(books),
        }
    }
}

impl Books {
    fn enter(&mut self, rail: &Rail, wallet: Address, record: &Record) {
        let authorization = &record.authorization;
        let ours = authorization.network == rail.network().to_string()
            && rail.settings.asset == Address::from(authorization.asset)
            && wallet == Address::from(authorization.pay_to);
        if !ours {
            return;
        }
        if let State::Settled { transaction }
        | State::Paid { transaction }
        | State::Refunding { transaction, .. }
        | State::Refunded { transaction, .. } = &record.state
        {
            self.paid.insert(B256::from(*transaction), record.updated_at);
        }
        let delivered = record.state.stage() == Stage::Settled;
        self.owed.insert(record.claim_key(), (!delivered).then(|| owed_by(record)));
    }
}

/// What a job that was not delivered may have to be paid back, whatever the chain shows now.
fn owed_by(record: &Record) -> U256 {
    let perhaps_charged = match record.state.stage() {
        Stage::Paid | Stage::Refunding => true,
        Stage::Settling | Stage::Unknown => record.flow == Flow::Upfront,
        // Somebody else may submit what is not void yet.
        Stage::Failed | Stage::Rejected | Stage::Claimed | Stage::Running => true,
        Stage::Done | Stage::Settled | Stage::Refunded | Stage::Void => false,
    };
    if perhaps_charged { U256::from(record.authorization.amount) } else { U256::ZERO }
}

fn key_of(rail: &Rail, wallet: Address, payment: &Incoming) -> ClaimKey {
    let authorization = Authorization {
        network: rail.network().to_string(),
        asset: rail.settings.asset.into(),
        pay_to: wallet.into(),
        amount: payment.amount.saturating_to(),
        payer: payment.payer.into(),
        nonce: payment.nonce.into(),
        valid_before: 0,
    };
    authorization.claim_key()
}

/// The search must show what the ledger knows to have been paid.
async fn control(rail: &Rail, books: &Books, received: &Received, head: &Block) -> Result<(), Failure> {
    let mut missing = books.paid.clone();
    for payment in &received.payments {
        missing.remove(&payment.transaction);
    }
    if missing.len() == books.paid.len() {
        return Err(deferred(&"the chain's logs show no payment that the ledger knows, so that they prove nothing"));
    }
    let mut missing: Vec<(B256, u64)> = missing.into_iter().collect();
    missing.sort_unstable_by_key(|(_, at)| std::cmp::Reverse(*at));
    for (transaction, _) in missing.into_iter().take(CONTROLS) {
        // One that left its block, or lies outside of what was searched, says nothing.
        let height = rail.chain.height_of(transaction).await.map_err(|why| deferred(&why))?;
        if height.is_some_and(|height| (received.from..=head.number).contains(&height)) {
            return Err(deferred(&"the chain's logs lack a payment that is in a block"));
        }
    }
    Ok(())
}
