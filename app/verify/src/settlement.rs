//! What the payment chain shows of a receipt (SPEC 8.7): the block that it names, and the settlement.
//!
//! A node tells it, and is believed; nothing that it fails to tell counts as told.

use alloy_primitives::{Address, B256, U256, keccak256};
use precis_protocol::receipt::{Payment, SignedReceipt};

use crate::challenge::MAX_BLOCK_AGE_SECONDS;
use crate::check;
use crate::online::{ChainBlock, Online};
use crate::time::CLOCK_TOLERANCE_SECONDS;
use crate::transcript::Recorder;

/// What a node says about the block and the transaction that a receipt names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnChain {
    /// The node's newest height.
    pub head: u64,
    /// The block at the height that the receipt names.
    pub block: Option<ChainBlock>,
    /// The transaction that the receipt names as its settlement, if the node has it in a block.
    pub settlement: Option<Mined>,
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

/// Records both checks; returns the later of the times that they show.
pub(crate) fn record(
    recorder: &mut Recorder,
    signed: &SignedReceipt,
    online: Online<'_, &OnChain>,
) -> Option<NotBefore> {
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
            let settlement = settled.and_then(|payment| settlement(recorder, signed, payment, chain));
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

/// A charge counts when one successful transaction shows the use of the authorization and, as the token's next event, the transfer of
/// exactly the amount from payer to payee (SPEC 6.5). What a node does not find may lie behind its horizon: that proves nothing.
fn settlement(
    recorder: &mut Recorder,
    signed: &SignedReceipt,
    payment: &Payment,
    chain: &OnChain,
) -> Option<NotBefore> {
    let (transaction, issued_at) = (payment.transaction, signed.receipt.issued_at);
    let Some(mined) = &chain.settlement else {
        recorder.skip(
            check::RECEIPT_SETTLEMENT,
            format!("the node has no transaction {transaction} in a block; it may be behind, or keep no old ones"),
        );
        return None;
    };
    let (number, time) = (mined.number, mined.block.timestamp);
    let result = if !mined.succeeded {
        Err(format!("transaction {transaction} in block {number} was reverted"))
    } else if !shows(&mined.logs, payment) {
        Err(format!("transaction {transaction} in block {number} does not charge this authorization"))
    } else if time > issued_at.saturating_add(CLOCK_TOLERANCE_SECONDS) {
        Err(format!(
            "settled at {time} in block {number}, after the receipt was issued at {issued_at}: it is dated back"
        ))
    } else {
        Ok(format!("{} from {} to {} in block {number}, made {time}", payment.amount, payment.payer, payment.pay_to))
    };
    recorder
        .record(check::RECEIPT_SETTLEMENT, result)
        .then(|| NotBefore { time, shown_by: format!("the settlement in block {number}") })
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
