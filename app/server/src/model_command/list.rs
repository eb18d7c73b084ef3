//! `model list`: by sizes of files alone; digests are checked when a model is loaded.

use std::io::Write as _;
use std::path::Path;

use precis_summarize::{Manifest, Mode};
use serde::Serialize;

/// One model.
#[derive(Serialize)]
pub(super) struct Entry {
    pub(super) name: String,
    mode: Mode,
    title: String,
    licence: String,
    /// `sha256:…`; none while the manifest is not filled in.
    digest: Option<String>,
    /// Whether everything needed lies in the directory.
    pub(super) ready: bool,
    /// What is missing.
    pub(super) missing: Vec<String>,
}

/// The models that are compiled in, each as the directory has it.
pub(super) fn entries(directory: &Path) -> anyhow::Result<Vec<Entry>> {
    let entry = |compiled: Manifest| {
        let chosen = Manifest::select(directory, &compiled.name);
        let mut missing = vec![];
        if let Err(error) = &chosen {
            missing.push(error.to_string());
        }
        let is_known = chosen.is_ok();
        let manifest = chosen.unwrap_or(compiled);
        let size = |name: &str| std::fs::metadata(directory.join(name)).map_or(0, |metadata| metadata.len());
        for file in manifest.files.iter().filter(|file| file.bytes > 0 && size(&file.name) != file.bytes) {
            missing.push(format!("{}, {} bytes", file.name, file.bytes));
        }
        Entry {
            digest: is_known.then(|| format!("sha256:{}", hex::encode(manifest.digest()))),
            ready: missing.is_empty(),
            missing,
            name: manifest.name,
            mode: manifest.mode,
            title: manifest.title,
            licence: manifest.licence,
        }
    };
    Ok(Manifest::all()?.into_iter().map(entry).collect())
}

pub(super) fn run(directory: &Path, json: bool) -> anyhow::Result<()> {
    let entries = entries(directory)?;
    let mut out = std::io::stdout().lock();
    if json {
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&entries)?)?);
    }
    for entry in &entries {
        let state = if entry.ready { "ready" } else { "not ready" };
        writeln!(out, "{:<24} {:<12} {state:<10} {}", entry.name, entry.mode.as_str(), entry.title)?;
        if let Some(digest) = &entry.digest {
            writeln!(out, "    {digest}")?;
        }
        for missing in &entry.missing {
            writeln!(out, "    missing: {missing}")?;
        }
    }
    Ok(())
}
