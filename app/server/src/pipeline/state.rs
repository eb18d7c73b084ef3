//! Types that the steps after the claim hand on to each other: a job that is claimed, done, paid, receipted.

use std::sync::Arc;

use alloy_primitives::B256;
use precis_store::{JobResult, Record};

use crate::error::Failure;
use crate::flights::Watched;
use crate::jobs::context::Context;
use crate::jobs::receipts::Kept;
use crate::service::Permit;
use crate::task::Input;

/// The input of the work, which only the caller has.
pub struct Work {
    pub(super) input: Arc<dyn Input>,
    pub(super) tokens: u32,
    /// A place in the queue, taken before the payment was claimed; absent when an earlier claim is taken up again.
    pub(super) permit: Option<Permit>,
}

impl Work {
    /// The same again; the place in the queue goes with the first.
    pub(super) fn share(&mut self) -> Self {
        Self { input: Arc::clone(&self.input), tokens: self.tokens, permit: self.permit.take() }
    }
}

/// A claimed job, with its input if the caller is there.
pub struct Claimed {
    pub(super) record: Record,
    pub(super) context: Context,
    pub(super) work: Option<Work>,
    pub(super) watched: Watched,
}

/// A job whose result exists and is stored, not yet paid.
pub struct Done {
    pub(super) record: Record,
    pub(super) context: Context,
}

/// A job that is paid, with its result.
pub struct Settled {
    pub(super) record: Record,
    pub(super) context: Context,
    /// The transaction that paid.
    pub(super) paid: B256,
}

/// A job that is paid, its work still owed.
pub struct Prepaid {
    pub(super) claimed: Claimed,
    /// The transaction that paid.
    pub(super) paid: B256,
}

impl Settled {
    /// The result.
    pub(super) fn result(&self) -> Result<&JobResult, Failure> {
        self.record.result.as_ref().ok_or_else(|| Failure::internal("ledger", "a job that is done has no result"))
    }
}

/// A settled job with its receipt.
pub struct Receipted {
    pub(super) settled: Settled,
    /// What goes out with the result.
    pub(super) kept: Kept,
    /// Whether it was stored before, and is only being delivered again.
    pub(super) stored: bool,
}
