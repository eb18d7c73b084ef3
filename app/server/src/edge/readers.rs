//! A few threads that look at what callers send: open it, parse it, count its tokens.
//!
//! Whoever wants something looked at waits for a turn. Sources share evenly, and within a source the shortest comes first;
//! long work is cut into turns, so that nobody waits for all of somebody else's. Work for those who carry a payment counts
//! for a part of its size, and one thread at least is theirs where there are several. It is no more than that, because
//! anybody can write a payment that will be refused.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::source::Source;
use crate::error::{Class, Failure};

/// Most turns that wait, count: more than there are places.
const MOST_WAITING: usize = 1024;
/// Work for somebody who carries a payment counts for one part in this many.
const PAID_PART: u64 = 4;

/// The threads.
pub struct Readers(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// Threads that may be with callers who pay nothing, at a time.
    free_threads: usize,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    /// Threads that are with callers who pay nothing.
    free_running: usize,
    /// Virtual time by source: what each has had, and no less than `clock`.
    had: HashMap<Source, u64>,
    clock: u64,
    stopped: bool,
}

struct Waiting {
    source: Source,
    paid: bool,
    /// What is left of the work, as it counts.
    left: u64,
    /// What this turn takes of it.
    turn: u64,
    run: Box<dyn FnOnce() + Send>,
}

/// Who wants a turn, and how long it waits for it.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// Where it is.
    pub source: Source,
    /// Whether it carries a payment.
    pub paid: bool,
    /// How long it waits.
    pub patience: Duration,
}

impl Readers {
    /// Starts as many threads as there are processors.
    ///
    /// # Errors
    /// If the system gives none.
    pub fn start() -> std::io::Result<Self> {
        Self::with_threads(std::thread::available_parallelism().map_or(1, usize::from))
    }

    fn with_threads(threads: usize) -> std::io::Result<Self> {
        let free_threads = threads.saturating_sub(1).max(1);
        let shared = Arc::new(Shared { state: Mutex::default(), wake: Condvar::new(), free_threads });
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name(format!("reader-{number}")).spawn(move || shared.serve())?;
        }
        Ok(Self(shared))
    }

    /// Does `work` in a turn of `caller`, or 503 when none comes in its patience. `left` is what is left to do, and `turn`
    /// what of it this does, in bytes as the tokenizer takes them. What nobody waits for any more is not done.
    ///
    /// # Errors
    /// 503, or 500 if `work` panics.
    pub async fn turn<T: Send + 'static>(
        &self,
        caller: Caller,
        (left, turn): (usize, usize),
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (done, outcome) = oneshot::channel();
        let run = move || {
            if !done.is_closed() {
                _ = done.send(work());
            }
        };
        let part = if caller.paid { PAID_PART } else { 1 };
        let counts = |bytes: usize| (bytes as u64 / part).max(1);
        let (left, turn) = (counts(left), counts(turn));
        let waiting = Waiting { source: caller.source, paid: caller.paid, left, turn, run: Box::new(run) };
        if !self.0.push(waiting) {
            return Err(Failure::new(Class::Overloaded, ""));
        }
        match timeout(caller.patience, outcome).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(_)) => Err(Failure::internal("reader", "panicked")),
            Err(_) => Err(Failure::new(Class::Overloaded, "")),
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.wake.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, waiting: Waiting) -> bool {
        let mut state = self.lock();
        if state.waiting.len() >= MOST_WAITING || state.stopped {
            return false;
        }
        state.waiting.push(waiting);
        drop(state);
        self.wake.notify_one();
        true
    }

    fn serve(&self) {
        let mut state = self.lock();
        while !state.stopped {
            let Some(next) = state.next(self.free_threads) else {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.free_running += usize::from(!next.paid);
            drop(state);
            // Its caller is told by the channel that closes.
            _ = catch_unwind(AssertUnwindSafe(next.run));
            state = self.lock();
            state.free_running -= usize::from(!next.paid);
            // A thread that had to leave free work alone may take it now.
            self.wake.notify_one();
        }
    }
}

