//! Inference on an operating-system thread of its own, behind a bounded queue.
//!
//! A [`Permit`] is taken before a price is promised and holds a place until its job has ended, so a promise can always
//! be kept. A panic in inference ends that job with [`Error::Internal`], not the thread. Jobs run in the order of
//! submission. When the [`Worker`] is dropped, jobs still waiting end with [`Error::Cancelled`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::control::Control;
use crate::error::Error;
use crate::load::Models;
use crate::options::{Mode, Options};
use crate::summary::Summary;

/// One request. No `Debug`: it holds a document, which is wiped when the job ends.
pub struct Job {
    /// Which summarizer.
    pub mode: Mode,
    /// The document.
    pub text: Zeroizing<String>,
    /// The caller's wishes.
    pub options: Options,
    /// Cancellation, deadline, progress.
    pub control: Control,
}

/// What is called with the result, once, on the worker's thread. It must not block.
pub type Done = Box<dyn FnOnce(Result<Summary, Error>) + Send>;

struct Queued {
    job: Job,
    done: Done,
    place: Place,
}

/// A queued job; nothing once the worker has taken it or its owner has given it up.
type Slot = Arc<Mutex<Option<Queued>>>;

/// A job in the queue, for its owner.
pub struct Waiting(Slot);

impl Waiting {
    /// Gives the job up if the worker has not taken it: document and place are free at once, and `done` is called with
    /// [`Error::Cancelled`].
    pub fn give_up(self) {
        if let Some(Queued { done, place, .. }) = take(&self.0) {
            drop(place);
            done(Err(Error::Cancelled));
        }
    }
}

fn take(slot: &Slot) -> Option<Queued> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The inference thread.
pub struct Worker {
    sender: Sender<Slot>,
    places: Arc<AtomicUsize>,
    stopping: Arc<AtomicBool>,
}

/// A place in the queue; given back when dropped or when its job has ended.
pub struct Permit {
    place: Place,
    sender: Sender<Slot>,
}

/// One of the places of a worker.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

impl Worker {
    /// Start the thread with room for `queue` jobs, the running one included; at least one. If the system gives no
    /// thread, there is no place either, and every reservation fails.
    pub fn spawn(models: Models, queue: usize) -> Self {
        // What the channel holds is bounded by the places; a job that was given up leaves an empty slot.
        let (sender, receiver) = channel();
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = std::thread::Builder::new().name("precis-inference".into());
        let started = thread.spawn(move || serve(&models, &receiver, &stop));
        let places = if started.is_ok() { queue.max(1) } else { 0 };
        Self { sender, places: Arc::new(AtomicUsize::new(places)), stopping }
    }

    /// Take a place, or none if all are taken.
    pub fn try_reserve(&self) -> Option<Permit> {
        self.places.fetch_update(Ordering::Acquire, Ordering::Relaxed, |free| free.checked_sub(1)).ok()?;
        Some(Permit { place: Place(Arc::clone(&self.places)), sender: self.sender.clone() })
    }

    /// Places free now.
    pub fn free(&self) -> usize {
        self.places.load(Ordering::Relaxed)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

impl Permit {
    /// Queue a job in this place. `done` is called exactly once, also if the worker is gone.
    pub fn submit(self, job: Job, done: Done) -> Waiting {
        let slot = Arc::new(Mutex::new(Some(Queued { job, done, place: self.place })));
        let waiting = Waiting(Arc::clone(&slot));
        if self.sender.send(slot).is_err() {
            Waiting(Arc::clone(&waiting.0)).give_up();
        }
        waiting
    }
}

fn serve(models: &Models, receiver: &Receiver<Slot>, stopping: &AtomicBool) {
    while let Ok(slot) = receiver.recv() {
        let Some(Queued { job, done, place }) = take(&slot) else { continue };
        let result = if stopping.load(Ordering::Relaxed) {
            Err(Error::Cancelled)
        } else {
            let Job { mode, text, options, control } = job;
            // The models keep no state of a request, so nothing half-changed outlives a panic.
            let work = AssertUnwindSafe(|| {
                control.begin()?;
                models.get(mode).summarize(&text, &options, &control)
            });
            catch_unwind(work).unwrap_or(Err(Error::Internal("panic")))
        };
        // The place is free before the owner hears of it, so it can reserve again at once.
        drop(place);
        let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
    }
}

#[cfg(test)]
mod tests;
