//! What is remembered of one job.

use std::fmt;

use crate::claim::{Authorization, ClaimKey, JobId};
use crate::error::LedgerError;
use crate::state::{Flow, Stage, State};

/// Sizes of what a record may hold.
pub mod limits {
    /// Network name, bytes.
    pub const MAX_NETWORK_BYTES: usize = 64;
    /// Code of a rejection or a failure, bytes.
    pub const MAX_CODE_BYTES: usize = 128;
    /// What the service wants to remember of a request, bytes.
    pub const MAX_CONTEXT_BYTES: usize = 64 * 1024;
    /// Signed settlement transaction, bytes.
    pub const MAX_RAW_TRANSACTION_BYTES: usize = 64 * 1024;
    /// Response of a result, bytes.
    pub const MAX_RESPONSE_BYTES: usize = precis_protocol::limits::MAX_RESPONSE_BYTES;
    /// A document that is kept, bytes.
    pub const MAX_DOCUMENT_BYTES: usize = precis_protocol::limits::MAX_ATTESTATION_BYTES;
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
    /// What goes out beside the response, once it is signed.
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
    /// Keyed digest of the payer and the `payment-identifier` it chose, if it chose one.
    pub identifier: Option<[u8; 32]>,
    /// When the payment is taken.
    pub flow: Flow,
    /// What the service needs to end the job without its caller. Not interpreted here.
    pub context: Vec<u8>,
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

/// A claim to be made. Request-derived: no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct NewClaim {
    /// 16 random bytes.
    pub job_id: JobId,
    /// What it is paid with.
    pub authorization: Authorization,
    /// Keyed digest of the request (SPEC 6.4).
    pub fingerprint: [u8; 32],
    /// Keyed digest of the payer and its `payment-identifier`, if it chose one. Names one claim.
    pub identifier: Option<[u8; 32]>,
    /// When the payment is taken.
    pub flow: Flow,
    /// What the service needs to end the job without its caller.
    pub context: Vec<u8>,
    /// Unix seconds.
    pub at: u64,
    /// Unsettled jobs this payer may have, this one included; none for no limit.
    pub max_unsettled: Option<u64>,
    /// What the payer has of the token, atomic units: it covers this claim and what its other claims have not settled yet. None
    /// for no limit.
    pub funds: Option<u128>,
}

/// A change of one job.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// The new state; never [`State::Settled`], which [`crate::Ledger::finish_settled`] makes.
    pub to: State,
    /// Replaces the stored result if given.
    pub result: Option<JobResult>,
    /// Unix seconds.
    pub at: u64,
}

impl Change {
    /// To `state` at `at`, and nothing else.
    #[must_use]
    pub fn to(state: State, at: u64) -> Self {
        Self { to: state, result: None, at }
    }

    /// With a result to store.
    #[must_use]
    pub fn with_result(mut self, result: JobResult) -> Self {
        self.result = Some(result);
        self
    }
}

impl NewClaim {
    /// The record it becomes.
    pub(crate) fn into_record(self) -> Result<Record, LedgerError> {
        within("network", self.authorization.network.len(), limits::MAX_NETWORK_BYTES)?;
        within("context", self.context.len(), limits::MAX_CONTEXT_BYTES)?;
        Ok(Record {
            version: 1,
            job_id: self.job_id,
            authorization: self.authorization,
            fingerprint: self.fingerprint,
            identifier: self.identifier,
            flow: self.flow,
            context: self.context,
            state: State::Claimed,
            created_at: self.at,
            updated_at: self.at,
            result: None,
        })
    }
}

impl Record {
    /// What of the payer's funds in the token of `other` this job still has to take, atomic units.
    pub(crate) fn reserves(&self, other: &Authorization) -> u128 {
        let own = &self.authorization;
        let same = own.payer == other.payer && own.network == other.network && own.asset == other.asset;
        let owed = self.state.stage().is_unsettled() && self.state.stage() != Stage::Paid;
        if same && owed { own.amount } else { 0 }
    }

    /// The change itself, the same in every ledger: version, transition, sizes.
    pub(crate) fn apply(&mut self, expected: u64, change: Change) -> Result<(), LedgerError> {
        if self.version != expected {
            return Err(LedgerError::Stale { current: self.version });
        }
        let (from, to) = (self.state.stage(), change.to.stage());
        if !self.flow.allows(from, to) {
            return Err(LedgerError::IllegalTransition { from, to });
        }
        if change.result.is_none() && matches!(to, Stage::Done | Stage::Settled) {
            return Err(LedgerError::ResultRequired);
        }
        check_sizes(&change)?;
        self.version += 1;
        self.state = change.to;
        self.updated_at = change.at;
        self.result = change.result.or(self.result.take());
        Ok(())
    }
}

pub(crate) fn within(what: &'static str, length: usize, limit: usize) -> Result<(), LedgerError> {
    if length <= limit { Ok(()) } else { Err(LedgerError::TooLarge { what, limit }) }
}

fn check_sizes(change: &Change) -> Result<(), LedgerError> {
    let (code, broadcast) = match &change.to {
        State::Rejected { code } | State::Failed { code } | State::Void { code } | State::Refunded { code, .. } => {
            (Some(code), None)
        }
        State::Settling { broadcast } | State::Unknown { broadcast } => (None, broadcast.as_ref()),
        State::Refunding { code, broadcast, .. } => (Some(code), broadcast.as_ref()),
        State::Claimed | State::Running | State::Done | State::Settled { .. } | State::Paid { .. } => (None, None),
    };
    within("code", code.map_or(0, String::len), limits::MAX_CODE_BYTES)?;
    within("transaction", broadcast.map_or(0, |broadcast| broadcast.raw.len()), limits::MAX_RAW_TRANSACTION_BYTES)?;
    if let Some(result) = &change.result {
        within("response", result.response.len(), limits::MAX_RESPONSE_BYTES)?;
        within("receipt", result.receipt.as_ref().map_or(0, Vec::len), limits::MAX_RECEIPT_BYTES)?;
    }
    Ok(())
}
