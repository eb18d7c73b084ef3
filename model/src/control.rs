//! How the owner of a request reaches into the inner loop: cancellation, deadline, progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::error::Error;

type Progress = Arc<dyn Fn(u32, u32) + Send + Sync>;

/// Cancellation flag, deadline and progress callback of one request.
#[derive(Clone, Default)]
pub struct Control {
    cancelled: Arc<AtomicBool>,
    deadline: Option<Instant>,
    progress: Option<Progress>,
}

impl Control {
    /// Never cancelled, no deadline, nobody watching.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stop with [`Error::Deadline`] at `deadline`.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Call `progress(done, total)` from the inference thread as tokens are read. It must return quickly.
    #[must_use]
    pub fn with_progress(mut self, progress: impl Fn(u32, u32) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// A handle that cancels this request from elsewhere.
    pub fn canceller(&self) -> Canceller {
        Canceller(Arc::clone(&self.cancelled))
    }

    /// Whether the request must stop now.
    ///
    /// # Errors
    /// [`Error::Cancelled`] or [`Error::Deadline`].
    pub fn check(&self) -> Result<(), Error> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Error::Deadline),
            _ => Ok(()),
        }
    }

    /// Tell the watcher that `done` of `total` tokens are read.
    pub(crate) fn report(&self, done: u32, total: u32) {
        if let Some(progress) = &self.progress {
            progress(done.min(total), total);
        }
    }
}

/// Cancels a request; cheap to clone and to keep.
#[derive(Clone)]
pub struct Canceller(Arc<AtomicBool>);

impl Canceller {
    /// Stop the request at its next step. Cannot be undone.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
