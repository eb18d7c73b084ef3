//! What the payment chain shows of a receipt (SPEC 8.7): the block that it names, the settlement, and the refund.
//!
//! A node tells it, and is believed; nothing that it fails to tell counts as told.

use alloy_primitives::{Address, B256, U256, keccak256};
use precis_protocol::job;
use precis_protocol::receipt::{Payment, ReceiptStatus, SignedReceipt};

use crate::challenge::MAX_BLOCK_AGE_SECONDS;
use crate::check::{self, CheckId};
use crate::online::{ChainBlock, Online};
use crate::time::CLOCK_TOLERANCE_SECONDS;
use crate::transcript::Recorder;

/// What a node says about the block and the transactions that a receipt names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnChain {
    /// The node's newest height.
    pub head: u64,
    /// The block at the height that the receipt names.
    pub block: Option<ChainBlock>,
    /// The transaction that the receipt names as its settlement, if the node has it in a block.
    pub settlement: Option<Mined>,
    /// The transaction that the result of a failed job names as its refund, if the node has it in a block.
    pub refund: Option<Mined>,
}

/// A transaction in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mined {
    /// Height of the block.
    pub number: u64,
    /// The block.
    pub block: ChainBlock,
    /// Whether it did what it says, rather than being reverted.
    pub succeeded: bool,
    /// Its events, in order.
    pub logs: Vec<Log>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Contract that tells it.
    pub address: Address,
    /// Signature and indexed arguments.
    pub topics: Vec<B256>,
    /// The other arguments.
    pub data: Vec<u8>,
}

/// A time that a receipt cannot have been signed before, and what shows it.
pub(crate) struct NotBefore {
    pub(crate) time: u64,
    pub(crate) shown_by: String,
}

/// Transaction that the result of a failed job names as its refund (SPEC 7.6).
#[must_use]
pub fn refund_named(signed: &SignedReceipt, result: &[u8]) -> Option<B256> {
    #[derive(serde::Deserialize)]
    struct Outcome {
        refund: B256,
    }
    let paid_back = signed.receipt.status == ReceiptStatus::FailedRefunded;
    paid_back.then(|| serde_json::from_slice::<Outcome>(result).ok()).flatten().map(|outcome| outcome.refund)
}

/// Records the checks on block, settlement and refund; returns the latest of the times that they show.
pub(crate) fn record(
    recorder: &mut Recorder,
    signed: &SignedReceipt,
    result: &[u8],
    online: Online<'_, &OnChain>,
) -> Option<NotBefore> {
    let refund = refund(recorder, signed, result, online);
    [charge(recorder, signed, online), refund].into_iter().flatten().max_by_key(|bound| bound.time)
}

/// The way back of the money: the wallet's authorization, whose nonce follows from the payment's (SPEC 6.8).
fn refund(
    recorder: &mut Recorder,
    signed: &SignedReceipt,
    result: &[u8],
    online: Online<'_, &OnChain>,
) -> Option<NotBefore> {
    let payment = signed.payment.as_ref().filter(|_| signed.receipt.status == ReceiptStatus::FailedRefunded);
    let Some(payment) = payment else {
        recorder.optional(check::RECEIPT_REFUND, "the receipt names no refund");
        return None;
    };
    let Some(transaction) = refund_named(signed, result) else {
        recorder.fail(check::RECEIPT_REFUND, "refunded, but the result names no transaction");
        return None;
    };
    let named = format!("transaction {transaction} on {}", payment.network);
    let chain = match online {
        Online::NotAsked => {
            recorder.optional(check::RECEIPT_REFUND, format!("{named}; no node was asked"));
            return None;
        }
        Online::Unanswered(why) => {
            recorder.skip(check::RECEIPT_REFUND, format!("{named}: {why}"));
            return None;
        }
        Online::Known(chain) => chain,
    };
    let asset = payment.asset.into_array();
    let claim = job::claim_key(&payment.network, &asset, &payment.payer.into_array(), &payment.nonce.0);
    let back = Payment {
        payer: payment.pay_to,
        pay_to: payment.payer,
        nonce: job::refund_nonce(&claim).into(),
        transaction,
        ..payment.clone()
    };
    moved(recorder, check::RECEIPT_REFUND, "the refund", signed, &back, chain.refund.as_ref())
}

