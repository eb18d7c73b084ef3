//! How fast the model is on this machine: a short run at the start.

use std::time::{Duration, Instant};

use super::core::Core;
use super::costs::Costs;
use super::forward::{Buffers, Span};
use super::pages::pages_for;
use crate::error::Error;

/// Prompt tokens of the short run.
const PROMPT: usize = 512;
/// Steps of each size, of which the fastest counts: the first meets cold caches.
const REPEATS: usize = 3;
/// Steps are measured with up to so many rows.
const ROWS: usize = 4;
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
        let rows = ROWS.min(positions - prompt.len());
        let steps: Vec<Duration> = (1..=rows)
            .filter_map(|rows| (0..REPEATS).map(|_| self.time(&[0; ROWS][..rows], prompt.len(), &pages)).min())
            .collect();
        if let Some(one) = steps.first() {
            self.speeds.calibrate((prompt.len(), took), *one);
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
