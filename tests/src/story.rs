//! Several sentences about one running service, told in order, each of which can fail by its name.
//!
//! A test runner gives every test a process of its own; loading the model for each sentence would cost more than the sentences.

use std::future::Future;
use std::time::{Duration, Instant};

/// Longest a single sentence may take.
const SENTENCE: Duration = Duration::from_secs(180);

/// A list of sentences and how they ended.
#[derive(Default)]
pub struct Story {
    told: usize,
    failed: Vec<String>,
}

impl Story {
    /// An empty story.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells one sentence: what must hold, and the check.
    pub async fn tell(&mut self, sentence: &str, check: impl Future<Output = anyhow::Result<()>>) {
        let started = Instant::now();
        self.told += 1;
        let outcome = match tokio::time::timeout(SENTENCE, check).await {
            Ok(outcome) => outcome,
            Err(_) => Err(anyhow::anyhow!("took longer than {SENTENCE:?}")),
        };
        match outcome {
            Ok(()) => eprintln!("  ok      {sentence} ({} ms)", started.elapsed().as_millis()),
            Err(error) => {
                eprintln!("  FAILED  {sentence}: {error:#}");
                self.failed.push(format!("{sentence}: {error:#}"));
            }
        }
    }

    /// Ends the story.
    ///
    /// # Errors
    /// If a sentence did not hold, naming every one.
    pub fn end(self) -> anyhow::Result<()> {
        anyhow::ensure!(self.told > 0, "nothing was told");
        anyhow::ensure!(
            self.failed.is_empty(),
            "{} of {} sentences do not hold:\n- {}",
            self.failed.len(),
            self.told,
            self.failed.join("\n- ")
        );
        Ok(())
    }
}
