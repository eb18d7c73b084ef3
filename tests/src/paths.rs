//! Where the project's files and programs are.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The project's directory.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// A program of the workspace, built by the same cargo into the same profile as the running test.
///
/// # Errors
/// If it has not been built.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    // The test runs as target/<profile>/deps/<name>-<hash>.
    let test = std::env::current_exe().context("own path")?;
    let profile = test.parent().and_then(Path::parent).context("own path has no profile directory")?;
    let path = profile.join(name);
    anyhow::ensure!(path.is_file(), "{} is not built; run `cargo build --workspace` or scripts/test", path.display());
    Ok(path)
}

/// The directory of the model files.
///
/// # Errors
/// If the models are not there.
pub fn models() -> anyhow::Result<PathBuf> {
    let path = root().join(".precis/model");
    anyhow::ensure!(path.is_dir(), "{} is missing; run scripts/fetch-model", path.display());
    Ok(path)
}

/// A document of the tests.
#[must_use]
pub fn document(name: &str) -> PathBuf {
    root().join("tests/documents").join(name)
}
