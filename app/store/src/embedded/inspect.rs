//! A look at the file that leaves it as it is: redb itself repairs and marks files when it opens them.

use std::fs::File;
use std::path::Path;

use redb::backends::FileBackend;

use super::migrate::check;
use super::overlay::Overlay;
use super::storage::{builder, storage};
use crate::error::LedgerError;
use crate::format::Formats;
use crate::seal::Vault;

/// Verifies every page's checksum, the key and the format, holding the file's lock.
pub(super) fn inspect(path: &Path, vault: &Vault, formats: &Formats) -> Result<(), LedgerError> {
    // Opened for writing only because the exclusive lock needs it; the overlay writes nothing.
    let file = File::options().read(true).write(true).open(path).map_err(|error| storage(redb::Error::Io(error)))?;
    let length = file.metadata().map_err(|error| storage(redb::Error::Io(error)))?.len();
    if length == 0 {
        return Err(LedgerError::Corrupt("an empty file"));
    }
    let overlay = Overlay::new(FileBackend::new(file).map_err(storage)?, length);
    let mut builder = builder();
    builder.set_check_integrity_on_open(true);
    let database = builder.create_with_backend(overlay).map_err(storage)?;
    check(&database, vault, formats).map(drop)
}
