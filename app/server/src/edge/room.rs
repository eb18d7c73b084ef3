//! Places for requests with documents. Where all are taken, the largest makes room for a smaller one, and a source that has
//! many of them for one that has few: a short document never waits outside because of long ones.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::source::Source;

/// The places.
pub struct Room {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    guests: HashMap<u64, Arc<Guest>>,
}

/// Whoever has a place.
pub struct Guest {
    source: Source,
    bytes: usize,
    stays: AtomicBool,
    leave: Notify,
}

impl Guest {
    /// It has come so far that it makes room for nobody any more.
    pub fn stays(&self) {
        self.stays.store(true, Ordering::Relaxed);
    }
}

impl Room {
    /// So many places.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, state: Mutex::default() })
    }

    /// A place for a request of so many bytes; none if all are taken by those that stay, or are no larger.
    pub fn enter(self: &Arc<Self>, source: Source, bytes: usize) -> Option<Place> {
        let mut state = self.lock();
        if state.guests.len() >= self.most {
            let victim = state.victim(source, bytes)?;
            if let Some(guest) = state.guests.remove(&victim) {
                guest.leave.notify_one();
            }
        }
        let number = state.next;
        state.next += 1;
        let guest = Arc::new(Guest { source, bytes, stays: AtomicBool::new(false), leave: Notify::new() });
        state.guests.insert(number, Arc::clone(&guest));
        Some(Place { room: Arc::clone(self), number, guest })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn victim(&self, source: Source, bytes: usize) -> Option<u64> {
        let mut has: HashMap<Source, usize> = HashMap::new();
        for guest in self.guests.values() {
            *has.entry(guest.source).or_default() += 1;
        }
        let own = has.get(&source).copied().unwrap_or_default();
        let movable = self.guests.iter().filter(|(_, guest)| !guest.stays.load(Ordering::Relaxed));
        let largest = movable.map(|(number, guest)| {
            let has = has.get(&guest.source).copied().unwrap_or_default();
            (has, guest.bytes, *number)
        });
        let (has, size, number) = largest.max()?;
        (has > own + 1 || (has >= own && size > bytes)).then_some(number)
    }
}

/// A place; free again when dropped.
pub struct Place {
    room: Arc<Room>,
    number: u64,
    guest: Arc<Guest>,
}

impl Place {
    /// Whoever has it.
    pub fn guest(&self) -> &Arc<Guest> {
        &self.guest
    }

    /// Ends when it has to make room.
    pub async fn is_lost(&self) {
        self.guest.leave.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.lock().guests.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures::FutureExt as _;

    use super::*;

    fn source(number: u8) -> Source {
        Source::from(std::net::IpAddr::from([192, 0, 2, number]))
    }

    fn lost(places: &[Place]) -> Vec<bool> {
        places.iter().map(|place| place.is_lost().now_or_never().is_some()).collect()
    }

    #[tokio::test]
    async fn a_short_document_gets_the_place_of_the_longest() {
        let room = Room::new(3);
        let places = [100, 300, 200].map(|bytes| room.enter(source(1), bytes).unwrap());
        assert!(room.enter(source(1), 300).is_none());
        let short = room.enter(source(1), 10).unwrap();
        assert_eq!(lost(&places), [false, true, false]);
        drop((places, short));
        assert!(room.lock().guests.is_empty());
    }

    #[tokio::test]
    async fn a_source_with_many_places_makes_room_for_another_one_and_not_the_other_way_round() {
        let room = Room::new(3);
        let crowd = [10, 20, 30].map(|bytes| room.enter(source(1), bytes).unwrap());
        let other = room.enter(source(2), 1000).unwrap();
        assert_eq!(lost(&crowd), [false, false, true]);
        assert!(room.enter(source(1), 40).is_none());
        assert!(other.is_lost().now_or_never().is_none());
    }

    #[tokio::test]
    async fn who_stays_makes_room_for_nobody() {
        let room = Room::new(1);
        let place = room.enter(source(1), 100).unwrap();
        place.guest().stays();
        assert!(room.enter(source(2), 1).is_none());
    }
}