impl State {
    /// Takes the next turn out of those that wait.
    fn next(&mut self, free_threads: usize) -> Option<Waiting> {
        let may = |waiting: &Waiting| waiting.paid || self.free_running < free_threads;
        let had = |source: &Source| self.had.get(source).copied().unwrap_or_default().max(self.clock);
        let first = self.waiting.iter().enumerate().filter(|(_, waiting)| may(waiting));
        let first = first.min_by_key(|(_, waiting)| had(&waiting.source).saturating_add(waiting.left));
        let (index, begin) = first.map(|(index, waiting)| (index, had(&waiting.source)))?;
        let next = self.waiting.swap_remove(index);
        self.clock = begin;
        self.had.insert(next.source, begin.saturating_add(next.turn));
        // Who is not ahead of the others is as good as new.
        self.had.retain(|_, had| *had > begin);
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::mpsc;

    use super::*;

    const STEP: u64 = 1000;

    fn source(number: u8) -> Source {
        Source::from(std::net::IpAddr::from([192, 0, 2, number]))
    }

    fn waiting(number: u8, paid: bool, left: u64) -> Waiting {
        Waiting { source: source(number), paid, left, turn: left.min(STEP), run: Box::new(|| ()) }
    }

    /// Who is served, turn by turn, until nothing is left.
    fn order(state: &mut State) -> Vec<(u8, u64)> {
        let mut order = Vec::new();
        while let Some(next) = state.next(1) {
            let number = (1..=9).find(|number| source(*number) == next.source).unwrap();
            order.push((number, next.left));
            let left = next.left - next.turn;
            if left > 0 {
                state.waiting.push(waiting(number, next.paid, left));
            }
        }
        order
    }

    #[test]
    fn within_a_source_the_shortest_is_first() {
        let mut state = State::default();
        state.waiting.extend((0..40).map(|_| waiting(1, false, 500_000)));
        state.waiting.extend([waiting(1, false, 3_000), waiting(1, true, 10)]);
        assert_eq!(order(&mut state)[..4], [(1, 10), (1, 3_000), (1, 2_000), (1, 1_000)]);
    }

    #[test]
    fn an_honest_document_waits_for_a_turn_of_each_source_and_not_for_their_documents() {
        let mut state = State::default();
        state.waiting.extend((0..40).map(|number| waiting(1 + number % 4, false, 500_000)));
        // They have been at it for a while.
        for _ in 0..100 {
            let next = state.next(1).unwrap();
            state.waiting.push(Waiting { left: next.left - next.turn, ..next });
        }
        state.waiting.push(waiting(9, false, 5_000));
        let before = order(&mut state).iter().position(|(number, left)| *number == 9 && *left <= STEP).unwrap();
        assert!(before <= 5 * 5, "{before} turns before its last one");
    }

    #[test]
    fn free_work_leaves_a_thread_to_those_who_pay() {
        let mut state = State { free_running: 1, ..State::default() };
        state.waiting.push(waiting(1, false, 10));
        assert!(state.next(1).is_none());
        state.waiting.push(waiting(2, true, 10));
        assert!(state.next(1).unwrap().paid);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_done_and_a_panic_ends_no_thread() {
        let readers = Readers::with_threads(1).unwrap();
        let caller = Caller { source: source(1), paid: false, patience: Duration::from_secs(60) };
        let (open, gate) = mpsc::channel::<()>();
        let running = readers.turn(caller, (1, 1), move || gate.recv().is_ok());
        let hasty = Caller { patience: Duration::ZERO, ..caller };
        let (touched, touches) = mpsc::channel();
        let (running, given_up) = tokio::join!(running, async {
            tokio::task::yield_now().await;
            let given_up = readers.turn(hasty, (1, 1), move || touched.send(())).await;
            open.send(()).unwrap();
            given_up.err().unwrap().code()
        });
        assert!(running.is_ok() && given_up == "overloaded");
        let panicked = readers.turn(caller, (1, 1), || std::panic::panic_any("defect")).await;
        assert_eq!(panicked.err().unwrap().code(), "internal");
        assert_eq!(readers.turn(caller, (1, 1), || 7).await.unwrap(), 7);
        assert!(touches.recv().is_err(), "it was done");
    }
}
