//! What may be said of an authorization, and the evidence that each statement rests on.
//!
//! Only this directory makes the evidence, from blocks, logs and receipts that were read and compared. Whatever was not
//! found is [`Reconciled::Unknown`]: a node that answers late, in part or not at all is never evidence of anything.

use alloy_primitives::B256;

use super::{block::Block, rpc::RpcError};
use crate::exact::Invalid;

/// A transfer that is on chain and paid us: a successful receipt, in a block of the chain, with use and transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Paid {
    /// The transaction, ours or somebody else's.
    pub transaction: B256,
    /// Its block.
    pub block: u64,
    /// Hash of that block.
    pub block_hash: B256,
    shown: Shown,
}

/// The end of an authorization that did not pay us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spent {
    /// The transaction that used or cancelled it; none if only the state of a block shows that it had ended by then.
    pub transaction: Option<B256>,
    /// The block that shows it.
    pub block: u64,
    /// Hash of that block.
    pub block_hash: B256,
    /// Whether it may have paid us, too early to count: what ended so was perhaps charged.
    pub perhaps_paid: bool,
    shown: Shown,
}

/// A block after which the authorization was neither used nor cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unspent {
    /// The block.
    pub at: Block,
    shown: Shown,
}

/// Proves that the chain was asked: nothing outside this directory makes one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Shown;

impl Paid {
    pub(super) const fn shown(transaction: B256, block: u64, block_hash: B256) -> Self {
        Self { transaction, block, block_hash, shown: Shown }
    }
}

impl Spent {
    pub(super) const fn shown(transaction: Option<B256>, block: u64, block_hash: B256) -> Self {
        Self { transaction, block, block_hash, perhaps_paid: false, shown: Shown }
    }

    pub(super) const fn perhaps_paid(self, perhaps_paid: bool) -> Self {
        Self { perhaps_paid, ..self }
    }
}

impl Unspent {
    pub(super) const fn shown(at: Block) -> Self {
        Self { at, shown: Shown }
    }
}

/// What the chain says of an authorization.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reconciled {
    /// It paid us, whoever submitted it.
    PaidUs(Paid),
    /// A transaction used it and did not pay us, or used it before that counted.
    SpentElsewhere(Spent),
    /// The payer cancelled it.
    Cancelled(Spent),
    /// It was not used before its end, and cannot be any more.
    Expired(Unspent),
    /// It was not used; it may still be, until it expires.
    Unspent(Unspent),
    /// Nobody can tell at the moment. Ask again.
    Unknown(RpcError),
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

/// Why a transfer reverts, as one block shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Diagnosis {
    /// The authorization has ended, or nobody can tell.
    Ended(Reconciled),
    /// It would settle after that block.
    Payable,
    /// It is unspent after that block, and the token would not carry it out.
    Refused(Invalid),
}
