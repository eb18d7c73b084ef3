//! What the chain shows of a claimed payment: taken, not taken, or unknown. Only what was found counts (SPEC 6.5).

use alloy_primitives::{B256, U256};
use precis_payment::chain::{FRONT_RUN_WINDOW_SECONDS, Reconciled, RpcError, Spent};

use super::context::Context;
use crate::error::Failure;
use crate::service::{Rail, Service};

/// What the chain shows.
pub(crate) enum Found {
    /// It paid us, in enough blocks.
    Taken(B256),
    /// It was not used before the newest block; it may still be.
    Open,
    /// It has not paid us and cannot any more; `for_good` if no reorganization can change that.
    Ended {
        /// The chain's final blocks show it.
        for_good: bool,
    },
    /// The chain does not tell at the moment.
    Unknown(RpcError),
}

/// Looks for the payment on chain.
///
/// # Errors
/// If the stored payment cannot be read.
pub(crate) async fn find(service: &Service, context: &Context) -> Result<Found, Failure> {
    let (payment, rail) = context.payment(service)?;
    let chain = &rail.chain;
    let since = context.seen_at.saturating_sub(FRONT_RUN_WINDOW_SECONDS);
    Ok(match chain.reconcile(payment.transfer(), since).await {
        Reconciled::PaidUs(paid) => match chain.is_deep(paid.block, rail.settings.confirmations).await {
            Ok(true) => Found::Taken(paid.transaction),
            Ok(false) => Found::Unknown(RpcError::Behind),
            Err(why) => Found::Unknown(why),
        },
        Reconciled::Unspent(_) => Found::Open,
        Reconciled::SpentElsewhere(spent) | Reconciled::Cancelled(spent) => {
            Found::Ended { for_good: is_final(rail, spent).await }
        }
        Reconciled::Expired(_) => {
            // Uses come in blocks before its end: once one after it is final, all of them are.
            let end = payment.transfer().valid_before;
            let passed = chain.finalized_block().await.is_ok_and(|block| U256::from(block.timestamp) >= end);
            Found::Ended { for_good: passed }
        }
        Reconciled::Unknown(why) => Found::Unknown(why),
    })
}

async fn is_final(rail: &Rail, spent: Spent) -> bool {
    rail.chain.finalized_block().await.is_ok_and(|block| block.number >= spent.block)
}
