//! Exit codes: what a supervisor may expect of another start.

use precis_store::LedgerError;

/// A configuration that cannot work, or a ledger that this version or key is not for (sysexits EX_CONFIG): another start ends the same way.
pub const CONFIG: u8 = 78;
/// A ledger that this process cannot open, or can use no longer (sysexits EX_IOERR): another start may.
pub const LEDGER: u8 = 74;
/// Anything else.
pub const FAILURE: u8 = 1;

/// The code for what the service ended with.
#[must_use]
pub fn code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<LedgerError>() {
        Some(
            LedgerError::WrongKey | LedgerError::Newer { .. } | LedgerError::Older { .. } | LedgerError::Unsuitable(_),
        ) => CONFIG,
        Some(_) => LEDGER,
        None => FAILURE,
    }
}
