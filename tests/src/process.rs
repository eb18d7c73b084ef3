//! Child processes with a deadline, a log and an end.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::paths;

/// Longest wait for anything on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Pause between two looks at a condition.
pub const GLANCE: Duration = Duration::from_millis(50);

/// A command that inherits nothing that could change what the program does.
///
/// # Errors
/// If the program has not been built.
pub fn command(program: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(paths::program(program)?);
    command.env_clear();
    Ok(command)
}

/// A running program. Killed when dropped.
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it writes goes to `NAME.log` in `dir`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(name: &'static str, mut command: Command, dir: &Path) -> anyhow::Result<Self> {
        let log = dir.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).with_context(|| log.display().to_string())?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        Ok(Self { name, child, log })
    }

    /// Everything it wrote so far.
    #[must_use]
    pub fn output(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a power cut would.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.end().context("kill")
    }

    /// Sends it a signal, such as `TERM`.
    ///
    /// # Errors
    /// If that is refused.
    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status().context("kill")?;
        anyhow::ensure!(sent.success(), "{}: {sent}", self.name);
        Ok(())
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// If it does not in time, or not well.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().context("wait")? {
                anyhow::ensure!(status.success(), "{} ended with {status}:\n{}", self.name, tail(&self.output()));
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "{} does not end:\n{}", self.name, tail(&self.output()));
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Waits until `condition` gives a value.
    ///
    /// # Errors
    /// When the process ends first or the time is over, with what it wrote last.
    pub async fn until<T>(
        &mut self,
        what: &str,
        mut condition: impl AsyncFnMut(&Self) -> Option<T>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(value) = condition(self).await {
                return Ok(value);
            }
            if let Some(status) = self.child.try_wait().context("wait")? {
                anyhow::bail!("{} ended with {status} before {what}:\n{}", self.name, tail(&self.output()));
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "{}: no {what} in {PATIENCE:?}:\n{}",
                self.name,
                tail(&self.output())
            );
            tokio::time::sleep(GLANCE).await;
        }
    }

    fn end(&mut self) -> std::io::Result<()> {
        if self.child.try_wait()?.is_none() {
            self.child.kill()?;
        }
        self.child.wait().map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.end();
    }
}

/// The last lines of a log.
fn tail(text: &str) -> String {
    const LINES: usize = 25;
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(LINES)).copied().collect::<Vec<_>>().join("\n")
}

/// Waits until `condition` gives a value.
///
/// # Errors
/// When the time is over.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> anyhow::Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition().await {
            return Ok(value);
        }
        anyhow::ensure!(Instant::now() < deadline, "no {what} in {PATIENCE:?}");
        tokio::time::sleep(GLANCE).await;
    }
}
