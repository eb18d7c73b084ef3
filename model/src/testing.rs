//! Where tests find the model files.

use std::path::PathBuf;

/// The directory of `PRECIS_MODEL_DIR`, or the one that `scripts/fetch-model` fills; none, and said so, if it lacks `file`.
pub(crate) fn model_file(file: &str) -> Option<PathBuf> {
    let directory = std::env::var_os("PRECIS_MODEL_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.precis/model"), PathBuf::from);
    let path = directory.join(file);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is missing; run scripts/fetch-model", path.display());
    None
}
