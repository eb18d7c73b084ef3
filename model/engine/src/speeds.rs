//! The speed of a model, as seen up to now.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::pace::{Pace, Speed};

/// Speeds assumed until measured.
const ASSUMED_READ_PER_SECOND: u32 = 150;
const ASSUMED_WRITTEN_PER_SECOND: u32 = 15;
/// Tokens of which an observation of writing is made; a single one says little.
const WRITTEN_AT_ONCE: usize = 32;

/// Speeds of a back end.
pub struct Speeds {
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
    pub fn time(&self, read: u64, written: u64) -> Duration {
        self.reading.time(read).saturating_add(self.writing.time(written))
    }

    /// Start with what a short run has shown: the time of reading a prompt, and of writing one token.
    pub fn calibrate(&self, (prompt, reading): (usize, Duration), writing: Duration) {
        self.reading.calibrate(prompt, reading);
        self.writing.calibrate(1, writing);
    }

    /// Tokens per second.
    pub fn seen(&self) -> Speed {
        Speed { read_per_second: self.reading.per_second(), written_per_second: self.writing.per_second() }
    }

    /// So many tokens of a prompt were read.
    pub fn read(&self, tokens: usize, took: Duration) {
        self.reading.observe(tokens, took);
    }

    /// A step in which each of `sequences` wrote.
    pub fn wrote(&self, sequences: usize, took: Duration) {
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
