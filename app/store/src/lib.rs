//! The ledger: what the service remembers of payments, jobs, results and receipts (SPEC 6.4, 6.5).
//!
//! What it guarantees. One authorization is claimed once, whatever runs concurrently. A job moves only along the transitions that
//! [`Stage::may_follow`] lists, and only from the version its caller has seen. When a call has returned, what it wrote survives the loss of the process
//! and of power. A settled job never exists without its result. Rows are sealed under a key from the platform's KMS and bound to their claim, so
//! a copied file is unreadable and rows cannot be altered or exchanged.
//!
//! What it does not: a host that puts back an older copy of the whole file is not noticed here. That can cause a refused or a repeated
//! delivery, never a second charge, because the chain's nonce is the last guard. Sizes of rows, and the times after which finished jobs may
//! be forgotten, are visible in the file.
//!
//! Times are Unix seconds and come from the caller. [`EmbeddedLedger`] is the ledger of one instance; others can stand behind [`Ledger`], against the
//! same behaviour tests (`tests/suite`).

mod claim;
mod codec;
mod embedded;
mod ledger;
mod record;
mod seal;
mod state;

pub use claim::{Authorization, ClaimKey, JobId};
pub use embedded::EmbeddedLedger;
pub use ledger::{Claim, EXPIRED_PER_CALL, Ledger, LedgerError};
pub use record::{Change, JobResult, NewClaim, Record, limits};
pub use seal::SealingKey;
pub use state::{Broadcast, Stage, State};
