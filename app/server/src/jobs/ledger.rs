//! A job's record: read, moved to its next state, and what a ledger that fails means for the caller.

use precis_protocol::problem::Charged;
use precis_store::{Change, ClaimKey, LedgerError, Record};

use crate::error::{Class, Failure};
use crate::service::Service;

/// The record of a claim.
///
/// # Errors
/// When the ledger fails, or has lost it.
pub(crate) async fn load(service: &Service, key: &ClaimKey) -> Result<Record, Failure> {
    let found = service.payments.ledger.get(key).await.map_err(ledger_failure)?;
    found.ok_or_else(|| Failure::internal("ledger", "the claim is gone"))
}

/// The record after `change`, which is stored unless somebody else changed it first.
///
/// # Errors
/// When the ledger fails, or the record is not the newest.
pub(crate) async fn advance(service: &Service, record: &Record, change: Change) -> Result<Record, Failure> {
    service.payments.ledger.advance(&record.claim_key(), record.version, change).await.map_err(ledger_failure)
}

/// A ledger that does not answer says nothing of the money, nor does a row that cannot be read: the payment may have been taken before.
pub(crate) fn ledger_failure(error: LedgerError) -> Failure {
    let failure = if error.is_outage() {
        tracing::error!(event = "ledger.unavailable", why = %error);
        Failure::new(Class::LedgerUnavailable, "")
    } else {
        Failure::internal("ledger", error)
    };
    failure.charged(Charged::Unknown)
}
