//! What became of an authorization, told from the chain alone: for payments whose settlement was not seen to end, and
//! for those that somebody else submitted first.
//!
//! One judgement is made at one block ([`Pinned`]). Logs lead to receipts, and both count only if their block is the one that
//! the chain has at its height now. See [`Reconciled`] for what each verdict rests on.

use alloy_primitives::{B256, U64, U256};

use super::{
    ChainView, Outcome, Paid, Pinned, Reconciled, RpcError, Spent, Unspent,
    pin::{PAUSE, persist},
    rpc::{RawBlock, RawLog},
    token,
};
use crate::exact::Transfer;

/// Blocks that one log query covers; public endpoints refuse much more.
pub const LOG_WINDOW_BLOCKS: u64 = 1_000;
/// Log queries that one reconciliation makes at most (about 46 days of two-second blocks).
pub const MAX_LOG_WINDOWS: u64 = 2_000;
/// Log queries for a payment that nobody has claimed yet, whose answer costs its caller nothing.
pub(super) const MAX_FREE_LOG_WINDOWS: u64 = 40;
/// How long before it was first verified a payment may have been submitted by somebody else and still count, seconds. A
/// ledger must remember its claims for longer, or an old payment could be presented again.
pub const FRONT_RUN_WINDOW_SECONDS: u64 = 600;
/// Times that the newest blocks are searched for an event that must exist: another backend may have indexed it.
const NEWEST_SEARCHES: u32 = 3;
/// Judgements that are begun, each at a new block, before two backends that do not agree count as no answer.
const JUDGEMENTS: u32 = 3;
impl ChainView {
    /// Finds out what became of `transfer` since the block time `since` (Unix seconds). After its end it cannot have been
    /// used, so that the search is as short after a long outage as before it.
    ///
    /// A use before `since` counts as [`Reconciled::SpentElsewhere`]. What the node does not answer, or lies further back than
    /// [`MAX_LOG_WINDOWS`] windows reach, is [`Reconciled::Unknown`].
    pub async fn reconcile(&self, transfer: &Transfer, since: u64) -> Reconciled {
        let mut doubt = RpcError::Behind;
        for _ in 0..JUDGEMENTS {
            let at = match self.pin().await {
                Ok(at) => at,
                Err(why) => return Reconciled::Unknown(why),
            };
            match self.reconcile_at(&at, transfer, since, MAX_LOG_WINDOWS).await {
                // A backend without the block, or a block that went: the next one may do.
                Reconciled::Unknown(why @ (RpcError::Refused(_) | RpcError::Malformed | RpcError::Contradicted)) => {
                    doubt = why;
                }
                verdict => return verdict,
            }
        }
        Reconciled::Unknown(doubt)
    }

    /// The same at one block, with at most `windows` log queries.
    pub(crate) async fn reconcile_at(&self, at: &Pinned, transfer: &Transfer, since: u64, windows: u64) -> Reconciled {
        self.judge(at, transfer, since, windows).await.unwrap_or_else(Reconciled::Unknown)
    }

    async fn judge(&self, at: &Pinned, transfer: &Transfer, since: u64, windows: u64) -> Result<Reconciled, RpcError> {
        if !self.is_spent_at(at.hash, transfer).await? {
            let unspent = Unspent::shown(**at);
            return Ok(if U256::from(at.timestamp) >= transfer.valid_before {
                Reconciled::Expired(unspent)
            } else {
                Reconciled::Unspent(unspent)
            });
        }
        let found = self.search(at, transfer, since, windows).await?;
        if persist(|| self.rpc.block_at(at.number)).await?.hash != at.hash {
            return Err(RpcError::Contradicted);
        }
        Ok(found)
    }

    /// How an authorization ended that is spent at the pinned block.
    async fn search(
        &self,
        at: &Pinned,
        transfer: &Transfer,
        since: u64,
        mut windows: u64,
    ) -> Result<Reconciled, RpcError> {
        let last = self.last_before(at, transfer.valid_before).await?;
        let (mut newest, mut searches) = (last, NEWEST_SEARCHES);
        let oldest = loop {
            windows = windows.checked_sub(1).ok_or(RpcError::HistoryTooLong)?;
            let oldest = newest.saturating_sub(LOG_WINDOW_BLOCKS - 1);
            loop {
                if let Some(found) = self.find(transfer, oldest, newest, since).await? {
                    return Ok(found);
                }
                if searches <= 1 {
                    break;
                }
                searches -= 1;
                tokio::time::sleep(PAUSE).await;
            }
            let block = persist(|| self.rpc.block_at(oldest)).await?;
            if oldest == 0 || block.timestamp.to::<u64>() < since {
                break block;
            }
            newest = oldest - 1;
        };
        // After its end it can only have been cancelled.
        newest = at.number;
        while newest > last {
            windows = windows.checked_sub(1).ok_or(RpcError::HistoryTooLong)?;
            let from = newest.saturating_sub(LOG_WINDOW_BLOCKS - 1).max(last + 1);
            if let Some(found) = self.find(transfer, from, newest, since).await? {
                return Ok(found);
            }
            newest = from - 1;
        }
        // An event exists: before the time that counts, if the state of that time shows it, or beyond the node's index.
        let before = oldest.timestamp.to::<u64>() < since;
        if before && self.is_spent_at(oldest.hash, transfer).await == Ok(true) {
            let spent = Spent::shown(None, oldest.number.to(), oldest.hash);
            return Ok(Reconciled::SpentElsewhere(spent.perhaps_paid(true)));
        }
        Err(RpcError::NotIndexed)
    }

