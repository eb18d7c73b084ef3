//! Making and opening the file.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use redb::{Database, Durability, StorageBackend};

use super::inspect::inspect;
use super::migrate::{make_tables, mark, migrate};
use super::storage::{builder, storage};
use super::tables::META;
use crate::error::LedgerError;
use crate::format::{FORMATS, Formats};
use crate::seal::Vault;

/// Written when room for a change is to be proven.
const PROBE_NAME: &str = "probe";
/// Several pages, so that a file that may not grow refuses it.
const PROBE_BYTES: usize = 16 * 1024;

/// Opens the file, or makes one if there is none.
pub(super) fn at_path(path: &Path, vault: &Vault) -> Result<Database, LedgerError> {
    if !path.try_exists().map_err(io)? {
        create(path, vault)?;
    }
    existing(path, vault)
}

/// Opens the file, which must be there: what was open a moment ago is not replaced by an empty one.
pub(super) fn existing(path: &Path, vault: &Vault) -> Result<Database, LedgerError> {
    existing_of(path, vault, &FORMATS)
}

pub(super) fn existing_of(path: &Path, vault: &Vault, formats: &Formats) -> Result<Database, LedgerError> {
    inspect(path, vault, formats)?;
    let database = builder().open(path).map_err(storage)?;
    migrate(&database, vault, formats)?;
    Ok(database)
}

pub(super) fn on_backend(backend: impl StorageBackend, vault: &Vault) -> Result<Database, LedgerError> {
    let fresh = backend.len().map_err(io)? == 0;
    let database = builder().create_with_backend(backend).map_err(storage)?;
    if fresh {
        initialize(&database, vault)?;
    }
    migrate(&database, vault, &FORMATS)?;
    Ok(database)
}

/// Proves that a change can be stored.
pub(super) fn probe(database: &Database) -> Result<(), LedgerError> {
    for bytes in [&[0; PROBE_BYTES][..], &[]] {
        let mut transaction = database.begin_write().map_err(storage)?;
        transaction.set_durability(Durability::Immediate).map_err(storage)?;
        transaction.open_table(META).map_err(storage)?.insert(PROBE_NAME, bytes).map_err(storage)?;
        transaction.commit().map_err(storage)?;
    }
    Ok(())
}

/// Makes the whole file beside its place and links it there, so that a crash leaves a complete ledger or none, and a second process that
/// does the same at once does not replace the first one's.
fn create(path: &Path, vault: &Vault) -> Result<(), LedgerError> {
    let beside = beside(path);
    let result = (|| {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // Left there by a process of the same number that was killed just here.
        if let Err(error) = fs::remove_file(&beside)
            && error.kind() != ErrorKind::NotFound
        {
            return Err(io(error));
        }
        drop(options.open(&beside).map_err(io)?);
        let database = builder().create(&beside).map_err(storage)?;
        initialize(&database, vault)?;
        database.close().map_err(storage)?;
        match fs::hard_link(&beside, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(io(error)),
            _ => Ok(()),
        }
    })();
    let removed = fs::remove_file(&beside).map_err(io);
    result?;
    removed?;
    sync_directory(path)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    name.into()
}

/// Without this the file's name may not survive a loss of power.
fn sync_directory(path: &Path) -> Result<(), LedgerError> {
    let directory = match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)
}

fn initialize(database: &Database, vault: &Vault) -> Result<(), LedgerError> {
    let transaction = database.begin_write().map_err(storage)?;
    make_tables(&transaction)?;
    mark(&transaction, vault, &FORMATS)?;
    transaction.commit().map_err(storage)
}

fn io(error: std::io::Error) -> LedgerError {
    storage(redb::Error::Io(error))
}
