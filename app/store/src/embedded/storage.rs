//! The storage library: how it is set up, run, and understood when it fails.

use redb::Builder;

use crate::error::LedgerError;

/// Memory for cached pages, bytes.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

pub(super) const PANICKED: LedgerError = LedgerError::Corrupt("reading it panicked");

/// The storage library can panic on a file that was damaged under its hands; that must not take a request's thread with it.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, LedgerError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => Err(PANICKED),
        Err(_) => Err(LedgerError::Storage(std::io::ErrorKind::Interrupted)),
    }
}

/// The storage library's errors, by who must act.
pub(super) fn storage(error: impl Into<redb::Error>) -> LedgerError {
    use std::io::ErrorKind;
    match error.into() {
        redb::Error::Io(error) => match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => LedgerError::Full,
            // redb reports a file that is not its own, or is cut short, in these words.
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                LedgerError::Corrupt("not a ledger file, or cut short")
            }
            kind => LedgerError::Storage(kind),
        },
        redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => LedgerError::InUse,
        redb::Error::Corrupted(_) => LedgerError::Corrupt("a page does not have its checksum"),
        redb::Error::UpgradeRequired(_) => LedgerError::Corrupt("an older file format"),
        redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableDoesNotExist(_)
        | redb::Error::TypeDefinitionChanged { .. } => LedgerError::Corrupt("not the tables of a ledger"),
        _ => LedgerError::Storage(ErrorKind::Other),
    }
}
