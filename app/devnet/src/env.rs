//! The environment file: one `KEY=value` a line, for shells, containers and tests alike.
//!
//! It appears whole and last: who sees the file can use what it names.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

/// Writes `pairs` to `path`, replacing what was there in one step.
///
/// # Errors
/// If a value would need quoting, which no two readers of such files do alike, or the file cannot be written.
pub(crate) fn write(path: &Path, pairs: &[(&'static str, String)]) -> anyhow::Result<()> {
    let mut text = String::new();
    for (key, value) in pairs {
        require_plain(value)?;
        text.push_str(&format!("{key}={value}\n"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut file =
        tempfile::NamedTempFile::new_in(folder).with_context(|| format!("cannot write into {}", folder.display()))?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).context("cannot write the environment")?;
    file.persist(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// Refuses a value that would need quoting.
///
/// # Errors
/// If it does.
pub(crate) fn require_plain(value: &str) -> anyhow::Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c);
    let hint = "choose letters, digits and _-./:@%+, only";
    anyhow::ensure!(value.chars().all(plain), "`{value}` would need quoting in the environment file: {hint}");
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_value_that_needs_quoting_leaves_the_old_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/env");
        write(&path, &[("A", "http://127.0.0.1:1".into()), ("B", "/x/y".into())]).unwrap();
        assert!(write(&path, &[("A", "/x y".into())]).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "A=http://127.0.0.1:1\nB=/x/y\n");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
