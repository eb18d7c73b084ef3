//! The ledger: what the service remembers of payments, jobs, results and receipts (SPEC 6.4, 6.5).
//!
//! What it guarantees. One authorization is claimed once, whatever runs concurrently, and a payer's identifier names one claim. A job moves only along
//! the transitions that [`Flow::allows`] lists, and only from the version its caller has seen. When a call has returned, what it wrote survives the loss of
//! the process and of power. A settled job never exists without its result. Rows are sealed under a key from the platform's KMS and bound to their
//! claim, so that a copy is unreadable and rows cannot be altered or exchanged, nor what leads to them.
//!
//! What it does not: a host that puts back an older copy of the whole file or database, or takes rows away, is not noticed here. What was claimed after
//! that copy was made can then be claimed again, and a job stands where it stood. That can cause a refused or a repeated delivery, never a second charge,
//! because the chain's nonce is the last guard. Sizes of rows, which jobs are under way and how many a payer has of them, and the times after which
//! finished jobs may be forgotten, are visible to the host.
//!
//! A row that cannot be read is an error for its own job and hides no other: lists name it ([`Listing::damaged`]), and nothing takes it for a job that
//! never was. What an earlier version wrote is brought to the present format when it is opened. An embedded ledger whose storage failed closes and opens
//! itself again; one in PostgreSQL tries until a change is stored; [`Ledger::health`] tells how it stands.
//!
//! Times are Unix seconds and come from the caller. [`EmbeddedLedger`] is the ledger of one instance, `PostgresLedger` (feature `postgres`) that of
//! several. Both stand behind [`Ledger`], against the same behaviour tests (`tests/suite`).

mod claim;
mod codec;
mod embedded;
mod error;
mod format;
mod ledger;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
mod rows;
mod seal;
mod state;
mod vitals;

pub use claim::{Authorization, ClaimKey, JobId};
pub use embedded::EmbeddedLedger;
pub use error::LedgerError;
pub use ledger::{
    Claim, Cursor, EXPIRED_PER_CALL, Hold, Holder, Ledger, LedgerHealth, Listing, MAX_DOCUMENTS, MAX_HOLD,
    WATCHED_PER_UNSETTLED,
};
#[cfg(feature = "postgres")]
pub use postgres::PostgresLedger;
pub use record::{Change, JobResult, NewClaim, Record, limits};
pub use seal::SealingKey;
pub use state::{Broadcast, Flow, Stage, State};
