//! Surplus leaves the enclave wallet for the configured address (SPEC 6.9): never what may have to be paid back.
//!
//! As with a refund the wallet signs an EIP-3009 authorization with a nonce that is known beforehand: one for each period, so
//! that replicas, retries and crashes sweep once.

use std::sync::Arc;

use alloy_primitives::{Address, U256};
use precis_payment::AtomicUnits;
use precis_payment::exact::Transfer;
use precis_payment::facilitator::Settlement;
use precis_payment::own;
use precis_protocol::job::sweep_nonce;
use precis_store::{Flow, Record, Stage};

use super::authorize::ledger_failure;
use super::context::token_domain;
use crate::clock;
use crate::error::{Class, Failure};
use crate::service::Service;

/// Sweeps the surplus of the current period to `to`, unless that was done.
///
/// # Errors
/// When chain or ledger do not answer, or the transfer did not settle; the next call tries again.
pub async fn sweep(service: &Arc<Service>, to: Address) -> Result<(), Failure> {
    let config = &service.settings.config;
    let unavailable = |why: &dyn std::fmt::Display| {
        tracing::warn!(event = "sweep.deferred", why = %why);
        Failure::new(Class::ChainUnavailable, "")
    };
    let from = service.payments.wallet_address();
    // Before and after: what is owed since came in since, and what is no longer owed has left.
    let before = service.payments.chain.balance_of(from).await.map_err(|why| unavailable(&why))?;
    let unfinished = service.payments.ledger.unfinished().await.map_err(ledger_failure)?;
    let after = service.payments.chain.balance_of(from).await.map_err(|why| unavailable(&why))?;
    let balance = before.min(after);
    let kept = unfinished.iter().map(owed).fold(U256::from(config.sweep_keep), U256::saturating_add);
    let surplus = balance.saturating_sub(kept);
    if surplus.is_zero() {
        return Ok(());
    }
    let transfer = Transfer {
        network: config.network,
        asset: config.asset,
        from,
        to,
        value: AtomicUnits::from(surplus.saturating_to::<u128>()),
        valid_after: U256::ZERO,
        valid_before: U256::from(clock::now() + config.sweep_seconds),
        nonce: sweep_nonce(clock::now() / config.sweep_seconds).into(),
    };
    if service.payments.chain.is_spent(&transfer).await.map_err(|why| unavailable(&why))? {
        return Ok(());
    }
    let order = own::sign(&service.payments.wallet, &token_domain(service), transfer)
        .ok_or_else(|| Failure::internal("sweep", "not signed"))?;
    let facilitator = &service.payments.facilitator;
    let settlement = match facilitator.prepare(&order).await {
        Ok(prepared) => facilitator.broadcast(&order, prepared).await,
        Err(settlement) => settlement,
    };
    match settlement {
        Settlement::Settled(paid) => {
            tracing::info!(event = "sweep.settled", units = %surplus, transaction = %paid.transaction);
            Ok(())
        }
        other => Err(unavailable(&format!("{other:?}"))),
    }
}

/// What a job may still have to be paid back, atomic units.
fn owed(record: &Record) -> U256 {
    let perhaps_charged = match record.state.stage() {
        Stage::Paid | Stage::Refunding => true,
        Stage::Settling | Stage::Unknown => record.flow == Flow::Upfront,
        // Somebody else may submit what is not void yet.
        Stage::Failed | Stage::Rejected | Stage::Claimed | Stage::Running => true,
        Stage::Done | Stage::Settled | Stage::Refunded | Stage::Void => false,
    };
    if perhaps_charged { U256::from(record.authorization.amount) } else { U256::ZERO }
}
