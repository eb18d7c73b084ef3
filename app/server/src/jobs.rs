//! Jobs in flight: one task for one payment, however many copies of the request wait for it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use precis_model::Control;
use precis_protocol::problem::Charged;
use tokio::sync::{Notify, watch};

use crate::error::Failure;
use crate::pipeline::Sealed;

/// Names a job: the ledger's claim key.
pub type JobKey = [u8; 32];

type Outcome = Result<Sealed, Failure>;

#[derive(Clone)]
struct Flight {
    landed: watch::Receiver<Option<Outcome>>,
    watched: Watched,
}

/// What a job in flight lets others see and do.
#[derive(Clone, Default)]
pub struct Watched(Arc<Seen>);

#[derive(Default)]
struct Seen {
    control: Control,
    read: AtomicU32,
    total: AtomicU32,
    called_off: Notify,
}

impl Watched {
    /// What the model is to be given.
    pub fn control(&self) -> Control {
        let seen = Arc::clone(&self.0);
        self.0.control.clone().with_progress(move |read, total| {
            seen.total.store(total, Ordering::Relaxed);
            seen.read.store(read, Ordering::Relaxed);
        })
    }

    /// Tokens read, and tokens in all once that is known.
    pub fn progress(&self) -> (u32, u32) {
        (self.0.read.load(Ordering::Relaxed), self.0.total.load(Ordering::Relaxed))
    }

    /// Whether the model works on it.
    pub fn has_begun(&self) -> bool {
        self.0.control.canceller().has_begun()
    }

    /// Calls the work off if the model has not begun; whether that was in time. Means nothing for a job whose work is done.
    pub fn cancel_waiting(&self) -> bool {
        let in_time = self.0.control.canceller().cancel_waiting();
        if in_time {
            self.0.called_off.notify_one();
        }
        in_time
    }

    /// Ends when the work has been called off, long before the model comes to it.
    pub async fn called_off(&self) {
        self.0.called_off.notified().await;
    }
}

/// Jobs in flight of this process. The ledger is what makes a job unique; this only lets copies wait for it.
#[derive(Clone, Default)]
pub struct Jobs {
    flights: Arc<Mutex<HashMap<JobKey, Flight>>>,
}

impl Jobs {
    /// Joins the job `key`, or starts it with `work` on a task of its own, and waits up to `within` for its outcome; none
    /// when it takes longer, while the job goes on.
    ///
    /// # Errors
    /// The job's own failure.
    pub async fn once<F>(&self, key: JobKey, within: Duration, work: impl FnOnce(Watched) -> F) -> Option<Outcome>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut flight = self.join(key, work);
        let landed = tokio::time::timeout(within, flight.wait_for(Option::is_some)).await;
        match landed {
            Ok(Ok(outcome)) => Some(outcome.clone().unwrap_or_else(|| Err(lost()))),
            // The task ended without an outcome: it panicked. The ledger knows how far it came.
            Ok(Err(_)) => Some(Err(lost())),
            Err(_) => None,
        }
    }

    fn join<F>(&self, key: JobKey, work: impl FnOnce(Watched) -> F) -> watch::Receiver<Option<Outcome>>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key) {
            return flight.landed.clone();
        }
        let (land, landed) = watch::channel(None);
        let watched = Watched::default();
        flights.insert(key, Flight { landed: landed.clone(), watched: watched.clone() });
        let leave = Leave { flights: Arc::clone(&self.flights), key };
        let work = work(watched);
        tokio::spawn(async move {
            // Dropped after the outcome is published, and also when the work panics.
            let _leave = leave;
            land.send_replace(Some(work.await));
        });
        landed
    }

    /// The job, if it is in flight here.
    pub fn in_flight(&self, key: &JobKey) -> Option<Watched> {
        let flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.get(key).map(|flight| flight.watched.clone())
    }
}

struct Leave {
    flights: Arc<Mutex<HashMap<JobKey, Flight>>>,
    key: JobKey,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

fn lost() -> Failure {
    Failure::internal("job", "ended without an outcome").charged(Charged::Unknown)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::error::Class;

    const LONG: Duration = Duration::from_secs(60);

    fn failure() -> Outcome {
        Err(Failure::new(Class::WorkFailed, ""))
    }

    #[tokio::test]
    async fn copies_of_one_job_share_one_execution() {
        let (jobs, runs) = (Jobs::default(), Arc::new(AtomicU32::new(0)));
        let (open, gate) = watch::channel(false);
        let copies: Vec<_> = (0..6)
            .map(|_| {
                let (jobs, runs, mut gate) = (jobs.clone(), Arc::clone(&runs), gate.clone());
                tokio::spawn(async move {
                    jobs.once([1; 32], LONG, |_| async move {
                        runs.fetch_add(1, Ordering::SeqCst);
                        gate.wait_for(|open| *open).await.unwrap();
                        failure()
                    })
                    .await
                    .unwrap()
                    .err()
                    .unwrap()
                    .code()
                })
            })
            .collect();
        while jobs.in_flight(&[1; 32]).is_none() {
            tokio::task::yield_now().await;
        }
        open.send_replace(true);
        for copy in copies {
            assert_eq!(copy.await.unwrap(), "work_failed");
        }
        assert!(runs.load(Ordering::SeqCst) >= 1 && jobs.in_flight(&[1; 32]).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_job_goes_on_after_its_caller_is_told_to_come_back() {
        let jobs = Jobs::default();
        let (open, mut gate) = watch::channel(false);
        let work = |_| async move {
            gate.wait_for(|open| *open).await.unwrap();
            failure()
        };
        let early = jobs.once([2; 32], Duration::from_secs(1), work).await;
        assert!(early.is_none() && jobs.in_flight(&[2; 32]).is_some());
        open.send_replace(true);
        let late = jobs.once([2; 32], LONG, |_| async { unreachable_work() }).await;
        assert_eq!(late.unwrap().err().unwrap().code(), "work_failed");
    }

    fn unreachable_work() -> Outcome {
        Err(Failure::new(Class::Internal, "a second execution"))
    }

    #[tokio::test]
    async fn a_panicking_job_is_reported_and_leaves_no_trace() {
        let jobs = Jobs::default();
        let outcome = jobs.once([3; 32], LONG, |_| async { std::panic::panic_any("defect") }).await;
        assert_eq!(outcome.unwrap().err().unwrap().code(), "internal");
        while jobs.in_flight(&[3; 32]).is_some() {
            tokio::task::yield_now().await;
        }
    }
}
