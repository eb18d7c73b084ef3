//! Judgement of a transaction that was sent: it is mined in one of its versions, or displaced by another transaction of the
//! same wallet.

use std::time::Duration;

use alloy_primitives::{Address, B256};
use tokio::time::Instant;

use super::{LocalFacilitator, sent::Sent, transaction::Body};
use crate::{
    chain::{FRONT_RUN_WINDOW_SECONDS, MAX_LOG_WINDOWS, Outcome, Reconciled},
    exact::{Invalid, Transfer},
    facilitator::{Paid, Settlement, SignedTransaction, Unavailable},
};

/// Shortest wait between two looks for a receipt of a nonce that is used.
const FIRST_POLL: Duration = Duration::from_millis(25);
/// Longest.
const LAST_POLL: Duration = Duration::from_millis(500);
/// The wait is this part of the time since the nonce was seen to be used.
const POLLS_PER_WAIT: u32 = 25;
/// How often a receipt is looked for although the nonce is not seen to be used.
const LOOK_ANYWAY: Duration = Duration::from_secs(2);
/// How often what became of the authorization is asked where the nonce is used and no receipt shows by whom.
const COMPARE_PERIOD: Duration = Duration::from_secs(1);

/// A settlement's transactions: all carry one account nonce, so at most one of them is ever mined.
struct Attempt {
    /// The stored one and what replaced it, newest last. Never empty.
    hashes: Vec<B256>,
    /// The nonce, if it is of this wallet.
    nonce: Option<u64>,
    /// Who signed it, and its nonce.
    signed: Option<(Address, u64)>,
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
    fn newest(&self) -> Option<B256> {
        self.hashes.last().copied()
    }
}

impl LocalFacilitator {
    /// Waits for the block of a transaction and judges what it did. `since`: as for [`crate::chain::ChainView::reconcile`].
    ///
    /// The keeper sees to it that it is mined; whoever stops waiting here stops nothing.
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
        let signed = Body::read(&transaction.raw).map(|(signer, body)| (signer, body.nonce()));
        let nonce = signed.filter(|(signer, _)| *signer == self.wallet.address).map(|(_, nonce)| nonce);
        let mut attempt = Attempt { hashes: vec![transaction.hash], nonce, signed };
        let settlement = self.watch(transfer, &mut attempt, sent, since).await;
        // Whatever else may still be mined of it changes nothing any more. What paid is kept: its block may go again.
        let by_another = |paid: Paid| !attempt.hashes.contains(&paid.transaction);
        let useless = match settlement {
            Settlement::Settled(paid) => by_another(paid),
            Settlement::Rejected { .. } => true,
            Settlement::Deferred(_) | Settlement::Unknown { .. } => false,
        };
        if let (Some(nonce), true) = (nonce, useless) {
            self.wallet.nonces().obsolete(nonce, transaction.hash);
        }
        settlement
    }

    async fn watch(&self, transfer: &Transfer, attempt: &mut Attempt, sent: Sent, since: u64) -> Settlement {
        let mut latest = self.wallet.latest();
        let start = Instant::now();
        let deadline = start + self.options.confirm_timeout;
        let mut look_at = if sent == Sent::Accepted { start + LOOK_ANYWAY } else { start };
        let mut compare_at = start;
        let mut used_since = None;
        loop {
            let next = *latest.borrow_and_update();
            let used = attempt.nonce.is_none_or(|nonce| next.is_some_and(|next| next > nonce));
            let now = Instant::now();
            used_since = if used { used_since.or(Some(now)) } else { None };
            if used || now >= look_at.min(deadline) {
                look_at = now + LOOK_ANYWAY;
                if let Some(nonce) = attempt.nonce {
                    self.wallet.versions(nonce, &mut attempt.hashes);
                }
                match self.look(transfer, attempt, since).await {
                    Look::Ended(settlement) => return settlement,
                    Look::Shallow | Look::Blind => {}
                    Look::Absent if now < compare_at => {}
                    Look::Absent => {
                        if let Some(settlement) = self.displaced(transfer, attempt, since).await {
                            return settlement;
                        }
                        compare_at = Instant::now() + COMPARE_PERIOD;
                    }
                }
            }
            let now = Instant::now();
            if now >= deadline {
                return Settlement::Unknown { transaction: attempt.newest() };
            }
            let pause = used_since.map_or(LOOK_ANYWAY, |since| {
                (now.saturating_duration_since(since) / POLLS_PER_WAIT).clamp(FIRST_POLL, LAST_POLL)
            });
            let pause = tokio::time::sleep(pause.min(deadline - now));
            if used {
                pause.await;
            } else {
                tokio::select! {
                    () = pause => {}
                    _ = latest.changed() => {}
                }
            }
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
            match (self.chain.is_deep(outcome.block(), self.options.confirmations).await, outcome) {
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

    /// Tells whether another transaction used the attempt's account nonce, so that none of its own can be mined any more.
    /// Account nonce and authorization are those of one block, or a backend that lags would look like that.
    async fn displaced(&self, transfer: &Transfer, attempt: &Attempt, since: u64) -> Option<Settlement> {
        let (signer, nonce) = attempt.signed?;
        let at = self.chain.pin().await.ok()?;
        if self.chain.nonce_at(&at, signer).await.ok()? <= nonce {
            return None;
        }
        match self.look(transfer, attempt, since).await {
            Look::Ended(settlement) => return Some(settlement),
            Look::Shallow | Look::Blind => return None,
            Look::Absent => {}
        }
        match self.chain.reconcile_at(&at, transfer, since_first(since), MAX_LOG_WINDOWS).await {
            // Evidence is another transaction in the block that took the nonce. One of ours that moved no money looks the same
            // as long as its receipt is not shown; that it is not after many blocks is taken for evidence, too.
            Reconciled::Unspent(_) => {
                let beside = self.chain.beside_nonce(&at, signer, nonce).await.ok()?;
                let ours = beside.is_some_and(|beside| attempt.hashes.iter().any(|hash| beside.contains(hash)));
                (!ours).then_some(Settlement::Deferred(Unavailable::Displaced))
            }
            // The receipt of one of ours may be on its way.
            Reconciled::Unknown(_) => None,
            ended => Some(self.chain.conclude(transfer, ended, attempt.newest(), self.depth()).await),
        }
    }

    /// A transaction is in a block and did not pay. Somebody else's may have: judged at that block or a later one.
    async fn mined_in_vain(&self, transfer: &Transfer, hash: B256, since: u64) -> Settlement {
        match self.reconcile(transfer, since).await {
            Reconciled::Unspent(_) => Settlement::Rejected { reason: Invalid::Transaction, transaction: Some(hash) },
            ended => self.chain.conclude(transfer, ended, Some(hash), self.depth()).await,
        }
    }

    pub(super) async fn reconcile(&self, transfer: &Transfer, since: u64) -> Reconciled {
        self.chain.reconcile(transfer, since_first(since)).await
    }
}

/// The time from which a use counts of a payment that was first seen at `since`.
const fn since_first(since: u64) -> u64 {
    since.saturating_sub(FRONT_RUN_WINDOW_SECONDS)
}