    /// The end of the authorization within a range of blocks, if the node shows it there.
    async fn find(&self, transfer: &Transfer, from: u64, to: u64, since: u64) -> Result<Option<Reconciled>, RpcError> {
        let authorizer = token::topic(transfer.from);
        let ends = [token::USED, token::CANCELED];
        let logs = self.rpc.logs(transfer.asset, from, to, ends, [authorizer, transfer.nonce]).await?;
        let Some(log) = logs.iter().find(|log| token::is_end(log, transfer)) else { return Ok(None) };
        let (hash, block) = self.place(log, from, to).await?;
        let receipt = persist(|| async move { self.rpc.receipt(hash).await?.ok_or(RpcError::Malformed) }).await;
        let receipt = receipt.map_err(|why| if why == RpcError::Malformed { RpcError::NotIndexed } else { why })?;
        let same = receipt.block_hash == Some(block.hash)
            && receipt.block_number == Some(block.number)
            && receipt.status == Some(U64::from(1))
            && receipt.logs.iter().any(|shown| shown.address == log.address && shown.topics == log.topics);
        if !same {
            return Err(RpcError::Contradicted);
        }
        let number = block.number.to();
        let (spent, pays) = (Spent::shown(Some(hash), number, block.hash), token::pays(&receipt, transfer));
        Ok(Some(if log.topics.first() == Some(&token::CANCELED) {
            Reconciled::Cancelled(spent)
        } else if pays && block.timestamp.to::<u64>() >= since {
            Reconciled::PaidUs(Paid::shown(hash, number, block.hash))
        } else {
            Reconciled::SpentElsewhere(spent.perhaps_paid(pays))
        }))
    }

    /// Transaction and block of a log, if the chain has that block now.
    async fn place(&self, log: &RawLog, from: u64, to: u64) -> Result<(B256, RawBlock), RpcError> {
        let (Some(hash), Some(block_hash), Some(number)) = (log.transaction_hash, log.block_hash, log.block_number)
        else {
            return Err(RpcError::Malformed);
        };
        let number = number.to::<u64>();
        if log.removed || number < from || number > to {
            return Err(RpcError::Contradicted);
        }
        let block = persist(|| self.rpc.block_at(number)).await?;
        if block.hash == block_hash { Ok((hash, block)) } else { Err(RpcError::Contradicted) }
    }

    /// Time of a block, Unix seconds.
    pub async fn time_of(&self, block: u64) -> Result<u64, RpcError> {
        Ok(persist(|| self.rpc.block_at(block)).await?.timestamp.to())
    }

    /// The payment that the transaction `hash` made of `transfer`, if it is on chain and did.
    pub async fn paid_by(&self, hash: B256, transfer: &Transfer) -> Result<Option<Paid>, RpcError> {
        Ok(match self.outcome(hash, transfer).await? {
            Some(Outcome::Paid(paid)) => Some(paid),
            Some(Outcome::Failed { .. }) | None => None,
        })
    }

    /// What the transaction `hash` did for `transfer`: `None` while it is in no block of the chain as it is now.
    pub(crate) async fn outcome(&self, hash: B256, transfer: &Transfer) -> Result<Option<Outcome>, RpcError> {
        let Some(receipt) = self.rpc.receipt(hash).await? else { return Ok(None) };
        let (Some(number), Some(block_hash)) = (receipt.block_number, receipt.block_hash) else { return Ok(None) };
        let block = number.to();
        // Nodes differ in how long they show receipts of blocks that were dropped, and some show them before their block.
        if self.rpc.block_at(block).await?.hash != block_hash {
            return Ok(None);
        }
        // Whatever is judged from now on is judged at a block that has it.
        self.newest.note(block);
        Ok(Some(if token::pays(&receipt, transfer) {
            Outcome::Paid(Paid::shown(hash, block, block_hash))
        } else {
            Outcome::Failed { block }
        }))
    }

    /// Whether enough blocks show what happened in `block`.
    pub async fn is_deep(&self, block: u64, confirmations: u64) -> Result<bool, RpcError> {
        let more = confirmations.saturating_sub(1);
        Ok(more == 0 || self.recent_block().await?.number >= block.saturating_add(more))
    }
}
