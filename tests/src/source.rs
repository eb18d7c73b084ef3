//! The project's own files, for the tests that read them as text.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::paths;

/// Directories that hold nothing of the project's own.
const NOT_OURS: [&str; 5] = ["target", "node_modules", "__pycache__", ".git", ".precis"];

/// A text file of the project.
pub struct Source {
    /// Path from the project's directory.
    pub path: String,
    /// Contents.
    pub text: String,
}

impl Source {
    /// The part that is not tests: up to the first `#[cfg(test)]`.
    #[must_use]
    pub fn shipped(&self) -> &str {
        self.text.split("#[cfg(test)]").next().unwrap_or_default()
    }

    /// Whether the file is nothing but tests.
    #[must_use]
    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.contains("/examples/")
            || matches!(name, "tests.rs" | "fixtures.rs" | "testing.rs")
    }
}

/// Every text file below the project's directory, sorted by path. Binary files are left out.
///
/// # Errors
/// If a directory cannot be read.
pub fn all() -> anyhow::Result<Vec<Source>> {
    let root = paths::root();
    let mut files = Vec::new();
    walk(&root, &mut files)?;
    files.sort();
    let mut sources = Vec::new();
    for path in files {
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        if let Ok(text) = String::from_utf8(bytes) {
            let path = path.strip_prefix(&root)?.to_string_lossy().into_owned();
            sources.push(Source { path, text });
        }
    }
    Ok(sources)
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name();
        if NOT_OURS.iter().any(|skip| name == *skip) {
            continue;
        }
        // Links are not followed: what they lead to is listed where it stands, or is not ours.
        match entry.file_type()? {
            kind if kind.is_dir() => walk(&entry.path(), files)?,
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    Ok(())
}
