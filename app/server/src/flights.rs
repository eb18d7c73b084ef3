//! Jobs in flight: one task for one payment, however many copies of the request wait for it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use precis_protocol::problem::Charged;
use precis_summarize::Control;
use tokio::sync::{Notify, watch};

use crate::error::{Class, Failure};
use crate::sealed::Sealed;

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
pub struct Flights(Arc<Shared>);

#[derive(Default)]
struct Shared {
    flights: Mutex<Table>,
    /// Flights, and claims on the way to one.
    active: watch::Sender<usize>,
}

#[derive(Default)]
struct Table {
    all: HashMap<JobKey, Flight>,
    closed: bool,
}

/// A claim on the way to its flight: jobs are not at an end while there is one.
pub struct Entry(Flights);

impl Flights {
    /// Joins the job `key`, or starts it with `work` on a task of its own, and waits up to `within` for its outcome; none
    /// when it takes longer, while the job goes on.
    ///
    /// # Errors
    /// The job's own failure; [`Class::Stopping`] if it would have to be started and no more jobs are.
    pub async fn once<F>(&self, key: JobKey, within: Duration, work: impl FnOnce(Watched) -> F) -> Option<Outcome>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let Some(mut flight) = self.join(key, false, work) else {
            // What came of the job before, the ledger knows.
            return Some(Err(Failure::new(Class::Stopping, "").charged(Charged::Unknown)));
        };
        let landed = tokio::time::timeout(within, flight.wait_for(Option::is_some)).await;
        match landed {
            Ok(Ok(outcome)) => Some(outcome.clone().unwrap_or_else(|| Err(lost()))),
            // The task ended without an outcome: it panicked. The ledger knows how far it came.
            Ok(Err(_)) => Some(Err(lost())),
            Err(_) => None,
        }
    }

    /// Lets a claim in that leads to a job.
    ///
    /// # Errors
    /// [`Class::Stopping`] when no more jobs are started.
    pub fn enter(&self) -> Result<Entry, Failure> {
        let flights = self.lock();
        if flights.closed {
            return Err(Failure::new(Class::Stopping, ""));
        }
        self.0.active.send_modify(|active| *active += 1);
        Ok(Entry(self.clone()))
    }

    /// Starts no more jobs from now on; those in flight go on, and can be joined.
    pub fn close(&self) {
        self.lock().closed = true;
    }

    /// Ends when nothing is in flight.
    pub async fn idle(&self) {
        // The sender lives as long as this.
        _ = self.0.active.subscribe().wait_for(|active| *active == 0).await;
    }

    /// Names of what is in flight.
    pub fn names(&self) -> Vec<JobKey> {
        self.lock().all.keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the flight, or starts it unless jobs are closed to it.
    fn join<F>(
        &self,
        key: JobKey,
        entered: bool,
        work: impl FnOnce(Watched) -> F,
    ) -> Option<watch::Receiver<Option<Outcome>>>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut flights = self.lock();
        if let Some(flight) = flights.all.get(&key) {
            return Some(flight.landed.clone());
        }
        if flights.closed && !entered {
            return None;
        }
        let (land, landed) = watch::channel(None);
        let watched = Watched::default();
        flights.all.insert(key, Flight { landed: landed.clone(), watched: watched.clone() });
        self.0.active.send_modify(|active| *active += 1);
        let leave = Leave { flights: self.clone(), key };
        let work = work(watched);
        tokio::spawn(async move {
            // Dropped after the outcome is published, and also when the work panics.
            let _leave = leave;
            land.send_replace(Some(work.await));
        });
        Some(landed)
    }

    /// The job, if it is in flight here.
    pub fn in_flight(&self, key: &JobKey) -> Option<Watched> {
        self.lock().all.get(key).map(|flight| flight.watched.clone())
    }
}

impl Entry {
    /// Starts the job that the claim was for, if it is not in flight already. Needs nobody who waits for it.
    pub fn start<F>(&self, key: JobKey, work: impl FnOnce(Watched) -> F)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        // Let in before jobs were closed, so there is always a flight.
        _ = self.0.join(key, true, work);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.0.active.send_modify(|active| *active -= 1);
    }
}

struct Leave {
    flights: Flights,
    key: JobKey,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.flights.lock().all.remove(&self.key);
        self.flights.0.active.send_modify(|active| *active -= 1);
    }
}

fn lost() -> Failure {
    Failure::internal("job", "ended without an outcome").charged(Charged::Unknown)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn failure() -> Outcome {
        Err(Failure::new(Class::WorkFailed, ""))
    }

    #[tokio::test]
    async fn copies_of_one_job_share_one_execution() {
        let (flights, runs) = (Flights::default(), Arc::new(AtomicU32::new(0)));
        let (open, gate) = watch::channel(false);
        let copies: Vec<_> = (0..6)
            .map(|_| {
                let (flights, runs, mut gate) = (flights.clone(), Arc::clone(&runs), gate.clone());
                tokio::spawn(async move {
                    flights
                        .once([1; 32], LONG, |_| async move {
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
        while flights.in_flight(&[1; 32]).is_none() {
            tokio::task::yield_now().await;
        }
        open.send_replace(true);
        for copy in copies {
            assert_eq!(copy.await.unwrap(), "work_failed");
        }
        assert!(runs.load(Ordering::SeqCst) >= 1 && flights.in_flight(&[1; 32]).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_job_goes_on_after_its_caller_is_told_to_come_back() {
        let flights = Flights::default();
        let (open, mut gate) = watch::channel(false);
        let work = |_| async move {
            gate.wait_for(|open| *open).await.unwrap();
            failure()
        };
        let early = flights.once([2; 32], Duration::from_secs(1), work).await;
        assert!(early.is_none() && flights.in_flight(&[2; 32]).is_some());
        open.send_replace(true);
        let late = flights.once([2; 32], LONG, |_| async { unreachable_work() }).await;
        assert_eq!(late.unwrap().err().unwrap().code(), "work_failed");
    }

    fn unreachable_work() -> Outcome {
        Err(Failure::new(Class::Internal, "a second execution"))
    }

    #[tokio::test]
    async fn closed_jobs_end_with_what_was_let_in_and_start_nothing_else() {
        let flights = Flights::default();
        let (open, gate) = watch::channel(false);
        let work = |_| {
            let mut gate = gate.clone();
            async move {
                gate.wait_for(|open| *open).await.unwrap();
                failure()
            }
        };
        let entry = flights.enter().unwrap();
        flights.close();
        entry.start([4; 32], work);
        drop(entry);
        assert_eq!(flights.enter().err().unwrap().code(), "stopping");
        let refused = flights.once([5; 32], LONG, work).await;
        assert_eq!(refused.unwrap().err().unwrap().code(), "stopping");
        assert_eq!(flights.names(), [[4; 32]]);
        let joined = flights.once([4; 32], Duration::ZERO, work).await;
        assert!(joined.is_none(), "what is in flight can be waited for");
        let mut idle = std::pin::pin!(flights.idle());
        assert!(futures::poll!(&mut idle).is_pending());
        open.send_replace(true);
        idle.await;
        assert_eq!(flights.names(), [[0; 32]; 0]);
    }

    #[tokio::test]
    async fn a_panicking_job_is_reported_and_leaves_no_trace() {
        let flights = Flights::default();
        let outcome = flights.once([3; 32], LONG, |_| async { std::panic::panic_any("defect") }).await;
        assert_eq!(outcome.unwrap().err().unwrap().code(), "internal");
        while flights.in_flight(&[3; 32]).is_some() {
            tokio::task::yield_now().await;
        }
    }
}
