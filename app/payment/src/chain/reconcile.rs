//! What became of an authorization, told from the chain alone: for payments whose settlement was not seen to end, and
//! for those that somebody else submitted first.

use std::time::Duration;

use alloy_primitives::{B256, U256};

use super::{ChainView, RpcError, token};
use crate::{
    exact::{Authorized, Invalid, SignatureKind, Transfer},
    facilitator::{Paid, Standing, VerifyError},
};

/// Blocks that one log query covers; public endpoints refuse much more.
pub const LOG_WINDOW_BLOCKS: u64 = 1_000;
/// Log queries that one reconciliation makes at most (about 46 days of two-second blocks).
pub const MAX_LOG_WINDOWS: u64 = 2_000;
/// How long before it was first verified a payment may have been submitted by somebody else and still count, seconds. A
/// ledger must remember its claims for longer, or an old payment could be presented again.
pub const FRONT_RUN_WINDOW_SECONDS: u64 = 600;
/// Wait before the newest blocks are searched again: a node may know the state before the logs.
const LOG_LAG: Duration = Duration::from_millis(500);

/// What the chain says of an authorization.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reconciled {
    /// It paid us, whoever submitted it.
    PaidUs(Paid),
    /// It was not used; it may still be, until it expires.
    Unspent,
    /// It was used and did not pay us.
    SpentElsewhere,
    /// The payer cancelled it.
    Cancelled,
}

/// What a mined transaction did for a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// It paid us.
    Paid(Paid),
    /// It did not.
    Failed {
        /// Its block.
        block: u64,
    },
}

impl Outcome {
    /// The block that shows it.
    pub(crate) const fn block(self) -> u64 {
        match self {
            Self::Paid(Paid { block, .. }) | Self::Failed { block } => block,
        }
    }
}

impl ChainView {
    /// Finds out what became of `transfer`, between the block time `since` (Unix seconds) and its end: after that it cannot
    /// have been used, so that the search is as short after a long outage as before it.
    ///
    /// A use before `since` counts as [`Reconciled::SpentElsewhere`].
    ///
    /// # Errors
    /// If the node does not answer, or the time lies further back than [`MAX_LOG_WINDOWS`] windows reach; the caller
    /// then still does not know.
    pub async fn reconcile(&self, transfer: &Transfer, since: u64) -> Result<Reconciled, RpcError> {
        if !self.is_spent(transfer).await? {
            return Ok(Reconciled::Unspent);
        }
        let mut newest = self.last_before(transfer.valid_before).await?;
        let top = newest;
        for _ in 0..MAX_LOG_WINDOWS {
            let oldest = newest.saturating_sub(LOG_WINDOW_BLOCKS - 1);
            if let Some(found) = self.search(transfer, oldest, newest).await? {
                return self.not_before(found, since).await;
            }
            if oldest == 0 || self.rpc().block_at(oldest).await?.timestamp.to::<u64>() < since {
                // The state said used, so an event exists: too old, or too new for the node's index.
                tokio::time::sleep(LOG_LAG).await;
                let latest = self.last_before(transfer.valid_before).await?;
                let again = self.search(transfer, top.saturating_sub(LOG_WINDOW_BLOCKS / 2), latest).await?;
                return match again {
                    Some(found) => self.not_before(found, since).await,
                    // A reorganization since the first question may have undone the use.
                    None if !self.is_spent(transfer).await? => Ok(Reconciled::Unspent),
                    None => Ok(Reconciled::SpentElsewhere),
                };
            }
            newest = oldest - 1;
        }
        Err(RpcError::HistoryTooLong)
    }

