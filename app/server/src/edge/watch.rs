//! One connection as it is seen from outside: what it is doing, since when, and whether it may go on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::limits::ConnectionLimits;
use super::pace::Floor;

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Keep,
    /// It ends with the requests it has.
    Finish,
    /// It ends now.
    Close,
}

/// What a connection is doing.
pub struct Watch(Mutex<Seen>);

struct Seen {
    opened: Instant,
    /// Requests that have been read and not been answered to the last byte.
    in_work: usize,
    /// Requests so far.
    requests: u64,
    /// When there last was a request in work.
    worked: Instant,
    /// When the first byte of a request came whose header section is not complete.
    begun: Option<Instant>,
    /// HTTP/2 has frames between requests, so that a byte does not begin one.
    framed: bool,
    /// Parts of answers that the connection holds: their number, when each has to be gone.
    held: BTreeMap<u64, Instant>,
    parts: u64,
    finishing: Option<Instant>,
}

impl Watch {
    /// A connection that was opened now.
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(Seen {
            opened: now,
            in_work: 0,
            requests: 0,
            worked: now,
            begun: None,
            framed: false,
            held: BTreeMap::new(),
            parts: 0,
            finishing: None,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes came from the peer.
    pub fn bytes_came(&self, now: Instant) {
        let mut seen = self.lock();
        if seen.in_work == 0 && !seen.framed {
            seen.begun.get_or_insert(now);
        }
    }

    /// A request was read up to its header section; it is in work until the guard is dropped.
    pub fn request(self: &Arc<Self>, framed: bool) -> InWork {
        let mut seen = self.lock();
        seen.in_work += 1;
        seen.requests += 1;
        seen.begun = None;
        seen.framed = framed;
        InWork(Arc::clone(self))
    }

    /// A part of an answer of so many bytes is handed to the connection, which has it until the guard is dropped.
    pub fn part(self: &Arc<Self>, bytes: usize, floor: Floor, now: Instant) -> Part {
        let mut seen = self.lock();
        let windows = u32::try_from(bytes / floor.bytes.max(1) + 1).unwrap_or(u32::MAX);
        let number = seen.parts;
        seen.parts += 1;
        seen.held.insert(number, now + floor.window.saturating_mul(windows));
        Part { watch: Arc::clone(self), number }
    }

    /// The connection was told to take no more requests.
    pub fn finishes(&self, now: Instant) {
        self.lock().finishing.get_or_insert(now);
    }

    /// Judges it.
    pub fn judge(&self, now: Instant, limits: &ConnectionLimits) -> Verdict {
        let seen = self.lock();
        let over = |since: Instant, limit: Duration| now.saturating_duration_since(since) >= limit;
        let header = if seen.requests == 0 { Some(seen.opened) } else { seen.begun };
        let headless = seen.in_work == 0 && header.is_some_and(|since| over(since, limits.header));
        let stuck = seen.held.values().any(|gone| now >= *gone);
        let resting = seen.in_work == 0 && seen.held.is_empty();
        if headless || stuck || (resting && over(seen.worked, limits.idle)) {
            return Verdict::Close;
        }
        match seen.finishing {
            Some(since) if resting && over(since, limits.farewell) => Verdict::Close,
            None if over(seen.opened, limits.age) => Verdict::Finish,
            _ => Verdict::Keep,
        }
    }

    /// How little it deserves its place: none while a request is in work, else the least deserving first: those that never
    /// sent a whole request, then by how long they rest.
    pub fn rank(&self) -> Option<(bool, Instant)> {
        let seen = self.lock();
        (seen.in_work == 0 && seen.held.is_empty()).then_some((seen.requests > 0, seen.worked))
    }
}

/// A request in work.
pub struct InWork(Arc<Watch>);

impl Drop for InWork {
    fn drop(&mut self) {
        let mut seen = self.0.lock();
        seen.in_work = seen.in_work.saturating_sub(1);
        seen.worked = Instant::now();
    }
}

/// A part of an answer that a connection has.
pub struct Part {
    watch: Arc<Watch>,
    number: u64,
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut seen = self.watch.lock();
        seen.held.remove(&self.number);
        seen.worked = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn after(watch: &Watch, time: Duration) -> Verdict {
        tokio::time::advance(time).await;
        watch.judge(Instant::now(), &ConnectionLimits::internal())
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_sends_nothing_or_half_a_header_section_is_closed() {
        let limits = ConnectionLimits::internal();
        let silent = Arc::new(Watch::new(Instant::now()));
        assert_eq!(after(&silent, limits.header - SECOND).await, Verdict::Keep);
        // More and more bytes of it do not help.
        silent.bytes_came(Instant::now());
        assert_eq!(after(&silent, SECOND).await, Verdict::Close);

        let second = Arc::new(Watch::new(Instant::now()));
        drop(second.request(false));
        assert_eq!(after(&second, limits.header * 2).await, Verdict::Keep);
        second.bytes_came(Instant::now());
        assert_eq!(after(&second, limits.header - SECOND).await, Verdict::Keep);
        second.bytes_came(Instant::now());
        assert_eq!(after(&second, SECOND).await, Verdict::Close);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_rests_between_requests_but_not_for_ever() {
        let limits = ConnectionLimits::internal();
        for framed in [false, true] {
            let watch = Arc::new(Watch::new(Instant::now()));
            let request = watch.request(framed);
            watch.bytes_came(Instant::now());
            assert_eq!(after(&watch, limits.idle * 3).await, Verdict::Keep);
            drop(request);
            assert_eq!(after(&watch, limits.idle - SECOND).await, Verdict::Keep);
            assert_eq!(after(&watch, SECOND).await, Verdict::Close);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_ends_its_connection() {
        let limits = ConnectionLimits::internal();
        let watch = Arc::new(Watch::new(Instant::now()));
        drop(watch.request(true));
        let part = watch.part(10 * limits.write.bytes, limits.write, Instant::now());
        assert_eq!(after(&watch, limits.write.window * 10).await, Verdict::Keep);
        assert_eq!(after(&watch, limits.write.window).await, Verdict::Close);
        drop(part);
        assert_eq!(after(&watch, SECOND).await, Verdict::Keep);
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_connection_finishes_what_it_has() {
        let limits = ConnectionLimits::internal();
        let watch = Arc::new(Watch::new(Instant::now()));
        let request = watch.request(false);
        assert_eq!(after(&watch, limits.age).await, Verdict::Finish);
        watch.finishes(Instant::now());
        assert_eq!(after(&watch, limits.farewell * 2).await, Verdict::Keep);
        drop(request);
        assert_eq!(after(&watch, SECOND).await, Verdict::Close);
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_asked_anything_leaves_before_who_did() {
        let (new, used) = (Arc::new(Watch::new(Instant::now())), Arc::new(Watch::new(Instant::now())));
        let request = used.request(false);
        assert!(used.rank().is_none());
        drop(request);
        tokio::time::advance(SECOND).await;
        assert!(new.rank() < used.rank());
    }
}
