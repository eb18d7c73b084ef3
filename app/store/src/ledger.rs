//! The ledger's interface.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::claim::{ClaimKey, JobId};
use crate::error::LedgerError;
use crate::record::{Change, JobResult, NewClaim, Record};

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The authorization is now ours, and the job with it.
    Fresh(Record),
    /// It was claimed before. Its fingerprint tells a retry of the same request from a reuse for another.
    Existing(Record),
    /// The payer has too many unsettled jobs; nothing was claimed.
    TooManyUnsettled {
        /// How many.
        unsettled: u64,
    },
    /// The payer's funds do not cover the claim beside those that are not settled; nothing was claimed.
    FundsReserved {
        /// What its other claims of the same token still have to take, atomic units.
        reserved: u128,
    },
    /// The payer used its identifier for another authorization before; nothing was claimed.
    IdentifierTaken,
}

/// Names one worker of one process, for as long as that runs.
pub type Holder = [u8; 16];

/// What came of [`Ledger::hold`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The job is the caller's to work on until the time it asked for is over.
    Ours,
    /// Another holder works on it.
    Theirs,
}

/// Where a listing goes on.
pub type Cursor = [u8; 32];

/// Jobs that were listed. What could not be read of them is named, never left out in silence: a job that is not in a list with damage may exist all
/// the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// What could be read.
    pub records: Vec<Record>,
    /// Rows that are there, or should be, and cannot be read: damaged, altered or exchanged.
    pub damaged: Vec<Cursor>,
    /// Where to go on, if there may be more.
    pub next: Option<Cursor>,
}

/// A ledger's state of health, as its calls up to now have found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerHealth {
    /// Whether changes can be stored: the latest attempt did not fail for the storage's sake.
    pub writable: bool,
    /// Rows that were found damaged and have not been read since.
    pub damaged_rows: u64,
    /// When the storage began to fail; none while it works.
    pub failing_since: Option<Instant>,
    /// Number of the format that this ledger is in.
    pub format: u32,
}

/// Payments, jobs, results and receipts. Every method is atomic; what it wrote is durable when it returns. Dropping a
/// call's future does not undo it.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Claims an authorization, unless it is claimed already, or its payer has too many jobs that are unsettled, or not void
    /// ([`WATCHED_PER_UNSETTLED`]), or too little of the token for all that it claimed ([`NewClaim::funds`]).
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

    /// The job that a payer's identifier was used for.
    async fn by_identifier(&self, identifier: &[u8; 32]) -> Result<Option<Record>, LedgerError>;

    /// Takes a job to work on, or keeps it for longer: at most one holder at a time, over every process that shares the ledger. A
    /// holder that is gone holds no longer than it asked for, nor than [`MAX_HOLD`]; with one process, no longer than that lives.
    ///
    /// Holding spares double work. What makes double work harmless are the versions of [`Ledger::advance`].
    async fn hold(&self, key: &ClaimKey, holder: &Holder, time: Duration) -> Result<Hold, LedgerError>;

    /// Gives a job back, if `holder` holds it.
    async fn release(&self, key: &ClaimKey, holder: &Holder) -> Result<(), LedgerError>;

    /// Every job that is not final, for reconciliation, on one page. In no particular order.
    async fn unfinished(&self) -> Result<Listing, LedgerError>;

    /// Jobs after `after`, at most `limit` (0 counts as 1), in an order that does not change while they exist; and where to go on, if there may be more.
    async fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Listing, LedgerError>;

    /// How many jobs of a payer are unsettled ([`crate::Stage::is_unsettled`]), over all networks.
    async fn unsettled_of(&self, payer: &[u8; 20]) -> Result<u64, LedgerError>;

    /// Keeps a public document under a name, at most [`MAX_DOCUMENTS`] of them, the newest; what was kept under the name first stays. For what
    /// every instance must be able to hand out.
    async fn keep(&self, name: &[u8; 32], document: &[u8], at: u64) -> Result<(), LedgerError>;

    /// The document kept under a name.
    async fn kept(&self, name: &[u8; 32]) -> Result<Option<Vec<u8>>, LedgerError>;

    /// Forgets final jobs that last changed, and whose authorizations became void, before `before`; looks at no more than
    /// [`EXPIRED_PER_CALL`], the oldest first. Returns how many it looked at. A damaged row is not forgotten: from then on [`Ledger::unfinished`]
    /// names it.
    async fn expire(&self, before: u64) -> Result<u64, LedgerError>;

    /// The state of health. Asks nothing of the storage.
    fn health(&self) -> LedgerHealth;

    /// Ends, with the reason, when this process can use the ledger no longer: only a new one may.
    async fn lost(&self) -> LedgerError;
}

/// The longest time that [`Ledger::hold`] gives; more is cut to it.
pub const MAX_HOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Jobs that one call of [`Ledger::expire`] forgets, count.
pub const EXPIRED_PER_CALL: usize = 1_000;

/// So many jobs that ended without a charge, but are not void yet, count as one unsettled job of their payer: each may still have to be
/// paid back.
pub const WATCHED_PER_UNSETTLED: u64 = 16;

/// Documents that are kept, count.
pub const MAX_DOCUMENTS: usize = 512;
