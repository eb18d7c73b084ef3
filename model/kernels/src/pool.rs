//! A pool of threads for short parallel regions: spinning briefly, then parked, never more running than were asked for.
//!
//! A region is open from the moment its caller publishes it until the caller itself finds no task left. Threads of the
//! pool that are awake enter it; one that wakes up late finds it closed and is not waited for. So a region never costs
//! more than its tasks, and a wake-up that is slow costs no more than its thread's help.

#![allow(unsafe_code)]

mod queue;

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use queue::Queue;

/// How long a thread without work spins before it parks: longer than the serial stretches between regions of a layer.
const SPIN: Duration = Duration::from_micros(60);
/// Pauses between two looks at the clock.
const PAUSES: u32 = 32;
/// Chunks per thread in [`Pool::rows`]: enough to even out what the system takes away from a thread.
const CHUNKS: usize = 4;

type Task<'a> = &'a (dyn Fn(usize) + Sync);

thread_local! {
    /// Whether this thread is inside a task, so that a nested region runs in place.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Threads that wait for regions. Dropping it ends and joins them.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// What the threads share, in cache lines of their own where they are written often.
struct Shared {
    state: Padded<AtomicU64>,
    next: Padded<AtomicUsize>,
    /// The region of the present caller; written by it while the state is closed and nobody is inside.
    region: UnsafeCell<Option<Region>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    sleepers: AtomicUsize,
    bed: Mutex<()>,
    bell: Condvar,
    stop: AtomicBool,
    callers: Queue,
}

// SAFETY: all fields but `region` are Sync. `region` is written by the one caller that `callers` serves, while the
// state is closed with nobody inside; it is read by threads that have entered, which orders the read after the write
// (release by opening, acquire by entering) and before the next write (release by leaving, acquire by the caller).
unsafe impl Sync for Shared {}
// SAFETY: the reference in `region` is to a Sync closure, used only between opening and the last thread's leaving.
unsafe impl Send for Shared {}

#[repr(align(128))]
struct Padded<T>(T);

#[derive(Clone, Copy)]
struct Region {
    task: Task<'static>,
    count: usize,
}

/// The state: how many threads are inside (low 31 bits), whether the region is open, and its number (high 32 bits).
const OPEN: u64 = 1 << 31;
const INSIDERS: u64 = OPEN - 1;

impl Pool {
    /// A pool of `threads` threads, of which the caller of [`Pool::run`] is one; zero counts as one.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(threads: usize) -> std::io::Result<Pool> {
        let shared = Arc::new(Shared {
            state: Padded(AtomicU64::new(0)),
            next: Padded(AtomicUsize::new(0)),
            region: UnsafeCell::new(None),
            panic: Mutex::new(None),
            sleepers: AtomicUsize::new(0),
            bed: Mutex::new(()),
            bell: Condvar::new(),
            stop: AtomicBool::new(false),
            callers: Queue::new(),
        });
        let mut pool = Pool { shared, workers: Vec::new() };
        for number in 1..threads {
            let shared = Arc::clone(&pool.shared);
            let thread = std::thread::Builder::new().name(format!("kernels-{number}"));
            // On an error the pool is dropped, which ends the threads that did start.
            pool.workers.push(thread.spawn(move || shared.work())?);
        }
        Ok(pool)
    }

    /// How many threads work on a region, the caller included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `task(i)` once for each `i` in `0..count`, in any order, on the pool's threads and this one; returns when
    /// all calls have. Callers from several threads are served one after the other, in order of arrival. A call from
    /// inside a task, of this pool or another, runs in place on its thread.
    ///
    /// # Panics
    /// When a task panics: tasks not yet begun are skipped, and when no thread is inside a task any more, the first
    /// panic is raised again here. The pool stays usable.
    pub fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) {
        if count == 0 {
            return;
        }
        if INSIDE.get() {
            return (0..count).for_each(task);
        }
        let _turn = self.shared.callers.enter();
        if count == 1 || self.workers.is_empty() {
            let _inside = Inside::enter();
            return (0..count).for_each(task);
        }
        self.shared.run(count, task);
    }

    /// Calls `task(row, values)` once for each row of `width` values of `data`, in parallel; neighbouring rows are
    /// handed out together.
    ///
    /// # Panics
    /// When `data` is not whole rows, or as [`Pool::run`] does.
    pub fn rows(&self, data: &mut [f32], width: usize, task: &(dyn Fn(usize, &mut [f32]) + Sync)) {
        if data.is_empty() {
            return;
        }
        assert!(width > 0 && data.len().is_multiple_of(width), "{} values are not rows of {width}", data.len());
        let rows = data.len() / width;
        let chunk = rows.div_ceil(self.threads() * CHUNKS);
        let base = Base(data.as_mut_ptr());
        self.run(rows.div_ceil(chunk), &|index| {
            for row in index * chunk..rows.min((index + 1) * chunk) {
                // SAFETY: row < rows, so the slice lies within `data`, which is borrowed exclusively until `run` has
                // returned; each row belongs to one index and each index is called once, so no two slices overlap.
                let values = unsafe { std::slice::from_raw_parts_mut(base.get().add(row * width), width) };
                task(row, values);
            }
        });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        {
            let _bed = lock(&self.shared.bed);
            self.shared.bell.notify_all();
        }
        for worker in self.workers.drain(..) {
            // A worker catches the panics of tasks; there is nothing to report here.
            let _ = worker.join();
        }
    }
}