    /// The newest block whose time lies before `end` (Unix seconds).
    async fn last_before(&self, end: U256) -> Result<u64, RpcError> {
        let head = self.recent_block().await?;
        if U256::from(head.timestamp) < end {
            return Ok(head.number);
        }
        // Times of blocks never decrease: `low` lies before the end, or is the first block; `high` does not.
        let (mut low, mut high) = (0, head.number);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if U256::from(self.rpc().block_at(middle).await?.timestamp.to::<u64>()) < end {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Time of a block, Unix seconds.
    pub async fn time_of(&self, block: u64) -> Result<u64, RpcError> {
        Ok(self.rpc().block_at(block).await?.timestamp.to())
    }

    /// The payment that the transaction `hash` made of `transfer`, if it is on chain and did.
    pub async fn paid_by(&self, hash: B256, transfer: &Transfer) -> Result<Option<Paid>, RpcError> {
        Ok(match self.outcome(hash, transfer).await? {
            Some(Outcome::Paid(paid)) => Some(paid),
            Some(Outcome::Failed { .. }) | None => None,
        })
    }

    /// A window may begin before `since`: what lies there paid for something else.
    async fn not_before(&self, found: Reconciled, since: u64) -> Result<Reconciled, RpcError> {
        match found {
            Reconciled::PaidUs(paid) if self.rpc().block_at(paid.block).await?.timestamp.to::<u64>() < since => {
                Ok(Reconciled::SpentElsewhere)
            }
            found => Ok(found),
        }
    }

    /// The end of the authorization within a range of blocks, if it is there.
    async fn search(&self, transfer: &Transfer, from: u64, to: u64) -> Result<Option<Reconciled>, RpcError> {
        let authorizer = token::topic(transfer.from);
        let ends = [token::USED, token::CANCELED];
        let logs = self.rpc().logs(transfer.asset, from, to, ends, [authorizer, transfer.nonce]).await?;
        let Some(log) = logs.first() else { return Ok(None) };
        if log.topics.first() == Some(&token::CANCELED) {
            return Ok(Some(Reconciled::Cancelled));
        }
        let hash = log.transaction_hash.ok_or(RpcError::Malformed)?;
        // A reorganization between the two answers: the caller asks again.
        match self.outcome(hash, transfer).await?.ok_or(RpcError::Lost)? {
            Outcome::Paid(paid) => Ok(Some(Reconciled::PaidUs(paid))),
            Outcome::Failed { .. } => Ok(Some(Reconciled::SpentElsewhere)),
        }
    }

    /// What the transaction `hash` did for `transfer`: `None` while it is in no block of the chain as it is now.
    pub(crate) async fn outcome(&self, hash: B256, transfer: &Transfer) -> Result<Option<Outcome>, RpcError> {
        let Some(receipt) = self.rpc().receipt(hash).await? else { return Ok(None) };
        let Some(block) = receipt.block_number.map(|number| number.to()) else { return Ok(None) };
        // Nodes differ in how long they show receipts of blocks that were dropped, and some show them before their block.
        if let Some(claimed) = receipt.block_hash
            && self.rpc().block_at(block).await?.hash != claimed
        {
            return Ok(None);
        }
        Ok(Some(if token::pays(&receipt, transfer) {
            Outcome::Paid(Paid { transaction: hash, block })
        } else {
            Outcome::Failed { block }
        }))
    }

    /// Why a transfer reverts: it has paid us already, or the first reason that the state shows.
    pub(crate) async fn diagnose(&self, authorized: &Authorized) -> Result<Standing, VerifyError> {
        let transfer = authorized.transfer();
        let now = self.recent_block().await?.timestamp;
        // The chain's clock bounds the host's: a clock that runs ahead must not shorten what is searched.
        let seen = authorized.verified_at().min(now);
        match self.reconcile(transfer, seen.saturating_sub(FRONT_RUN_WINDOW_SECONDS)).await? {
            Reconciled::PaidUs(paid) => return Ok(Standing::Paid(paid)),
            Reconciled::SpentElsewhere | Reconciled::Cancelled => return Err(Invalid::NonceUsed.into()),
            Reconciled::Unspent => {}
        }
        let now = U256::from(now);
        let reason = if now >= transfer.valid_before {
            Invalid::ExpiresTooSoon
        } else if now <= transfer.valid_after {
            Invalid::NotYetValid
        } else if self.balance_of(transfer.from).await? < transfer.value.get() {
            Invalid::InsufficientFunds
        } else if authorized.signature_kind() == SignatureKind::Contract {
            Invalid::Signature
        } else {
            Invalid::Transaction
        };
        Err(reason.into())
    }
}
