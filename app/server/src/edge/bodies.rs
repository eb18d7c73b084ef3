//! Reads bodies under one budget of bytes, before a request gets any place.
//!
//! A body takes of the budget what has arrived of it, in steps. It must arrive at a pace and within a time. Where bodies or
//! bytes run out, the slowest one makes room; if none is slow, the newcomer is refused at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::buffer::{Budgeted, Buffer};
use super::limits::Limits;
use super::pace::{Floor, Pace};
use super::shares::{Share, Shares};
use super::source::Source;
use crate::error::{Class, Failure};

/// Steps in which a body takes of the budget, bytes.
const STEP_BYTES: usize = 64 * 1024;
/// How long a body waits for the bytes of one that makes room for it.
const ROOM: Duration = Duration::from_millis(500);
/// How long the rest of a body that is refused is read and forgotten.
const LINGER: Duration = Duration::from_secs(1);

/// All bodies that arrive.
pub struct Bodies {
    budget: Arc<Shares>,
    first_bytes: usize,
    floor: Floor,
    time: Duration,
    grace: Duration,
    most: usize,
    arriving: Mutex<Arriving>,
    /// Somebody made room.
    room: Notify,
}

#[derive(Default)]
struct Arriving {
    next: u64,
    bodies: HashMap<u64, Arc<Progress>>,
}

struct Progress {
    source: Source,
    since: Instant,
    bytes: AtomicUsize,
    make_room: Notify,
}

impl Bodies {
    /// None arrives yet.
    pub fn new(limits: &Limits) -> Self {
        Self {
            budget: Shares::new(limits.body_bytes),
            first_bytes: limits.first_bytes,
            floor: limits.body,
            time: limits.body_time,
            grace: limits.body_grace,
            most: limits.bodies,
            arriving: Mutex::default(),
            room: Notify::new(),
        }
    }

    /// Reads a body of at most `limit` bytes. The bytes keep their part of the budget for as long as anybody has them.
    ///
    /// # Errors
    /// 413, 408, 400, or 503 where there is no room.
    pub async fn read(
        &self,
        source: Source,
        headers: &HeaderMap,
        mut body: Body,
        limit: usize,
    ) -> Result<Bytes, Failure> {
        let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let outcome = self.try_read(source, &mut body, declared, limit).await;
        if let Err(failure) = &outcome
            && failure.class() != Class::BodyTimeout
            && !headers.contains_key(header::EXPECT)
        {
            // A peer that sends without asking would be cut off before it reads why.
            _ = timeout(LINGER, async { while let Some(Ok(_)) = body.frame().await {} }).await;
        }
        outcome
    }

    async fn try_read(
        &self,
        source: Source,
        body: &mut Body,
        declared: Option<u64>,
        limit: usize,
    ) -> Result<Bytes, Failure> {
        let declared = match declared.map(usize::try_from) {
            Some(Ok(0)) => return Ok(Bytes::new()),
            Some(Ok(length)) if length <= limit => length,
            Some(_) => return Err(Failure::new(Class::BodyTooLarge, "")),
            None => 0,
        };
        let seat = self.seat(source).ok_or_else(overloaded)?;
        let outcome = tokio::select! {
            biased;
            () = seat.progress.make_room.notified() => Err(overloaded()),
            outcome = self.fill(&seat, body, declared, limit) => outcome,
        };
        // Its bytes are free by now, if it was given up.
        self.room.notify_waiters();
        outcome
    }

    async fn fill(&self, seat: &Seat<'_>, body: &mut Body, declared: usize, limit: usize) -> Result<Bytes, Failure> {
        let started = Instant::now();
        let (mut pace, deadline) = (Pace::new(self.floor, started), started + self.time);
        let (mut buffer, mut share) = (Buffer::default(), None);
        loop {
            let frame = match timeout_at(pace.end().min(deadline), body.frame()).await {
                Ok(None) => return Ok(Bytes::from_owner(Budgeted::new(buffer, share))),
                Ok(Some(frame)) => frame.map_err(|_| Failure::new(Class::BadRequest, "the body ends too early"))?,
                Err(_) => {
                    let now = Instant::now();
                    if pace.is_too_slow(now) || now >= deadline {
                        return Err(Failure::new(Class::BodyTimeout, ""));
                    }
                    continue;
                }
            };
            let Ok(data) = frame.into_data() else { continue };
            let length = buffer.len() + data.len();
            if length > limit {
                return Err(Failure::new(Class::BodyTooLarge, ""));
            }
            self.afford(seat, &mut share, length).await?;
            buffer.extend(&data, declared).map_err(|why| Failure::internal("memory of a body", why))?;
            pace.moved(data.len());
            seat.progress.bytes.store(length, Ordering::Relaxed);
            // A window that ended while bytes came is judged too.
            if pace.is_too_slow(Instant::now()) {
                return Err(Failure::new(Class::BodyTimeout, ""));
            }
        }
    }