fn charge(recorder: &mut Recorder, signed: &SignedReceipt, online: Online<'_, &OnChain>) -> Option<NotBefore> {
    let number = signed.receipt.block_number;
    let settled = signed.payment.as_ref().filter(|payment| !payment.transaction.is_zero());
    if settled.is_none() {
        recorder.optional(check::RECEIPT_SETTLEMENT, "the receipt names no settlement");
    }
    let named = settled.map(|payment| format!("transaction {} on {}", payment.transaction, payment.network));
    match online {
        Online::NotAsked => {
            let hash = signed.receipt.block_hash;
            recorder.optional(check::RECEIPT_BLOCK, format!("block {number}, {hash}; no node was asked"));
            if let Some(named) = named {
                recorder.optional(check::RECEIPT_SETTLEMENT, format!("{named}; no node was asked"));
            }
            None
        }
        Online::Unanswered(why) => {
            recorder.skip(check::RECEIPT_BLOCK, format!("block {number}: {why}"));
            if let Some(named) = named {
                recorder.skip(check::RECEIPT_SETTLEMENT, format!("{named}: {why}"));
            }
            None
        }
        Online::Known(chain) => {
            let block = block(recorder, signed, chain);
            let settlement = settled.and_then(|payment| {
                let found = chain.settlement.as_ref();
                moved(recorder, check::RECEIPT_SETTLEMENT, "the settlement", signed, payment, found)
            });
            [block, settlement].into_iter().flatten().max_by_key(|bound| bound.time)
        }
    }
}

fn block(recorder: &mut Recorder, signed: &SignedReceipt, chain: &OnChain) -> Option<NotBefore> {
    let (number, hash, issued_at) = (signed.receipt.block_number, signed.receipt.block_hash, signed.receipt.issued_at);
    let result = match chain.block {
        None if number > chain.head => {
            recorder.skip(check::RECEIPT_BLOCK, format!("block {number}; the node has got to {}", chain.head));
            return None;
        }
        None => Err(format!("the chain has no block {number}")),
        Some(found) if found.hash != hash => Err(format!("block {number} is {}, the receipt names {hash}", found.hash)),
        Some(found) if found.timestamp > issued_at.saturating_add(CLOCK_TOLERANCE_SECONDS) => {
            Err(format!("block {number} is of {}, after the receipt was issued at {issued_at}", found.timestamp))
        }
        Some(found) if issued_at.saturating_sub(found.timestamp) > MAX_BLOCK_AGE_SECONDS => Err(format!(
            "block {number} is of {}, more than {MAX_BLOCK_AGE_SECONDS} seconds before the receipt at {issued_at}",
            found.timestamp
        )),
        Some(found) => Ok(found.timestamp),
    };
    let time = result.as_ref().ok().copied();
    recorder.record(check::RECEIPT_BLOCK, result.map(|time| format!("block {number}, {hash}, made {time}")));
    time.map(|time| NotBefore { time, shown_by: format!("block {number}") })
}

/// Money moved when one successful transaction shows the use of the authorization and, as the token's next event, the transfer of
/// exactly the amount from payer to payee (SPEC 6.5). What a node does not find may lie behind its horizon: that proves nothing.
fn moved(
    recorder: &mut Recorder,
    id: CheckId,
    what: &str,
    signed: &SignedReceipt,
    payment: &Payment,
    found: Option<&Mined>,
) -> Option<NotBefore> {
    let (transaction, issued_at) = (payment.transaction, signed.receipt.issued_at);
    let Some(mined) = found else {
        let why =
            format!("the node has no transaction {transaction} in a block; it may be behind, or keep no old ones");
        recorder.skip(id, why);
        return None;
    };
    let (number, time) = (mined.number, mined.block.timestamp);
    let result = if !mined.succeeded {
        Err(format!("transaction {transaction} in block {number} was reverted"))
    } else if !shows(&mined.logs, payment) {
        Err(format!("transaction {transaction} in block {number} does not use this authorization"))
    } else if time > issued_at.saturating_add(CLOCK_TOLERANCE_SECONDS) {
        Err(format!("made at {time} in block {number}, after the receipt was issued at {issued_at}: it is dated back"))
    } else {
        Ok(format!("{} from {} to {} in block {number}, made {time}", payment.amount, payment.payer, payment.pay_to))
    };
    recorder.record(id, result).then(|| NotBefore { time, shown_by: format!("{what} in block {number}") })
}

fn shows(logs: &[Log], payment: &Payment) -> bool {
    let word = |address: Address| address.into_word();
    let used = [keccak256("AuthorizationUsed(address,bytes32)"), word(payment.payer), payment.nonce];
    let moved = [keccak256("Transfer(address,address,uint256)"), word(payment.payer), word(payment.pay_to)];
    let of_token: Vec<&Log> = logs.iter().filter(|log| log.address == payment.asset).collect();
    of_token.windows(2).any(|pair| match pair {
        [first, second] => {
            first.topics == used
                && second.topics == moved
                && <[u8; 32]>::try_from(second.data.as_slice())
                    .is_ok_and(|amount| U256::from_be_bytes(amount) == payment.amount)
        }
        _ => false,
    })
}
