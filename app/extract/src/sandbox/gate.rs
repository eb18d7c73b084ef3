//! So many children at once, and no more.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Places for children.
pub struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place, until it is dropped.
pub struct Place<'a>(&'a Gate);

impl Gate {
    /// So many places.
    #[must_use]
    pub const fn new(places: usize) -> Self {
        Self { free: Mutex::new(places), freed: Condvar::new() }
    }

    /// A place; none if none is free within `patience`.
    pub fn enter(&self, patience: Duration) -> Option<Place<'_>> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut free, _) =
            self.freed.wait_timeout_while(free, patience, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(1)?;
        Some(Place(self))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_left() {
        let gate = Gate::new(1);
        let place = gate.enter(Duration::ZERO);
        assert!(place.is_some() && gate.enter(Duration::ZERO).is_none());
        drop(place);
        assert!(gate.enter(Duration::ZERO).is_some());
    }
}
