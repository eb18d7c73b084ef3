//! Attestations of this boot and of earlier ones (SPEC 3.5): a job that was settled before a restart is delivered with the receipt of the
//! boot that settled it, and its caller must be able to judge that receipt. What is kept is public; it proves itself.

use std::io;
use std::path::{Path, PathBuf};

use precis_protocol::Digest;
use precis_protocol::limits::MAX_ATTESTATION_BYTES;

/// Boots whose attestation is kept, count; a boot that is forgotten has no job left to deliver.
const KEPT: usize = 512;
const DIRECTORY: &str = "attestations";

/// Keeps the attestation of the keyset `digest` in the state directory, once.
///
/// # Errors
/// The I/O error; nothing is half written.
pub fn keep(state_dir: &Path, digest: &Digest, attestation: &[u8]) -> io::Result<()> {
    let directory = state_dir.join(DIRECTORY);
    std::fs::create_dir_all(&directory)?;
    let path = file(state_dir, digest);
    if path.exists() {
        return Ok(());
    }
    let part = path.with_extension("part");
    std::fs::write(&part, attestation)?;
    std::fs::File::open(&part)?.sync_all()?;
    std::fs::rename(&part, &path)?;
    forget_oldest(&directory)
}

/// The attestation of the keyset `digest`, if it is kept.
///
/// # Errors
/// The I/O error, other than that there is none.
pub fn find(state_dir: &Path, digest: &Digest) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(file(state_dir, digest)) {
        Ok(bytes) if bytes.len() <= MAX_ATTESTATION_BYTES => Ok(Some(bytes)),
        Ok(_) => Err(io::Error::other("an attestation is larger than any that is made")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn file(state_dir: &Path, digest: &Digest) -> PathBuf {
    state_dir.join(DIRECTORY).join(format!("{}.json", hex::encode(digest.as_bytes())))
}

fn forget_oldest(directory: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort();
    let superfluous = files.len().saturating_sub(KEPT);
    files.iter().take(superfluous).try_for_each(|(_, path)| std::fs::remove_file(path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_kept_is_found_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let digest = Digest::of(b"keyset");
        assert_eq!(find(dir.path(), &digest).unwrap(), None);
        keep(dir.path(), &digest, b"first").unwrap();
        keep(dir.path(), &digest, b"renewed").unwrap();
        assert_eq!(find(dir.path(), &digest).unwrap().unwrap(), b"first");
        assert_eq!(find(dir.path(), &Digest::of(b"other")).unwrap(), None);
    }

    #[test]
    fn only_so_many_boots_are_remembered() {
        let dir = tempfile::tempdir().unwrap();
        for boot in 0..KEPT + 3 {
            keep(dir.path(), &Digest::of(&boot.to_be_bytes()), b"{}").unwrap();
        }
        assert_eq!(std::fs::read_dir(dir.path().join(DIRECTORY)).unwrap().count(), KEPT);
    }
}
