//! Who may join the queue: as many as there are places, and nobody who would have to wait for too long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The places of a worker.
pub(super) struct Places {
    all: usize,
    threads: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    places: usize,
    /// Work predicted for those who hold them, as if none of it were done yet.
    work: Duration,
}

/// One of them; given back when dropped.
pub(super) struct Place {
    places: Arc<Places>,
    work: Duration,
}

impl Places {
    /// So many places, for jobs of which `threads` run side by side.
    pub(super) fn new(all: usize, threads: usize) -> Self {
        Self { all, threads, taken: Mutex::default() }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take one. A job that finds a thread free starts at once, whatever the others do. Any other one starts when all the work
    /// before it is done, or sooner; only payers who had less of the machine can still come before it.
    pub(super) fn take(places: &Arc<Self>, work: Duration, patience: Duration) -> Option<Place> {
        let mut taken = places.taken();
        let waits = taken.places >= places.threads;
        if taken.places >= places.all || waits && taken.work > patience {
            return None;
        }
        taken.places += 1;
        taken.work += work;
        Some(Place { places: Arc::clone(places), work })
    }

    pub(super) fn free(&self) -> usize {
        self.all - self.taken().places
    }
}

impl Place {
    /// The work predicted for the job.
    pub(super) fn work(&self) -> Duration {
        self.work
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.places -= 1;
        taken.work -= self.work;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_secs(1);
    const LONG: Duration = Duration::from_secs(60);
    const PATIENCE: Duration = Duration::from_secs(90);

    #[test]
    fn a_job_that_starts_at_once_is_taken_whatever_the_others_do() {
        let places = Arc::new(Places::new(4, 2));
        let _long = Places::take(&places, LONG * 100, PATIENCE);
        assert!(Places::take(&places, SHORT, PATIENCE).is_some());
    }

    #[test]
    fn a_job_that_would_wait_for_too_long_is_not_taken_until_the_work_before_it_is_done() {
        let places = Arc::new(Places::new(4, 1));
        let first = Places::take(&places, LONG, PATIENCE);
        let second = Places::take(&places, LONG, PATIENCE);
        assert!(first.is_some() && second.is_some());
        assert!(Places::take(&places, SHORT, PATIENCE).is_none(), "two long ones are before it");
        assert!(Places::take(&places, SHORT, PATIENCE * 2).is_some(), "another has more time");
        drop(first);
        assert!(Places::take(&places, SHORT, PATIENCE).is_some());
        drop(second);
        assert_eq!(places.free(), 4);
    }

    #[test]
    fn there_are_as_many_places_as_there_are() {
        let places = Arc::new(Places::new(2, 8));
        let taken: Vec<_> = (0..3).map(|_| Places::take(&places, SHORT, PATIENCE)).collect();
        assert_eq!(taken.iter().flatten().count(), 2);
        assert_eq!(places.free(), 0);
    }
}
