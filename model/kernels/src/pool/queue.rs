//! A lock whose waiters are served in order of arrival.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

pub(super) struct Queue {
    /// The next number to be given out.
    arrivals: AtomicU64,
    /// The number that may pass.
    turn: AtomicU64,
    room: Mutex<()>,
    call: Condvar,
}

/// The right to be the only one; dropping it lets the next pass.
pub(super) struct Turn<'a>(&'a Queue);

impl Queue {
    pub(super) const fn new() -> Queue {
        Queue { arrivals: AtomicU64::new(0), turn: AtomicU64::new(0), room: Mutex::new(()), call: Condvar::new() }
    }

    pub(super) fn enter(&self) -> Turn<'_> {
        let number = self.arrivals.fetch_add(1, Ordering::SeqCst);
        if self.turn.load(Ordering::SeqCst) != number {
            let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
            while self.turn.load(Ordering::SeqCst) != number {
                room = self.call.wait(room).unwrap_or_else(PoisonError::into_inner);
            }
        }
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let next = self.0.turn.fetch_add(1, Ordering::SeqCst) + 1;
        // Whoever has arrived after this look sees the new turn: both orders are sequentially consistent.
        if self.0.arrivals.load(Ordering::SeqCst) != next {
            // With the room held, a waiter is either before its look at the turn or already waiting for the call.
            let _room = self.0.room.lock().unwrap_or_else(PoisonError::into_inner);
            self.0.call.notify_all();
        }
    }
}
