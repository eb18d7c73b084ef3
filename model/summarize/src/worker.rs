//! Inference on operating-system threads of its own, behind a bounded queue.
//!
//! A [`Permit`] is taken before a payment is accepted and holds a place until its job has ended. There is none for a job
//! that would have to wait for longer than it can, by what is predicted for the jobs before it. Several jobs run at a
//! time, because the engine computes them in one batch; which of those that wait is next is fair between payers, and
//! within a payer the order of submission. A panic in inference ends that job with [`Error::Internal`], not the thread.
//! When the [`Worker`] is dropped, jobs that wait end with [`Error::Cancelled`].

mod job;
mod places;
mod queue;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::Error;
pub use job::{Done, Job, Work};
use places::{Place, Places};
use queue::{Queue, Queued, Seat};

/// A job in the queue, for its owner.
pub struct Waiting<T> {
    queue: Arc<Queue<T>>,
    number: u64,
}

impl<T> Waiting<T> {
    /// Gives the job up if no thread has taken it: document and place are free at once, and `done` is called with
    /// [`Error::Cancelled`].
    pub fn give_up(self) {
        if let Some(queued) = self.queue.remove(self.number) {
            queued.call_off();
        }
    }
}

/// The threads of the jobs. Their heavy work goes through the one pool of the models, so they may be more than there
/// are processors.
pub struct Worker<T> {
    queue: Arc<Queue<T>>,
    places: Arc<Places>,
    threads: Vec<JoinHandle<()>>,
}

/// A place in the queue; given back when dropped or when its job has ended.
pub struct Permit<T> {
    place: Place,
    queue: Arc<Queue<T>>,
}

impl<T: Send + 'static> Worker<T> {
    /// Starts threads for `concurrency` jobs at a time, with room for `queue` jobs, the running ones included; at least
    /// one of each. Where there are several, one more serves payers that have nothing running, so that nobody waits for
    /// the end of another's jobs that fill them all. If the system gives no thread, there is no place either, and every
    /// reservation fails.
    pub fn spawn(queue: usize, concurrency: usize) -> Self {
        let (places, jobs) = (queue.max(1), Arc::new(Queue::default()));
        let concurrency = concurrency.clamp(1, places);
        let start = |number: usize, seat: Seat| {
            let jobs = Arc::clone(&jobs);
            let thread = std::thread::Builder::new().name(format!("precis-job-{number}"));
            thread.spawn(move || serve(&jobs, seat)).ok()
        };
        let mut threads: Vec<_> = (0..concurrency).filter_map(|number| start(number, Seat::Regular)).collect();
        let places = Arc::new(Places::new(if threads.is_empty() { 0 } else { places }, threads.len()));
        if threads.len() > 1 {
            threads.extend(start(concurrency, Seat::Guest { regular: threads.len() }));
        }
        Self { queue: jobs, places, threads }
    }

    /// Take a place for a job of so much `work`; none if all are taken, or if no thread is free and the work of all that
    /// hold one is more than `patience`.
    pub fn try_reserve(&self, work: Duration, patience: Duration) -> Option<Permit<T>> {
        let place = Places::take(&self.places, work, patience)?;
        Some(Permit { place, queue: Arc::clone(&self.queue) })
    }

    /// Whether every thread that was started still serves; none may end before the worker is dropped.
    pub fn is_alive(&self) -> bool {
        !self.threads.is_empty() && self.threads.iter().all(|thread| !thread.is_finished())
    }

    /// Places free now.
    pub fn free(&self) -> usize {
        self.places.free()
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.queue.stop().into_iter().for_each(Queued::call_off);
    }
}

impl<T> Permit<T> {
    /// Queue a job in this place. `done` is called exactly once, also if the worker is gone.
    pub fn submit(self, job: Job<T>, done: Done<T>) -> Waiting<T> {
        let Self { place, queue } = self;
        let (number, refused) = queue.push(Queued { job, done, place });
        if let Some(queued) = refused {
            queued.call_off();
        }
        Waiting { queue, number }
    }
}

impl<T> Queued<T> {
    fn call_off(self) {
        self.finish(Err(Error::Cancelled));
    }

    fn finish(self, result: Result<T, Error>) {
        let Self { job, done, place } = self;
        // With its document, if it was not begun.
        drop(job);
        end(done, place, result);
    }
}

fn serve<T>(queue: &Queue<T>, seat: Seat) {
    while let Some(Queued { job: Job { work, control, payer }, done, place }) = queue.take(seat) {
        let control = control.for_payer(payer);
        // The models keep no state of a request, so nothing half-changed outlives a panic.
        let work = AssertUnwindSafe(|| {
            control.begin()?;
            work(&control)
        });
        let result = catch_unwind(work).unwrap_or(Err(Error::Internal("panic")));
        queue.ended(payer);
        end(done, place, result);
    }
}

/// Tells the owner of a job that it has ended, once its place is free, so that it can reserve again at once.
fn end<T>(done: Done<T>, place: Place, result: Result<T, Error>) {
    drop(place);
    let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
}

#[cfg(test)]
mod tests;