    /// Has `share` cover `length` bytes; where there are not so many, the slowest body makes room.
    async fn afford(&self, seat: &Seat<'_>, share: &mut Option<Share>, length: usize) -> Result<(), Failure> {
        let until = Instant::now() + ROOM;
        loop {
            let room = self.room.notified();
            if self.covers(seat, share, length) {
                return Ok(());
            }
            if Instant::now() >= until || !self.displace(seat.number) {
                return Err(overloaded());
            }
            // Too late is found out above.
            _ = timeout_at(until, room).await;
        }
    }

    fn covers(&self, seat: &Seat<'_>, share: &mut Option<Share>, length: usize) -> bool {
        let has = share.as_ref().map_or(0, Share::amount);
        let lacks = length.next_multiple_of(STEP_BYTES).saturating_sub(has);
        if lacks == 0 {
            return true;
        }
        match share {
            Some(share) => share.grow(lacks, self.first_bytes),
            None => {
                let kept = if length > STEP_BYTES { self.first_bytes } else { 0 };
                *share = self.budget.take(seat.progress.source, lacks, kept);
                share.is_some()
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Arriving> {
        self.arriving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for one more body; the slowest one leaves if all are taken.
    fn seat(&self, source: Source) -> Option<Seat<'_>> {
        let mut arriving = self.lock();
        if arriving.bodies.len() >= self.most && !leave(&mut arriving, self.grace, None) {
            return None;
        }
        let number = arriving.next;
        arriving.next += 1;
        let progress =
            Arc::new(Progress { source, since: Instant::now(), bytes: AtomicUsize::new(0), make_room: Notify::new() });
        arriving.bodies.insert(number, Arc::clone(&progress));
        Some(Seat { bodies: self, number, progress })
    }

    /// Has the slowest body leave, other than `newcomer`; whether there was one.
    fn displace(&self, newcomer: u64) -> bool {
        leave(&mut self.lock(), self.grace, Some(newcomer))
    }
}

/// Has the slowest body leave: of those that had their time of grace, of the source that has most of them, the one that
/// came with fewest bytes a second.
fn leave(arriving: &mut Arriving, grace: Duration, newcomer: Option<u64>) -> bool {
    let now = Instant::now();
    let mut seats: HashMap<Source, usize> = HashMap::new();
    for progress in arriving.bodies.values() {
        *seats.entry(progress.source).or_default() += 1;
    }
    let slow = arriving.bodies.iter().filter(|(number, progress)| {
        newcomer != Some(**number) && now.saturating_duration_since(progress.since) >= grace
    });
    let slowest = slow.min_by_key(|(number, progress)| {
        let milliseconds = now.saturating_duration_since(progress.since).as_millis().max(1);
        let rate = (progress.bytes.load(Ordering::Relaxed) as u128 * 1000) / milliseconds;
        (std::cmp::Reverse(seats.get(&progress.source).copied()), rate, **number)
    });
    let Some(number) = slowest.map(|(number, _)| *number) else { return false };
    if let Some(progress) = arriving.bodies.remove(&number) {
        progress.make_room.notify_one();
    }
    true
}

/// A body's place among those that arrive.
struct Seat<'a> {
    bodies: &'a Bodies,
    number: u64,
    progress: Arc<Progress>,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.bodies.lock().bodies.remove(&self.number);
    }
}

fn overloaded() -> Failure {
    Failure::new(Class::Overloaded, "")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::convert::Infallible;

    use futures::StreamExt as _;
    use futures::stream;

    use super::*;

    fn bodies(change: impl FnOnce(&mut Limits)) -> Bodies {
        let mut limits = Limits { bodies: 4, body_bytes: 4 << 20, first_bytes: 1 << 20, ..Limits::default() };
        change(&mut limits);
        Bodies::new(&limits)
    }

    fn source(number: u8) -> Source {
        Source::from(std::net::IpAddr::from([192, 0, 2, number]))
    }

    fn dripping(every: Duration, bytes: usize) -> Body {
        let drip = stream::repeat(vec![0_u8; bytes]).then(move |drop| async move {
            tokio::time::sleep(every).await;
            Ok::<_, Infallible>(drop)
        });
        Body::from_stream(drip)
    }

    fn stalled_after(bytes: usize) -> Body {
        let first = stream::iter([Ok::<_, Infallible>(vec![0_u8; bytes])]);
        Body::from_stream(first.chain(stream::pending()))
    }

    fn declaring(length: usize) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_LENGTH, length.into())])
    }

    async fn code(bodies: &Bodies, number: u8, body: Body) -> (&'static str, Duration) {
        let started = Instant::now();
        let outcome = bodies.read(source(number), &HeaderMap::new(), body, 8 << 20).await;
        (outcome.err().map_or("read", |failure| failure.code()), started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_or_drips_is_given_up_after_one_window() {
        let bodies = bodies(|_| ());
        let window = bodies.floor.window;
        for body in [stalled_after(0), stalled_after(100), dripping(Duration::from_secs(1), 1)] {
            let (outcome, after) = code(&bodies, 1, body).await;
            let in_time = after >= window && after <= window + Duration::from_secs(1);
            assert!(outcome == "body_timeout" && in_time, "{outcome} {after:?}");
        }
        // Fast enough in every window, and yet it never ends.
        let (endless, after) = code(&bodies, 1, dripping(Duration::from_secs(1), 10_000)).await;
        assert!(endless == "body_timeout" && after >= bodies.time, "{endless} {after:?}");
        assert_eq!((bodies.budget.used(), bodies.lock().bodies.len()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_are_paid_for_as_long_as_somebody_has_them() {
        let bodies = bodies(|_| ());
        let text = vec![7_u8; 300_000];
        let read = bodies.read(source(1), &declaring(300_000), Body::from(text.clone()), 1 << 20).await.unwrap();
        assert!(read == text && bodies.budget.used() >= 300_000);
        let slice = read.slice(10..20);
        drop(read);
        assert!(bodies.budget.used() >= 300_000);
        drop(slice);
        assert_eq!(bodies.budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_too_large_is_refused_by_its_word_and_by_its_bytes() {
        let bodies = bodies(|_| ());
        let announced = bodies.read(source(1), &declaring(101), stalled_after(0), 100).await;
        assert_eq!(announced.err().unwrap().code(), "body_too_large");
        let sent = bodies.read(source(1), &HeaderMap::new(), Body::from(vec![0_u8; 101]), 100).await;
        assert_eq!(sent.err().unwrap().code(), "body_too_large");
    }

    #[tokio::test(start_paused = true)]
    async fn the_slowest_body_makes_room_for_one_that_comes() {
        let bodies = Arc::new(bodies(|_| ()));
        let slow: Vec<_> = (0..4)
            .map(|number| {
                let bodies = Arc::clone(&bodies);
                tokio::spawn(async move { code(&bodies, 1, stalled_after(number * 100)).await.0 })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(code(&bodies, 2, Body::from("early")).await.0, "overloaded");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(code(&bodies, 2, Body::from("a body")).await.0, "read");
        let mut ends = Vec::new();
        for slow in slow {
            ends.push(slow.await.unwrap());
        }
        assert_eq!(ends, ["overloaded", "body_timeout", "body_timeout", "body_timeout"]);
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_hold_the_budget_and_stop_make_room_for_one_that_moves() {
        let bodies = Arc::new(bodies(|_| ()));
        let holding = Arc::clone(&bodies);
        let holding = tokio::spawn(async move { code(&holding, 1, stalled_after(3 << 20)).await.0 });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(bodies.budget.used() >= 3 << 20);
        assert_eq!(code(&bodies, 2, Body::from(vec![0; 2 << 20])).await.0, "read");
        assert_eq!(holding.await.unwrap(), "overloaded");
    }
}
