//! The ledger's interface, and its errors by who must act.

use async_trait::async_trait;

use crate::claim::{ClaimKey, JobId};
use crate::record::{Change, JobResult, NewClaim, Record};
use crate::state::Stage;

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The authorization is now ours, and the job with it.
    Fresh(Record),
    /// It was claimed before. Its fingerprint tells a retry of the same request from a reuse for another.
    Existing(Record),
    /// The payer has too many unfinished jobs; nothing was claimed.
    TooManyUnsettled {
        /// How many.
        unsettled: u64,
    },
}

/// Why a call failed. Whatever the error, nothing was changed, except as [`LedgerError::Storage`] says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// For the caller: there is no such job.
    #[error("no such job")]
    NotFound,
    /// For the caller: somebody else changed the job first. Read it again.
    #[error("the job has changed; it is now at version {current}")]
    Stale {
        /// The version it is at.
        current: u64,
    },
    /// For the programmer: [`Stage::may_follow`] does not allow this.
    #[error("a job cannot go from {from:?} to {to:?}")]
    IllegalTransition {
        /// Where the job stands.
        from: Stage,
        /// Where it was to go.
        to: Stage,
    },
    /// For the programmer: `Done` and `Settled` need a result.
    #[error("a job that is done must have its result")]
    ResultRequired,
    /// For the caller: take other random bytes.
    #[error("the job id is taken")]
    JobIdTaken,
    /// For the caller: a part is larger than a record holds.
    #[error("the {what} is larger than {limit} bytes")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// The limit, in bytes.
        limit: usize,
    },
    /// For the operator: another process has the ledger open.
    #[error("the ledger is in use by another process")]
    InUse,
    /// For the operator: this is a ledger, but not one of this key. The file was not touched.
    #[error("the ledger was sealed with another key")]
    WrongKey,
    /// For the operator: the file is damaged or not a ledger. On opening, the file was not touched.
    #[error("the ledger is damaged: {0}")]
    Corrupt(&'static str),
    /// For the operator: the disk is full. The ledger must be opened again after room was made.
    #[error("no room left for the ledger")]
    Full,
    /// For the operator: the disk failed, now or in an earlier call; open the ledger again. The last change may have been stored.
    #[error("the ledger's storage failed: {0:?}")]
    Storage(std::io::ErrorKind),
}

/// Payments, jobs, results and receipts. Every method is atomic; what it wrote is durable when it returns. Dropping a
/// call's future does not undo it.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Claims an authorization, unless it is claimed already or its payer has too many unfinished jobs.
    async fn claim(&self, new: NewClaim) -> Result<Claim, LedgerError>;

    /// The job of a claim.
    async fn get(&self, key: &ClaimKey) -> Result<Option<Record>, LedgerError>;

    /// The job of a public name.
    async fn by_job_id(&self, id: &JobId) -> Result<Option<Record>, LedgerError>;

    /// Changes a job that is at version `expected`, and returns it as it is then.
    async fn advance(&self, key: &ClaimKey, expected: u64, change: Change) -> Result<Record, LedgerError>;

    /// Moves a job that is at version `expected` to `Settled`, together with its final result.
    async fn finish_settled(
        &self,
        key: &ClaimKey,
        expected: u64,
        transaction: [u8; 32],
        result: JobResult,
        at: u64,
    ) -> Result<Record, LedgerError>;

    /// Every job that is not final, for reconciliation. In no particular order.
    async fn unfinished(&self) -> Result<Vec<Record>, LedgerError>;

    /// How many jobs of a payer are not final, over all networks.
    async fn unsettled_of(&self, payer: &[u8; 20]) -> Result<u64, LedgerError>;

    /// Forgets final jobs that last changed, and whose authorizations became void, before `before`; at most
    /// [`EXPIRED_PER_CALL`] of them, the oldest first. Returns how many.
    async fn expire(&self, before: u64) -> Result<u64, LedgerError>;
}

/// Jobs that one call of [`Ledger::expire`] forgets, count.
pub const EXPIRED_PER_CALL: usize = 1_000;
