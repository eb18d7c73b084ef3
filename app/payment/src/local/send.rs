//! Sending one transaction and seeing what becomes of it. Sending the same bytes again is harmless: they have one hash
//! and one account nonce.

use std::time::Duration;

use alloy_primitives::B256;
use tokio::time::Instant;

use super::LocalFacilitator;
use crate::{
    chain::{FRONT_RUN_WINDOW_SECONDS, Reconciled, RpcError},
    exact::{Invalid, Transfer},
    facilitator::{Settlement, SignedTransaction, Unavailable},
};

/// Attempts to hand a transaction to the node before its receipt is looked for anyway.
const SEND_ATTEMPTS: u32 = 3;
/// Wait between two attempts.
const SEND_PAUSE: Duration = Duration::from_millis(300);
/// First wait for a receipt: a chain that mines at once has it by then.
const FIRST_POLL: Duration = Duration::from_millis(50);
/// Longest wait between two looks: an eighth of a two-second block.
const LAST_POLL: Duration = Duration::from_millis(250);

/// How far a transaction came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sent {
    /// The node has it.
    Accepted,
    /// Nobody knows.
    Perhaps,
    /// The node says that its account nonce is used: by itself, mined already, or by another transaction.
    NonceUsed,
    /// It never left, or the node refused it.
    Not(Unavailable),
}

impl Sent {
    /// Whether the wallet's next transaction must take the next nonce.
    pub(super) const fn reached_node(self) -> bool {
        matches!(self, Self::Accepted)
    }
}

impl LocalFacilitator {
    /// Hands the transaction to the node.
    pub(super) async fn send(&self, transaction: &SignedTransaction) -> Sent {
        let mut perhaps = false;
        for attempt in 0..SEND_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(SEND_PAUSE).await;
            }
            match self.chain.rpc().send_raw(&transaction.raw).await {
                Ok(()) | Err(RpcError::AlreadyKnown) => return Sent::Accepted,
                Err(RpcError::NonceTooLow) => return Sent::NonceUsed,
                Err(RpcError::NotSent) => {}
                Err(RpcError::Lost | RpcError::Malformed) => perhaps = true,
                // An earlier attempt may have gone through, and this answer be about it.
                Err(_) if perhaps => return Sent::Perhaps,
                Err(error) => return Sent::Not(self.why_refused(error).await),
            }
        }
        if perhaps { Sent::Perhaps } else { Sent::Not(RpcError::NotSent.into()) }
    }

    /// A node refuses mostly because the wallet is empty; only then the operator can help.
    async fn why_refused(&self, error: RpcError) -> Unavailable {
        match self.chain.rpc().balance(self.address).await {
            Ok(balance) if balance.is_zero() => Unavailable::NoGas,
            _ => error.into(),
        }
    }

    /// Waits for the block of a transaction and judges what it did. `since`: as for [`crate::chain::ChainView::reconcile`].
    pub(super) async fn follow(
        &self,
        transfer: &Transfer,
        transaction: &SignedTransaction,
        sent: Sent,
        since: u64,
    ) -> Settlement {
        if let Sent::Not(cause) = sent {
            return Settlement::Deferred(cause);
        }
        let hash = transaction.hash;
        let deadline = Instant::now() + self.options.confirm_timeout;
        let mut pause = FIRST_POLL;
        let mut accepted = sent == Sent::Accepted;
        loop {
            match self.chain.outcome(hash, transfer).await {
                Ok(Some(Some(paid))) => return Settlement::Settled(paid),
                Ok(Some(None)) => return self.mined_in_vain(transfer, transaction, since).await,
                Ok(None) if sent == Sent::NonceUsed => return Settlement::Deferred(Unavailable::Displaced),
                Ok(None) if !accepted => {
                    // The node answers again and does not have it in a block: make sure that it has it at all.
                    accepted = matches!(
                        self.chain.rpc().send_raw(&transaction.raw).await,
                        Ok(()) | Err(RpcError::AlreadyKnown)
                    );
                }
                Ok(None) | Err(_) => {}
            }
            if Instant::now() + pause > deadline {
                return Settlement::Unknown { transaction: Some(hash) };
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(LAST_POLL);
        }
    }

    /// Our transaction is in a block and did not pay. Somebody else's may have.
    async fn mined_in_vain(&self, transfer: &Transfer, transaction: &SignedTransaction, since: u64) -> Settlement {
        let hash = Some(transaction.hash);
        match self.chain.reconcile(transfer, since.saturating_sub(FRONT_RUN_WINDOW_SECONDS)).await {
            Ok(Reconciled::Unspent) => Settlement::Rejected { reason: Invalid::Transaction, transaction: hash },
            Ok(ended) => ended.settlement(hash),
            Err(_) => Settlement::Unknown { transaction: hash },
        }
    }
}

impl Reconciled {
    /// The settlement that an ended authorization amounts to; `transaction` is the one that failed.
    pub(crate) fn settlement(self, transaction: Option<B256>) -> Settlement {
        match self {
            Self::PaidUs(paid) => Settlement::Settled(paid),
            Self::SpentElsewhere | Self::Cancelled => Settlement::Rejected { reason: Invalid::NonceUsed, transaction },
            Self::Unspent => Settlement::Unknown { transaction },
        }
    }
}
