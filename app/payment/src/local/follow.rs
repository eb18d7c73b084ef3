//! What becomes of a transaction after it was sent: it is mined, replaced by the same call for more, or displaced by
//! another transaction of the same wallet.

use std::time::Duration;

use alloy_primitives::{Address, B256};
use tokio::time::Instant;

use super::{LocalFacilitator, fees, send::Sent, transaction::Body};
use crate::{
    chain::{FRONT_RUN_WINDOW_SECONDS, Outcome, Reconciled, RpcError},
    exact::{Invalid, Transfer},
    facilitator::{Paid, Settlement, SignedTransaction, Unavailable},
};

/// Shortest wait between two looks for a receipt.
const FIRST_POLL: Duration = Duration::from_millis(25);
/// Longest.
const LAST_POLL: Duration = Duration::from_millis(500);
/// The wait is this part of the time since sending: so late is the answer at most, whatever the chain's block time.
const POLLS_PER_BLOCK: u32 = 25;
/// How often the wallet's account nonce is compared while nothing is mined.
const NONCE_PERIOD: Duration = Duration::from_secs(1);

/// A settlement's transactions: all carry one call under one account nonce, so at most one of them is ever mined.
struct Attempt {
    /// The stored one and what replaced it, newest last. Never empty.
    hashes: Vec<B256>,
    /// The newest.
    newest: SignedTransaction,
    /// The newest, read: who signed it, and what.
    body: Option<(Address, Body)>,
}

/// What a look at the receipts shows.
enum Look {
    /// The settlement has ended.
    Ended(Settlement),
    /// In a block that is not deep enough yet.
    Shallow,
    /// In no block.
    Absent,
    /// The node did not tell.
    Blind,
}

impl Attempt {
    fn new(transaction: &SignedTransaction) -> Self {
        let body = Body::read(&transaction.raw);
        Self { hashes: vec![transaction.hash], newest: transaction.clone(), body }
    }

    fn replaced_by(&mut self, signer: Address, body: Body, transaction: SignedTransaction) {
        self.hashes.push(transaction.hash);
        self.newest = transaction;
        self.body = Some((signer, body));
    }
}

