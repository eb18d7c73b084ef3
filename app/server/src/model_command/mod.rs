//! `precis-server model …`: which models there are, what a file adds to them, how fast they are on this machine.

mod bench;
mod directory;
mod list;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use directory::Directory;

/// What to do with the models.
#[derive(Subcommand)]
pub enum Operation {
    /// Fills in the manifest of a model whose weights come in no package, from a GGUF file, and installs both.
    Add {
        /// The weights.
        file: PathBuf,
        /// Name of the manifest. Default: the one whose sizes the file has.
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
        /// Where the models are.
        #[command(flatten)]
        directory: Directory,
    },
    /// Lists the models, and which of them could be served from the directory.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Where the models are.
        #[command(flatten)]
        directory: Directory,
    },
    /// Measures a language model, or its shape with random weights: time to load, memory, tokens per second.
    Bench(bench::Arguments),
}

/// Carries it out.
pub fn run(operation: Operation) -> ExitCode {
    let outcome = match operation {
        Operation::Add { file, name, directory } => add(&file, name.as_deref(), &directory.path),
        Operation::List { json, directory } => list::run(&directory.path, json),
        Operation::Bench(arguments) => bench::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("precis-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn add(file: &Path, name: Option<&str>, directory: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    let filled = precis_summarize::fill(&bytes, name).with_context(|| file.display().to_string())?;
    let installed = directory.join(format!("{}.toml", filled.manifest.name));
    let replaces = installed.exists();
    filled.install(directory, &bytes).with_context(|| directory.display().to_string())?;
    let manifest = &filled.manifest;
    let mut out = std::io::stdout().lock();
    writeln!(out, "model      {}", manifest.name)?;
    writeln!(out, "manifest   {}", installed.display())?;
    if replaces {
        writeln!(out, "replaced   what was installed under this name before")?;
    }
    for file in manifest.files.iter().filter(|file| file.package.is_empty()) {
        writeln!(
            out,
            "weights    {}, {} bytes, sha256:{}",
            directory.join(&file.name).display(),
            file.bytes,
            file.sha256
        )?;
    }
    writeln!(out, "digest     sha256:{}", hex::encode(manifest.digest()))?;
    Ok(writeln!(out, "serve it as model.name = \"{}\"", manifest.name)?)
}

#[cfg(test)]
mod tests;
