//! Making and opening the file.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use redb::{Builder, Database, ReadableDatabase, StorageBackend, TableHandle};

use super::documents::{DOCUMENT_TIMES, DOCUMENTS};
use super::inspect::inspect;
use super::storage;
use super::tables::{FORGETTABLE, IDENTIFIERS, JOBS, META, RECORDS, RESULTS, UNFINISHED};
use crate::ledger::LedgerError;
use crate::seal::{RowId, Vault};

/// Memory for cached pages, bytes.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

const CHECK_NAME: &str = "check";
const CHECK_ROW: RowId = [0; 32];
const CHECK_VALUE: &[u8] = b"precis ledger, format 1";

pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

pub(super) fn at_path(path: &Path, vault: &Vault) -> Result<Database, LedgerError> {
    if !path.try_exists().map_err(io)? {
        create(path, vault)?;
    }
    inspect(path, vault)?;
    let database = builder().open(path).map_err(storage)?;
    check_key(&database, vault)?;
    Ok(database)
}

pub(super) fn on_backend(backend: impl StorageBackend, vault: &Vault) -> Result<Database, LedgerError> {
    let fresh = backend.len().map_err(io)? == 0;
    let database = builder().create_with_backend(backend).map_err(storage)?;
    if fresh {
        initialize(&database, vault)?;
    }
    check_key(&database, vault)?;
    Ok(database)
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
    {
        let sealed = vault.seal(META.name(), &CHECK_ROW, CHECK_VALUE)?;
        transaction.open_table(META).map_err(storage)?.insert(CHECK_NAME, &sealed[..]).map_err(storage)?;
        transaction.open_table(RECORDS).map_err(storage)?;
        transaction.open_table(RESULTS).map_err(storage)?;
        transaction.open_table(JOBS).map_err(storage)?;
        transaction.open_table(DOCUMENTS).map_err(storage)?;
        transaction.open_table(DOCUMENT_TIMES).map_err(storage)?;
        transaction.open_table(IDENTIFIERS).map_err(storage)?;
        transaction.open_table(UNFINISHED).map_err(storage)?;
        transaction.open_table(FORGETTABLE).map_err(storage)?;
    }
    transaction.commit().map_err(storage)
}

pub(super) fn check_key(database: &Database, vault: &Vault) -> Result<(), LedgerError> {
    let transaction = database.begin_read().map_err(storage)?;
    let meta = transaction.open_table(META).map_err(storage)?;
    let sealed = meta.get(CHECK_NAME).map_err(storage)?.ok_or(LedgerError::Corrupt("not the tables of a ledger"))?;
    match vault.open(META.name(), &CHECK_ROW, sealed.value()) {
        Some(value) if value[..] == *CHECK_VALUE => Ok(()),
        Some(_) => Err(LedgerError::Corrupt("another format")),
        None => Err(LedgerError::WrongKey),
    }
}

fn io(error: std::io::Error) -> LedgerError {
    storage(redb::Error::Io(error))
}