impl Shared {
    /// One region, by the caller whose turn it is.
    fn run(&self, count: usize, task: Task<'_>) {
        // SAFETY: the lifetime is stretched only until this function returns, and it returns (or unwinds) only after
        // `close` has seen that every thread has left the region; nothing in between can unwind, as `drain` catches.
        let task = unsafe { std::mem::transmute::<Task<'_>, Task<'static>>(task) };
        let region = Region { task, count };
        self.next.0.store(0, Ordering::Relaxed);
        // SAFETY: the state is closed and nobody is inside, so that no other thread looks at the region (see Sync).
        unsafe { *self.region.get() = Some(region) };
        let number = (self.state.0.load(Ordering::Relaxed) >> 32).wrapping_add(1) & u64::from(u32::MAX);
        // Sequentially consistent together with `sleepers`: either a worker sees the open region or it is seen asleep.
        self.state.0.store(number << 32 | OPEN, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            let _bed = lock(&self.bed);
            self.bell.notify_all();
        }
        self.drain(region);
        self.close();
        let panic = lock(&self.panic).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Takes tasks until there are none. Does not unwind.
    fn drain(&self, region: Region) {
        let _inside = Inside::enter();
        let work = || {
            loop {
                let index = self.next.0.fetch_add(1, Ordering::Relaxed);
                if index >= region.count {
                    break;
                }
                (region.task)(index);
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            // Half of the range is out of reach of any count of tasks, and of the additions that follow.
            self.next.0.store(usize::MAX / 2, Ordering::Relaxed);
            match &mut *lock(&self.panic) {
                first @ None => *first = Some(panic),
                // Dropping it could panic in turn, out here where others still run the task.
                Some(_) => std::mem::forget(panic),
            }
        }
    }

    /// Closes the region and waits until no thread is inside.
    fn close(&self) {
        self.state.0.fetch_and(!OPEN, Ordering::AcqRel);
        let mut spins = 0_u32;
        while self.state.0.load(Ordering::Acquire) & INSIDERS != 0 {
            spins = spins.saturating_add(1);
            // The others are at their last task each; where one has lost its processor, give ours up.
            if spins < 2000 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }

    /// The life of a thread of the pool.
    fn work(&self) {
        let mut last = 0;
        while let Some(number) = self.await_region(last) {
            last = number;
            if !self.enter(number) {
                continue;
            }
            // SAFETY: this thread has entered the open region and not left, so that it is not written (see Sync).
            let region = unsafe { *self.region.get() };
            if let Some(region) = region {
                self.drain(region);
            }
            self.state.0.fetch_sub(1, Ordering::Release);
        }
    }

    /// Counts this thread in, unless region `number` has been closed in the meantime.
    fn enter(&self, number: u64) -> bool {
        let mut state = self.state.0.load(Ordering::Relaxed);
        while state >> 32 == number && state & OPEN != 0 {
            match self.state.0.compare_exchange_weak(state, state + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// The number of an open region other than `last`, or `None` when the pool ends.
    fn await_region(&self, last: u64) -> Option<u64> {
        let open = || {
            let state = self.state.0.load(Ordering::SeqCst);
            (state & OPEN != 0 && state >> 32 != last).then_some(state >> 32)
        };
        let start = Instant::now();
        loop {
            for _ in 0..PAUSES {
                if let Some(number) = open() {
                    return Some(number);
                }
                std::hint::spin_loop();
            }
            if self.stop.load(Ordering::SeqCst) {
                return None;
            }
            if start.elapsed() >= SPIN {
                break;
            }
        }
        let mut bed = lock(&self.bed);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let found = loop {
            if let Some(number) = open() {
                break Some(number);
            }
            if self.stop.load(Ordering::SeqCst) {
                break None;
            }
            bed = self.bell.wait(bed).unwrap_or_else(PoisonError::into_inner);
        };
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        found
    }
}

/// Marks this thread as inside a task, until dropped.
struct Inside(bool);

impl Inside {
    fn enter() -> Inside {
        Inside(INSIDE.replace(true))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.0);
    }
}

/// The start of a slice whose parts are handed to several threads.
pub(crate) struct Base<T>(pub(crate) *mut T);

// SAFETY: the pointer itself may be sent; what is done through it is justified where it is dereferenced.
unsafe impl<T> Send for Base<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Base<T> {}

impl<T> Clone for Base<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Base<T> {}

impl<T> Base<T> {
    /// By a method, so that a closure captures the wrapper and not the bare pointer.
    pub(crate) fn get(self) -> *mut T {
        self.0
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while one of these is held is impossible but for the caller's own; the values stay consistent.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
