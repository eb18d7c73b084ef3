//! How the owner of a request reaches into the inner loop: cancellation, deadline, progress, and for whom it works.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use crate::error::Error;
use crate::payer::Payer;

type Progress = Arc<dyn Fn(u32, u32) + Send + Sync>;

const WAITING: u8 = 0;
const STARTED: u8 = 1;
const CANCELLED: u8 = 2;

/// Cancellation flag, deadline and progress callback of one request.
#[derive(Clone, Default)]
pub struct Control {
    state: Arc<AtomicU8>,
    deadline: Option<Instant>,
    progress: Option<Progress>,
    payer: Payer,
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

    /// Call `progress(done, total)` from a thread of the inference as tokens are read. It must return quickly.
    #[must_use]
    pub fn with_progress(mut self, progress: impl Fn(u32, u32) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Work for this payer; without it, for the one that nobody named.
    #[must_use]
    pub fn for_payer(mut self, payer: Payer) -> Self {
        self.payer = payer;
        self
    }

    /// For whom the work is done.
    pub fn payer(&self) -> Payer {
        self.payer
    }

    /// A handle that cancels this request from elsewhere.
    pub fn canceller(&self) -> Canceller {
        Canceller(Arc::clone(&self.state))
    }

    /// Whether the request must stop now.
    ///
    /// # Errors
    /// [`Error::Cancelled`] or [`Error::Deadline`].
    pub fn check(&self) -> Result<(), Error> {
        if self.state.load(Ordering::Relaxed) == CANCELLED {
            return Err(Error::Cancelled);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Error::Deadline),
            _ => Ok(()),
        }
    }

    /// The work begins now: from here on [`Canceller::cancel_waiting`] comes too late.
    ///
    /// # Errors
    /// As [`Control::check`].
    pub fn begin(&self) -> Result<(), Error> {
        // Begun twice or called off: `check` tells which.
        let _ = self.state.compare_exchange(WAITING, STARTED, Ordering::AcqRel, Ordering::Acquire);
        self.check()
    }

    /// The same request, whose reports are told as shares of `total`.
    #[must_use]
    pub fn scaled_to(&self, total: u32) -> Self {
        let scaled = |progress: Progress| -> Progress {
            Arc::new(move |done, all: u32| {
                let share = u64::from(done) * u64::from(total) / u64::from(all.max(1));
                progress(u32::try_from(share).unwrap_or(total).min(total), total);
            })
        };
        Self { progress: self.progress.clone().map(scaled), ..self.clone() }
    }

    /// Tell the watcher that `done` of `total` tokens are read.
    pub fn report(&self, done: u32, total: u32) {
        if let Some(progress) = &self.progress {
            progress(done.min(total), total);
        }
    }
}

/// Cancels a request; cheap to clone and to keep.
#[derive(Clone)]
pub struct Canceller(Arc<AtomicU8>);

impl Canceller {
    /// Stop the request at its next step. Cannot be undone.
    pub fn cancel(&self) {
        self.0.store(CANCELLED, Ordering::Relaxed);
    }

    /// Call the request off if its work has not begun; whether that was in time. A request that was called off already
    /// was in time.
    #[must_use]
    pub fn cancel_waiting(&self) -> bool {
        match self.0.compare_exchange(WAITING, CANCELLED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(found) => found == CANCELLED,
        }
    }

    /// Whether the work has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed) == STARTED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_waiting_work_is_called_off() {
        let (waiting, begun) = (Control::new(), Control::new());
        assert_eq!(begun.begin(), Ok(()));
        assert!(!begun.canceller().cancel_waiting() && begun.canceller().has_begun());
        assert_eq!(begun.check(), Ok(()));
        assert!(waiting.canceller().cancel_waiting() && waiting.canceller().cancel_waiting());
        assert_eq!(waiting.begin(), Err(Error::Cancelled));
        begun.canceller().cancel();
        assert_eq!(begun.check(), Err(Error::Cancelled));
    }
}
