//! Jobs in flight: one task for one payment, however many copies of the request wait for it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use precis_protocol::problem::Charged;
use tokio::sync::watch;

use crate::error::{Class, Failure};
use crate::pipeline::Sealed;

/// Names a job: the ledger's claim key.
pub type JobKey = [u8; 32];

type Outcome = Result<Sealed, Failure>;
type Flight = watch::Receiver<Option<Outcome>>;

/// Jobs in flight of this process. The ledger is what makes a job unique; this only lets copies wait for it.
#[derive(Clone, Default)]
pub struct Jobs {
    flights: Arc<Mutex<HashMap<JobKey, Flight>>>,
}

impl Jobs {
    /// Joins the job `key`, or starts it with `work` on a task of its own, and waits up to `within` for its outcome.
    ///
    /// # Errors
    /// The job's own failure; `still_working` when it takes longer, while the job goes on.
    pub async fn once<F>(&self, key: JobKey, within: Duration, work: impl FnOnce() -> F) -> Outcome
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut flight = self.join(key, work);
        let landed = tokio::time::timeout(within, flight.wait_for(Option::is_some)).await;
        match landed {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or_else(|| Err(lost())),
            // The task ended without an outcome: it panicked. The ledger knows how far it came.
            Ok(Err(_)) => Err(lost()),
            Err(_) => Err(Failure::new(Class::StillWorking, "").charged(Charged::Unknown)),
        }
    }

    fn join<F>(&self, key: JobKey, work: impl FnOnce() -> F) -> Flight
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key) {
            return flight.clone();
        }
        let (land, flight) = watch::channel(None);
        flights.insert(key, flight.clone());
        let leave = Leave { flights: Arc::clone(&self.flights), key };
        let work = work();
        tokio::spawn(async move {
            // Dropped after the outcome is published, and also when the work panics.
            let _leave = leave;
            land.send_replace(Some(work.await));
        });
        flight
    }

    /// Whether the job is in flight here.
    pub fn in_flight(&self, key: &JobKey) -> bool {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner).contains_key(key)
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
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

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
                    jobs.once([1; 32], LONG, || async move {
                        runs.fetch_add(1, Ordering::SeqCst);
                        gate.wait_for(|open| *open).await.unwrap();
                        failure()
                    })
                    .await
                    .err()
                    .unwrap()
                    .code()
                })
            })
            .collect();
        while !jobs.in_flight(&[1; 32]) {
            tokio::task::yield_now().await;
        }
        open.send_replace(true);
        for copy in copies {
            assert_eq!(copy.await.unwrap(), "work_failed");
        }
        assert!(runs.load(Ordering::SeqCst) >= 1 && !jobs.in_flight(&[1; 32]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_job_goes_on_after_its_caller_is_told_to_come_back() {
        let jobs = Jobs::default();
        let (open, mut gate) = watch::channel(false);
        let work = || async move {
            gate.wait_for(|open| *open).await.unwrap();
            failure()
        };
        let early = jobs.once([2; 32], Duration::from_secs(1), work).await;
        assert_eq!(early.err().unwrap().code(), "still_working");
        assert!(jobs.in_flight(&[2; 32]));
        open.send_replace(true);
        let late = jobs.once([2; 32], LONG, || async { unreachable_work() }).await;
        assert_eq!(late.err().unwrap().code(), "work_failed");
    }

    fn unreachable_work() -> Outcome {
        Err(Failure::new(Class::Internal, "a second execution"))
    }

    #[tokio::test]
    async fn a_panicking_job_is_reported_and_leaves_no_trace() {
        let jobs = Jobs::default();
        let outcome = jobs.once([3; 32], LONG, || async { std::panic::panic_any("defect") }).await;
        assert_eq!(outcome.err().unwrap().code(), "internal");
        while jobs.in_flight(&[3; 32]) {
            tokio::task::yield_now().await;
        }
    }
}
