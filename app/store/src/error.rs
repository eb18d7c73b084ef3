//! What goes wrong, by who must act.

use crate::state::Stage;

/// Why a call failed. Whatever the error, nothing was changed, except as [`LedgerError::Storage`] and [`LedgerError::Unreachable`] say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// For the programmer: [`crate::Flow::allows`] does not allow this.
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
    /// For the operator: another process has the embedded ledger open.
    #[error("the ledger is in use by another process")]
    InUse,
    /// For the operator: this is a ledger, but not one of this key. It was not touched.
    #[error("the ledger was sealed with another key")]
    WrongKey,
    /// For the operator: what is stored is damaged, was altered, or is not a ledger. On opening, it was not touched.
    #[error("the ledger is damaged: {0}")]
    Corrupt(&'static str),
    /// For the operator: a newer version of this software wrote it. It was not touched.
    #[error(
        "the ledger has format {found}, written by a newer version; this one knows format {known}: run the newer version again"
    )]
    Newer {
        /// The format it has.
        found: u32,
        /// The newest format that is known here.
        known: u32,
    },
    /// For the operator: a version of this software wrote it from which nothing leads on. It was not touched.
    #[error(
        "the ledger has format {found}, and this version knows no way from it to format {known}: finish its jobs with the version that wrote it, then begin with an empty one"
    )]
    Older {
        /// The format it has.
        found: u32,
        /// The format that is known here.
        known: u32,
    },
    /// For the operator: the disk is full. An embedded ledger in a file opens it again by itself once there is room.
    #[error("no room left for the ledger")]
    Full,
    /// For the operator: the disk failed, now or in an earlier call. The last change may have been stored.
    #[error("the ledger's storage failed: {0:?}")]
    Storage(std::io::ErrorKind),
    /// For the operator: the database does not answer, or not in time; call again. The last change may have been stored.
    #[error("the ledger's database does not answer: {0}")]
    Unreachable(&'static str),
    /// For the operator: the database, its address or its settings cannot be used as they are.
    #[error("the ledger's database cannot be used: {0}")]
    Unsuitable(&'static str),
}

impl LedgerError {
    /// Whether the storage as a whole failed, rather than one call or one row. The same call may work later.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::InUse
                | Self::Newer { .. }
                | Self::Full
                | Self::Storage(_)
                | Self::Unreachable(_)
                | Self::Unsuitable(_)
        )
    }
}
