//! Files that are there as a whole or not at all, and that only their owner reads.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::entropy;

/// Extension of a file that is being written.
const TEMPORARY: &str = "tmp";
/// Directories above a new one that are put on disk with it: those that this client makes itself.
const SYNCED_LEVELS: usize = 4;

/// Writes `bytes` to `path`, replacing what was there, so that a reader or a crash sees the old file or the new one.
///
/// # Errors
/// The I/O error; `path` is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    publish(path, bytes, |temporary| std::fs::rename(temporary, path))
}

/// Creates `path` with `bytes`, whole and on disk when this returns.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when it is there already, or the I/O error.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    publish(path, bytes, |temporary| match std::fs::hard_link(temporary, path) {
        Ok(()) => std::fs::remove_file(temporary),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists || path.exists() => Err(io::ErrorKind::AlreadyExists.into()),
        // A file system without links; the caller's lock keeps others away.
        Err(_) => std::fs::rename(temporary, path),
    })
}

/// Writes a temporary file, gives it its name by `name`, and puts both on disk.
fn publish(path: &Path, bytes: &[u8], name: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let suffix = entropy::random32().map_err(io::Error::other)?;
    let temporary = beside(path, &format!(".{}.{TEMPORARY}", hex::encode(&suffix[..8])));
    let written = write_new(&temporary, bytes).and_then(|()| name(&temporary));
    if written.is_err() {
        // Best effort: the error that matters is the first.
        let _ = std::fs::remove_file(&temporary);
    }
    written.and_then(|()| sync_directory(path.parent().unwrap_or(Path::new(""))))
}

/// Makes `path` and what is missing above it, for the owner alone, and puts the new entry on disk.
///
/// # Errors
/// The I/O error.
pub(crate) fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)?;
    // A directory survives a power cut only once those above it know it.
    path.ancestors().take_while(|at| !at.as_os_str().is_empty()).take(SYNCED_LEVELS).try_for_each(sync_directory)
}

/// Opens `path` for a lock, and makes it for its owner alone if it is missing.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().read(true).write(true).create(true).truncate(false)).open(path)
}

/// Removes what writers left in `directory` that were killed: nobody else writes there while the caller holds its lock.
pub(crate) fn sweep(directory: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == TEMPORARY) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// `path` with `suffix` appended to its file name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// An I/O error in plain English, without the system's number.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound => "there is no such file".into(),
        Kind::PermissionDenied => "permission denied".into(),
        Kind::IsADirectory => "it is a directory".into(),
        Kind::NotADirectory => "a part of the path is not a directory".into(),
        Kind::ReadOnlyFilesystem => "the file system is read-only".into(),
        Kind::StorageFull => "the disk is full".into(),
        Kind::ConnectionRefused => "nothing listens there".into(),
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::UnexpectedEof => "the connection was lost".into(),
        Kind::HostUnreachable | Kind::NetworkUnreachable => "there is no way to it".into(),
        _ => {
            let text = error.to_string();
            let plain = text.split(" (os error").next().unwrap_or_default().to_lowercase();
            crate::text::printable(&plain)
        }
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The same options, for a file that only its owner reads if it is new.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// A file survives a power cut only once its directory entry does.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    File::open(directory)?.sync_all()
}
