//! Surplus leaves the enclave wallet for the configured address (SPEC 6.9): never what may have to be paid back.
//!
//! As with a refund the wallet signs an EIP-3009 authorization with a nonce that is known beforehand: one for each period, so
//! that replicas, retries and crashes sweep once. Periods are those of the chain's clock, and an authorization is good for its
//! own only: two that were reckoned over the same money can never both be carried out.

use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use precis_payment::AtomicUnits;
use precis_payment::exact::Transfer;
use precis_payment::facilitator::Settlement;
use precis_payment::own;
use precis_protocol::job::sweep_nonce;

use super::owed::{deferred, owed};
use crate::error::Failure;
use crate::service::{Rail, Service};

/// Sweeps the surplus of the current period on one network to `to`, unless that was done.
///
/// # Errors
/// When chain or ledger do not answer or do not agree, or the transfer did not settle; the next call tries again.
pub(crate) async fn sweep(service: &Arc<Service>, rail: &Rail, to: Address) -> Result<(), Failure> {
    let config = &service.settings.config;
    let (from, chain) = (service.payments.wallet_address(), &rail.chain);
    // Every question of the chain is asked at one block; the ledger is read afterwards, so that it knows what that block shows.
    let head = chain.pin().await.map_err(|why| deferred(&why))?;
    let period = head.timestamp / config.sweep_seconds;
    let nonce = B256::from(sweep_nonce(period));
    if chain.is_used_at(from, nonce, &head).await.map_err(|why| deferred(&why))? {
        return Ok(());
    }
    let held = chain.held_at(from, &head).await.map_err(|why| deferred(&why))?;
    let keep = U256::from(config.sweep_keep);
    if held <= keep {
        return Ok(());
    }
    let kept = owed(service, rail, &head, held).await?.saturating_add(keep);
    // What has left since then is not there any more.
    let now = chain.balance_of(from).await.map_err(|why| deferred(&why))?;
    let surplus = held.min(now).saturating_sub(kept);
    if surplus.is_zero() {
        return Ok(());
    }
    let transfer = Transfer {
        network: rail.network(),
        asset: rail.settings.asset,
        from,
        to,
        value: AtomicUnits::from(surplus.saturating_to::<u128>()),
        valid_after: U256::ZERO,
        valid_before: U256::from(period.saturating_add(1).saturating_mul(config.sweep_seconds)),
        nonce,
    };
    let order = own::sign(&service.payments.wallet, &chain.asset().domain, transfer)
        .ok_or_else(|| Failure::internal("sweep", "not signed"))?;
    let facilitator = &rail.facilitator;
    let settlement = match facilitator.prepare(&order).await {
        Ok(prepared) => facilitator.broadcast(&order, prepared).await,
        Err(settlement) => settlement,
    };
    match settlement {
        Settlement::Settled(paid) => {
            tracing::info!(event = "sweep.settled", network = %rail.network(), units = %surplus, transaction = %paid.transaction);
            Ok(())
        }
        other => Err(deferred(&format!("{other:?}"))),
    }
}
