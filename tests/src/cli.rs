//! The `precis` command as its users run it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use crate::process;

/// How the command is reached and what it is given.
#[derive(Clone)]
pub struct Cli {
    /// Origin of the service.
    pub url: String,
    /// Policy file.
    pub policy: PathBuf,
    /// Key that pays.
    pub key_file: PathBuf,
    /// Working and home directory.
    pub dir: PathBuf,
    /// Longest run.
    pub patience: Duration,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Cli {
    /// `precis` with `arguments`, not started yet.
    ///
    /// # Errors
    /// If the program is not built.
    pub fn command(&self, arguments: &[&str]) -> anyhow::Result<tokio::process::Command> {
        let mut command = tokio::process::Command::from(process::command("precis")?);
        command
            .args(arguments)
            .current_dir(&self.dir)
            .env("HOME", &self.dir)
            .env("PRECIS_URL", &self.url)
            .env("PRECIS_POLICY", &self.policy)
            .env("PRECIS_KEY_FILE", &self.key_file)
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }

    /// Runs `precis` with `arguments`.
    ///
    /// # Errors
    /// If it cannot be run or takes too long. Any exit code is a result.
    pub async fn run(&self, arguments: &[&str]) -> anyhow::Result<Ended> {
        let mut command = self.command(arguments)?;
        let output = tokio::time::timeout(self.patience, command.output()).await.context("precis takes too long")??;
        let text = |bytes| String::from_utf8(bytes).context("precis wrote something else than UTF-8");
        Ok(Ended {
            code: output.status.code().context("precis was killed")?,
            stdout: text(output.stdout)?,
            stderr: text(output.stderr)?,
        })
    }

    /// `precis summarize FILE` with further arguments.
    ///
    /// # Errors
    /// As [`Cli::run`].
    pub async fn summarize(&self, document: &Path, arguments: &[&str]) -> anyhow::Result<Ended> {
        let document = document.to_str().context("path")?;
        self.run(&[&["summarize", document], arguments].concat()).await
    }

    /// `precis receipt verify FILE` with further arguments.
    ///
    /// # Errors
    /// As [`Cli::run`].
    pub async fn verify_receipt(&self, receipt: &Path, arguments: &[&str]) -> anyhow::Result<Ended> {
        let receipt = receipt.to_str().context("path")?;
        self.run(&[&["receipt", "verify", receipt], arguments].concat()).await
    }
}

impl Ended {
    /// Requires an exit code.
    ///
    /// # Errors
    /// With everything the command wrote, if it ended otherwise.
    pub fn expect(self, code: i32) -> anyhow::Result<Self> {
        anyhow::ensure!(
            self.code == code,
            "exit code {} instead of {code}\n{}\n{}",
            self.code,
            self.stderr,
            self.stdout
        );
        Ok(self)
    }

    /// Standard output as JSON.
    ///
    /// # Errors
    /// If it is none.
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("not JSON: {}", self.stdout))
    }
}
