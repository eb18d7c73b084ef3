//! The jobs that wait, and whose turn it is.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::job::{Done, Job};
use super::places::Place;
use precis_engine::Clocks;
use precis_engine::Payer;

/// A job with all that belongs to it.
pub(super) struct Queued<T> {
    pub(super) job: Job<T>,
    pub(super) done: Done<T>,
    pub(super) place: Place,
}

struct State<T> {
    /// By number, which is the order of arrival. The places bound how many there are.
    waiting: BTreeMap<u64, Queued<T>>,
    arrived: u64,
    clocks: Clocks,
    /// Payers of the jobs that run.
    running: Vec<Payer>,
    stopped: bool,
}

/// A thread's place at the queue.
#[derive(Clone, Copy)]
pub(super) enum Seat {
    /// Takes any job.
    Regular,
    /// Serves payers that would otherwise wait for the end of another's jobs.
    Guest {
        /// Regular seats, count.
        regular: usize,
    },
}

/// A queue between those who submit and the threads that serve.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    bell: Condvar,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let state = State {
            waiting: BTreeMap::new(),
            arrived: 0,
            clocks: Clocks::default(),
            running: Vec::new(),
            stopped: false,
        };
        Self { state: Mutex::new(state), bell: Condvar::new() }
    }
}

impl<T> Queue<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        // Nothing of a caller's runs under the lock, so nothing half-changed can be found.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Add a job under the number that comes back; the job does too, if the queue has stopped.
    pub(super) fn push(&self, queued: Queued<T>) -> (u64, Option<Queued<T>>) {
        let mut state = self.state();
        let number = state.arrived;
        state.arrived += 1;
        if state.stopped {
            return (number, Some(queued));
        }
        state.clocks.enter(queued.job.payer);
        state.waiting.insert(number, queued);
        // All: a guest may not be the one who can take it.
        self.bell.notify_all();
        (number, None)
    }

    /// The next job: the least served payer's oldest. A guest takes one only while all regular seats are
    /// taken, and only of payers none of whose jobs runs. Waits for one; none when the queue has stopped.
    pub(super) fn take(&self, seat: Seat) -> Option<Queued<T>> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return None;
            }
            let may = |queued: &Queued<T>| match seat {
                Seat::Regular => true,
                // Not while a regular seat is free, or one payer could fill them all and this one.
                Seat::Guest { regular } => state.running.len() >= regular && !state.running.contains(&queued.job.payer),
            };
            let turn = |(number, queued): (&u64, &Queued<T>)| (state.clocks.turn(queued.job.payer), *number);
            if let Some((_, number)) = state.waiting.iter().filter(|(_, queued)| may(queued)).map(turn).min() {
                let queued = state.waiting.remove(&number)?;
                // By the work, which is what a payer has had of the machine: a mode costs many times what another does.
                let work = usize::try_from(queued.place.work().as_millis()).unwrap_or(usize::MAX);
                state.clocks.serve(queued.job.payer, work.max(1));
                state.running.push(queued.job.payer);
                if !state.waiting.is_empty() {
                    // The guest may go on now that this seat is taken.
                    self.bell.notify_all();
                }
                return Some(queued);
            }
            state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Take one job out that waits.
    pub(super) fn remove(&self, number: u64) -> Option<Queued<T>> {
        let mut state = self.state();
        let queued = state.waiting.remove(&number)?;
        state.clocks.leave(queued.job.payer);
        Some(queued)
    }

    /// A job that was taken has ended.
    pub(super) fn ended(&self, payer: Payer) {
        let mut state = self.state();
        state.clocks.leave(payer);
        if let Some(index) = state.running.iter().position(|running| *running == payer) {
            state.running.swap_remove(index);
        }
        // A guest may take what it had to leave.
        self.bell.notify_all();
    }

    /// No job is taken any more; those that wait come back.
    pub(super) fn stop(&self) -> Vec<Queued<T>> {
        let mut state = self.state();
        state.stopped = true;
        self.bell.notify_all();
        std::mem::take(&mut state.waiting).into_values().collect()
    }
}
