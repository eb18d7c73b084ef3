//! Evidence made to order: a mock Intel PKI, TDX quotes and `rofl.Register` transactions signed by
//! it, in every right and wrong shape a verifier has to tell apart.
//!
//! No network, no clock, no randomness: times and seeds are arguments, equal arguments give equal
//! keys. Nothing made here verifies to Intel's root, and the certificates say INSECURE by name.

pub mod cbor;
pub mod collateral;
mod der;
pub mod identity;
pub mod pki;
pub mod quote;
pub mod register;

pub use collateral::{CollateralSpec, MockCollateral, Revoked};
pub use identity::Measurements;
pub use pki::{MockPki, PkiSpec, Platform};
pub use quote::{QeReport, TdQuote};
pub use register::{Chain, InstanceKeys, Register};

/// Why a mock could not be made: a field holds what the format cannot carry.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the mock {what}: {reason}")]
pub struct MockError {
    /// What was to be made.
    pub what: &'static str,
    /// Why it failed.
    pub reason: String,
}

impl MockError {
    pub(crate) fn new(what: &'static str, reason: impl std::fmt::Display) -> Self {
        Self { what, reason: reason.to_string() }
    }
}

/// `YYYY-MM-DDTHH:MM:SSZ`, the form of dates in Intel's documents.
pub(crate) fn rfc3339(unix_seconds: u64) -> Result<String, MockError> {
    let at = offset_date_time(unix_seconds)?;
    Ok(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    ))
}

pub(crate) fn offset_date_time(unix_seconds: u64) -> Result<time::OffsetDateTime, MockError> {
    i64::try_from(unix_seconds)
        .ok()
        .and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or_else(|| MockError::new("date", "out of range"))
}
