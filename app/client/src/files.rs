//! Files that must be there as a whole or not at all, and that only their owner reads.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::entropy;

/// Writes `bytes` to `path`, replacing what was there, so that a reader or a crash sees the old file or the new one.
///
/// # Errors
/// The I/O error; `path` is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let suffix = entropy::random32().map_err(io::Error::other)?;
    let temporary = beside(path, &format!(".{}.tmp", hex::encode(&suffix[..8])));
    let written = write_new(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // Best effort: the error that matters is the first.
        let _ = std::fs::remove_file(&temporary);
    }
    written.and_then(|()| sync_directory(path))
}

/// Creates `path` with `bytes`, on disk when this returns.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when it is there already, or the I/O error.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_new(path, bytes)?;
    sync_directory(path)
}

/// `path` with `suffix` appended to its file name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A file survives a power cut only once its directory entry does.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}
