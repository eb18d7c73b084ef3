//! How fast the model is on this machine: a short run at the start, then what is seen.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::core::Core;
use super::costs::Costs;
use super::forward::{Buffers, Span};
use super::pages::pages_for;
use crate::error::Error;
use crate::pace::{Pace, Speed};

/// Prompt tokens of the short run.
const PROMPT: usize = 512;
/// Steps of each size, of which the fastest counts: the first meets cold caches.
const REPEATS: usize = 3;
/// Steps are measured with up to so many rows.
const ROWS: usize = 4;
/// Speeds assumed until measured.
const ASSUMED_READ_PER_SECOND: u32 = 150;
const ASSUMED_WRITTEN_PER_SECOND: u32 = 15;
/// Tokens of which an observation of writing is made; a single one says little.
const WRITTEN_AT_ONCE: usize = 32;

/// Speeds of an engine.
pub(crate) struct Speeds {
    reading: Pace,
    /// Of one sequence, whatever runs beside it.
    writing: Pace,
    written: Mutex<(usize, Duration)>,
}

impl Default for Speeds {
    fn default() -> Self {
        Self {
            reading: Pace::assumed(ASSUMED_READ_PER_SECOND),
            writing: Pace::assumed(ASSUMED_WRITTEN_PER_SECOND),
            written: Mutex::default(),
        }
    }
}

impl Speeds {
    /// Expected time to read and write so many tokens, with the machine to oneself.
    pub(crate) fn time(&self, read: u64, written: u64) -> Duration {
        self.reading.time(read).saturating_add(self.writing.time(written))
    }

    /// Tokens per second.
    pub(crate) fn seen(&self) -> Speed {
        Speed { read_per_second: self.reading.per_second(), written_per_second: self.writing.per_second() }
    }

    pub(super) fn read(&self, tokens: usize, took: Duration) {
        self.reading.observe(tokens, took);
    }

    /// A step in which each of `sequences` wrote.
    pub(super) fn wrote(&self, sequences: usize, took: Duration) {
        if sequences == 0 {
            return;
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        *written = (written.0 + 1, written.1 + took);
        if written.0 >= WRITTEN_AT_ONCE {
            let (tokens, took) = std::mem::take(&mut *written);
            self.writing.observe(tokens, took);
        }
    }
}

impl Core {
    /// Measure reading a prompt and steps of a few rows.
    pub(super) fn calibrate(&mut self) -> Result<(), Error> {
        let positions = self.limits().positions;
        let prompt = vec![0; PROMPT.min(positions.saturating_sub(ROWS)).max(1)];
        let pages = self.arena.take(pages_for((prompt.len() + ROWS).min(positions)));
        let pages = pages.ok_or(Error::Internal("calibrate"))?;
        self.arena.touch(&pages, 0, prompt.len() + ROWS);
        // The first run of a piece meets cold caches and memory that was never touched.
        let warm = prompt.len().min(32);
        self.time(&prompt[..warm], 0, &pages);
        let took = self.time(&prompt, 0, &pages);
        self.speeds.reading.calibrate(prompt.len(), took);
        let rows = ROWS.min(positions - prompt.len());
        let steps: Vec<Duration> = (1..=rows)
            .filter_map(|rows| (0..REPEATS).map(|_| self.time(&[0; ROWS][..rows], prompt.len(), &pages)).min())
            .collect();
        if let Some(one) = steps.first() {
            self.speeds.writing.calibrate(1, *one);
        }
        self.costs = Costs::measured(&steps);
        self.arena.release(&pages);
        // What a prompt of the measured size needs is not kept for life.
        self.buffers = Buffers::default();
        Ok(())
    }

    fn time(&mut self, ids: &[u32], position: usize, pages: &[u32]) -> Duration {
        let started = Instant::now();
        let span = Span { ids, position, pages, wanted: ids.len().min(ROWS) };
        self.model.step(&self.threads, &mut self.arena, &[span], &mut self.buffers);
        started.elapsed()
    }
}
