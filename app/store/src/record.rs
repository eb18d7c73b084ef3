//! What is remembered of one job.

use std::fmt;

use crate::claim::{Authorization, ClaimKey, JobId};
use crate::ledger::LedgerError;
use crate::state::State;

/// Sizes of what a record may hold.
pub mod limits {
    /// Network name, bytes.
    pub const MAX_NETWORK_BYTES: usize = 64;
    /// Code of a rejection or a failure, bytes.
    pub const MAX_CODE_BYTES: usize = 128;
    /// Signed settlement transaction, bytes.
    pub const MAX_RAW_TRANSACTION_BYTES: usize = 64 * 1024;
    /// Response of a result, bytes.
    pub const MAX_RESPONSE_BYTES: usize = precis_protocol::limits::MAX_RESPONSE_BYTES;
    /// Receipt of a result, bytes.
    pub const MAX_RECEIPT_BYTES: usize = precis_protocol::limits::MAX_RECEIPT_BYTES;
}

/// What a job ended with. Document-derived: no `Debug`, no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct JobResult {
    /// HTTP status of the response.
    pub status: u16,
    /// The exact response bytes.
    pub response: Vec<u8>,
    /// What goes out beside the response: first what the receipt will need, then the signed receipt and the settlement.
    pub receipt: Option<Vec<u8>>,
}

/// One job. `Debug` shows stage, version and times only.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Counts the changes, from 1. Whoever changes the record names the version it saw.
    pub version: u64,
    /// The job's public name.
    pub job_id: JobId,
    /// What it is paid with.
    pub authorization: Authorization,
    /// Keyed digest of the request that was paid for (SPEC 6.4).
    pub fingerprint: [u8; 32],
    /// Digest of the bearer token that may fetch the result, if one was given out.
    pub token_digest: Option<[u8; 32]>,
    /// Where it stands.
    pub state: State,
    /// When it was claimed, Unix seconds.
    pub created_at: u64,
    /// When it last changed, Unix seconds.
    pub updated_at: u64,
    /// What it ended with; from [`State::Done`] on, or with a failure that has a receipt.
    pub result: Option<JobResult>,
}

impl Record {
    /// The key it is claimed under.
    #[must_use]
    pub fn claim_key(&self) -> ClaimKey {
        self.authorization.claim_key()
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("stage", &self.state.stage())
            .field("version", &self.version)
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .field("has_result", &self.result.is_some())
            .finish_non_exhaustive()
    }
}

/// A claim to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClaim {
    /// 16 random bytes.
    pub job_id: JobId,
    /// What it is paid with.
    pub authorization: Authorization,
    /// Keyed digest of the request (SPEC 6.4).
    pub fingerprint: [u8; 32],
    /// Digest of the job's bearer token, if one is given out.
    pub token_digest: Option<[u8; 32]>,
    /// Unix seconds.
    pub at: u64,
    /// Unfinished jobs this payer may have, this one included; none for no limit.
    pub max_unsettled: Option<u64>,
}

/// A change of one job.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// The new state; never [`State::Settled`], which [`crate::Ledger::finish_settled`] makes.
    pub to: State,
    /// Replaces the stored result if given.
    pub result: Option<JobResult>,
    /// Replaces the digest of the bearer token if given.
    pub token_digest: Option<[u8; 32]>,
    /// Unix seconds.
    pub at: u64,
}

impl Change {
    /// To `state` at `at`, and nothing else.
    #[must_use]
    pub fn to(state: State, at: u64) -> Self {
        Self { to: state, result: None, token_digest: None, at }
    }

    /// With a result to store.
    #[must_use]
    pub fn with_result(mut self, result: JobResult) -> Self {
        self.result = Some(result);
        self
    }

    /// With another bearer token.
    #[must_use]
    pub fn with_token_digest(mut self, digest: [u8; 32]) -> Self {
        self.token_digest = Some(digest);
        self
    }
}

pub(crate) fn check_sizes(network: &str, state: &State, result: Option<&JobResult>) -> Result<(), LedgerError> {
    let within = |what, length: usize, limit| {
        if length <= limit { Ok(()) } else { Err(LedgerError::TooLarge { what, limit }) }
    };
    within("network", network.len(), limits::MAX_NETWORK_BYTES)?;
    match state {
        State::Rejected { code } | State::Failed { code } => within("code", code.len(), limits::MAX_CODE_BYTES)?,
        State::Settling { broadcast: Some(broadcast) } | State::Unknown { broadcast: Some(broadcast) } => {
            within("transaction", broadcast.raw.len(), limits::MAX_RAW_TRANSACTION_BYTES)?;
        }
        _ => {}
    }
    if let Some(result) = result {
        within("response", result.response.len(), limits::MAX_RESPONSE_BYTES)?;
        within("receipt", result.receipt.as_ref().map_or(0, Vec::len), limits::MAX_RECEIPT_BYTES)?;
    }
    Ok(())
}
