//! The jobs that wait, and whose turn it is.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::{Done, Job, Place};
use crate::engine::{Clocks, Payer};

/// A job with all that belongs to it.
pub(super) struct Queued {
    pub(super) job: Job,
    pub(super) done: Done,
    pub(super) place: Place,
}

#[derive(Default)]
struct State {
    /// By number, which is the order of arrival. The places bound how many there are.
    waiting: BTreeMap<u64, Queued>,
    arrived: u64,
    clocks: Clocks,
    stopped: bool,
}

/// A queue between those who submit and the threads that serve.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    bell: Condvar,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing of a caller's runs under the lock, so nothing half-changed can be found.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Add a job under the number that comes back; the job does too, if the queue has stopped.
    pub(super) fn push(&self, queued: Queued) -> (u64, Option<Queued>) {
        let mut state = self.state();
        let number = state.arrived;
        state.arrived += 1;
        if state.stopped {
            return (number, Some(queued));
        }
        state.clocks.enter(queued.job.payer);
        state.waiting.insert(number, queued);
        self.bell.notify_one();
        (number, None)
    }

    /// The next job: the least served payer's oldest. Waits for one; none when the queue has stopped.
    pub(super) fn take(&self) -> Option<Queued> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return None;
            }
            let turn = |(number, queued): (&u64, &Queued)| (state.clocks.turn(queued.job.payer), *number);
            if let Some((_, number)) = state.waiting.iter().map(turn).min() {
                let queued = state.waiting.remove(&number)?;
                state.clocks.serve(queued.job.payer, queued.job.text.len());
                return Some(queued);
            }
            state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Take one job out that waits.
    pub(super) fn remove(&self, number: u64) -> Option<Queued> {
        let mut state = self.state();
        let queued = state.waiting.remove(&number)?;
        state.clocks.leave(queued.job.payer);
        Some(queued)
    }

    /// A job that was taken has ended.
    pub(super) fn ended(&self, payer: Payer) {
        self.state().clocks.leave(payer);
    }

    /// No job is taken any more; those that wait come back.
    pub(super) fn stop(&self) -> Vec<Queued> {
        let mut state = self.state();
        state.stopped = true;
        self.bell.notify_all();
        std::mem::take(&mut state.waiting).into_values().collect()
    }
}