impl LocalFacilitator {
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
        let mut attempt = Attempt::new(transaction);
        let start = Instant::now();
        let deadline = start + self.options.confirm_timeout;
        let mut replace_at = if sent == Sent::TooCheap { start } else { start + self.options.replace_after };
        let mut compare_at = if sent == Sent::NonceUsed { start } else { start + NONCE_PERIOD };
        // Whether the node is known to have the newest.
        let mut held = sent == Sent::Accepted;
        loop {
            match self.look(transfer, &attempt, since).await {
                Look::Ended(settlement) => return settlement,
                // If it vanishes from its block, it is sent again.
                Look::Shallow => held = false,
                Look::Blind => {}
                Look::Absent => {
                    let now = Instant::now();
                    if now >= compare_at {
                        if let Some(settlement) = self.displaced(transfer, &attempt, since).await {
                            return settlement;
                        }
                        compare_at = now + if sent == Sent::NonceUsed { Duration::ZERO } else { NONCE_PERIOD };
                    }
                    if now >= replace_at {
                        held = self.replace(&mut attempt).await;
                        replace_at = now + self.options.replace_after;
                    } else if !held {
                        // The node answers again and does not have it in a block: make sure that it has it at all.
                        held = self.has(&attempt.newest).await;
                    }
                }
            }
            let pause = (start.elapsed() / POLLS_PER_BLOCK).clamp(FIRST_POLL, LAST_POLL);
            if Instant::now() + pause > deadline {
                return Settlement::Unknown { transaction: Some(attempt.newest.hash) };
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Looks for the receipt of any of the attempt's transactions.
    async fn look(&self, transfer: &Transfer, attempt: &Attempt, since: u64) -> Look {
        let mut look = Look::Absent;
        for hash in attempt.hashes.iter().rev() {
            let outcome = match self.chain.outcome(*hash, transfer).await {
                Ok(Some(outcome)) => outcome,
                Ok(None) => continue,
                Err(_) => {
                    look = Look::Blind;
                    continue;
                }
            };
            match (self.is_deep(outcome.block()).await, outcome) {
                (Err(_), _) => return Look::Blind,
                (Ok(false), _) => return Look::Shallow,
                (Ok(true), Outcome::Paid(paid)) => return Look::Ended(Settlement::Settled(paid)),
                (Ok(true), Outcome::Failed { .. }) => {
                    return Look::Ended(self.mined_in_vain(transfer, *hash, since).await);
                }
            }
        }
        look
    }

    /// Whether enough blocks show what happened in `block`.
    async fn is_deep(&self, block: u64) -> Result<bool, RpcError> {
        let more = self.options.confirmations.saturating_sub(1);
        Ok(more == 0 || self.chain.recent_block().await?.number >= block.saturating_add(more))
    }

    /// Tells whether another transaction used the attempt's account nonce, so that none of its own can be mined any more:
    /// first the nonce, then the receipts and the authorization, or a block in between would look like that.
    async fn displaced(&self, transfer: &Transfer, attempt: &Attempt, since: u64) -> Option<Settlement> {
        let (signer, body) = attempt.body.as_ref()?;
        if self.chain.rpc().nonce(*signer).await.ok()? <= body.nonce() {
            return None;
        }
        match self.look(transfer, attempt, since).await {
            Look::Ended(settlement) => return Some(settlement),
            Look::Shallow | Look::Blind => return None,
            Look::Absent => {}
        }
        match self.reconcile(transfer, since).await.ok()? {
            Reconciled::Unspent => Some(Settlement::Deferred(Unavailable::Displaced)),
            ended => Some(self.ended(transfer, ended, Some(attempt.newest.hash)).await),
        }
    }

    /// Offers the same call for more. Where it cannot be raised within the cap, the newest is sent again instead: the node
    /// may have forgotten it. Tells whether the node has the newest.
    async fn replace(&self, attempt: &mut Attempt) -> bool {
        let Some((next, signed)) = self.raised(attempt).await else { return self.has(&attempt.newest).await };
        match self.send(&signed).await {
            sent @ (Sent::Accepted | Sent::Perhaps) => {
                attempt.replaced_by(self.address, next, signed);
                sent == Sent::Accepted
            }
            Sent::NonceUsed | Sent::Rival | Sent::TooCheap | Sent::Not(_) => self.has(&attempt.newest).await,
        }
    }

    async fn raised(&self, attempt: &Attempt) -> Option<(Body, SignedTransaction)> {
        // A transaction stored under an earlier key can only be waited for.
        let (_, body) = attempt.body.as_ref().filter(|(signer, _)| *signer == self.address)?;
        let cap = self.options.max_fee_per_gas;
        let next = body.raised(fees::quote(self.chain.rpc(), cap).await.ok()?, cap)?;
        let signed = next.clone().sign(&self.key)?;
        Some((next, signed))
    }

    async fn has(&self, transaction: &SignedTransaction) -> bool {
        matches!(self.chain.rpc().send_raw(&transaction.raw).await, Ok(()) | Err(RpcError::AlreadyKnown))
    }

    /// A transaction is in a block and did not pay. Somebody else's may have.
    async fn mined_in_vain(&self, transfer: &Transfer, hash: B256, since: u64) -> Settlement {
        match self.reconcile(transfer, since).await {
            Ok(Reconciled::Unspent) => Settlement::Rejected { reason: Invalid::Transaction, transaction: Some(hash) },
            Ok(ended) => self.ended(transfer, ended, Some(hash)).await,
            Err(_) => Settlement::Unknown { transaction: Some(hash) },
        }
    }

    pub(super) async fn reconcile(&self, transfer: &Transfer, since: u64) -> Result<Reconciled, RpcError> {
        self.chain.reconcile(transfer, since.saturating_sub(FRONT_RUN_WINDOW_SECONDS)).await
    }

    /// The settlement that an ended authorization amounts to, once it is deep enough.
    pub(super) async fn ended(&self, transfer: &Transfer, ended: Reconciled, transaction: Option<B256>) -> Settlement {
        match ended {
            Reconciled::PaidUs(paid) => self.settled(transfer, paid).await,
            ended => ended.settlement(transaction),
        }
    }

    /// Waits until a payment is deep enough. One that vanishes from the chain meanwhile is unknown again.
    pub(super) async fn settled(&self, transfer: &Transfer, paid: Paid) -> Settlement {
        let deadline = Instant::now() + self.options.confirm_timeout;
        let mut seen = Some(paid);
        loop {
            if let Some(paid) = seen
                && self.is_deep(paid.block).await.unwrap_or(false)
            {
                return Settlement::Settled(paid);
            }
            if Instant::now() + LAST_POLL > deadline {
                return Settlement::Unknown { transaction: Some(paid.transaction) };
            }
            tokio::time::sleep(LAST_POLL).await;
            seen = match self.chain.outcome(paid.transaction, transfer).await {
                Ok(Some(Outcome::Paid(paid))) => Some(paid),
                _ => None,
            };
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
