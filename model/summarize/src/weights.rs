//! Weight files: read once into memory, those bytes hashed, those bytes handed on to be parsed. Nothing is mapped, so
//! that a file that changes after the check cannot change the model.

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::LoadError;
use crate::manifest::File;

/// Read a file and compare it with its manifest entry.
///
/// # Errors
/// [`LoadError::Unreadable`], [`LoadError::Size`] or [`LoadError::Digest`], each naming the file.
pub(crate) fn read_verified(directory: &Path, file: &File) -> Result<Vec<u8>, LoadError> {
    let path = directory.join(&file.name);
    let unreadable = |source| LoadError::Unreadable { path: path.clone(), source };
    let handle = std::fs::File::open(&path).map_err(unreadable)?;
    let found = handle.metadata().map_err(unreadable)?.len();
    if found != file.bytes {
        return Err(LoadError::Size { path, expected: file.bytes, found });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(file.bytes).unwrap_or(0));
    // One byte more than expected is enough to see that the file grew meanwhile.
    handle.take(file.bytes + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let found = hex::encode(Sha256::digest(&bytes));
    if found != file.sha256 {
        return Err(LoadError::Digest { path, expected: file.sha256.clone(), found });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::manifest::Role;

    fn pinned(content: &[u8]) -> File {
        File {
            name: "weights.bin".into(),
            role: Role::LanguageModel,
            bytes: content.len() as u64,
            sha256: hex::encode(Sha256::digest(content)),
            package: String::new(),
            member: String::new(),
            parts: 0,
        }
    }

    #[test]
    fn a_file_with_the_pinned_digest_is_returned() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("weights.bin"), b"weights").unwrap();
        assert_eq!(read_verified(directory.path(), &pinned(b"weights")).unwrap(), b"weights");
    }

    #[test]
    fn a_changed_bit_is_refused_with_file_and_both_digests() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("weights.bin"), b"weighus").unwrap();
        let error = read_verified(directory.path(), &pinned(b"weights")).unwrap_err();
        let LoadError::Digest { path, expected, found } = &error else { panic!("{error}") };
        assert!(path.ends_with("weights.bin"));
        assert_eq!(*expected, pinned(b"weights").sha256);
        assert_eq!(*found, hex::encode(Sha256::digest(b"weighus")));
        assert!(error.to_string().contains(found) && error.to_string().contains(expected));
    }

    #[test]
    fn a_missing_or_short_file_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let missing = read_verified(directory.path(), &pinned(b"weights")).unwrap_err();
        assert!(missing.to_string().contains("weights.bin") && missing.to_string().contains("scripts/fetch-model"));
        std::fs::write(directory.path().join("weights.bin"), b"weight").unwrap();
        let short = read_verified(directory.path(), &pinned(b"weights")).unwrap_err();
        assert!(matches!(short, LoadError::Size { expected: 7, found: 6, .. }));
    }
}
