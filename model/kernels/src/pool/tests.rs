#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Barrier;

use super::*;

#[test]
fn every_task_runs_once_on_any_number_of_threads() {
    for threads in [0, 1, 2, 3, 8] {
        let pool = Pool::new(threads).unwrap();
        assert_eq!(pool.threads(), threads.max(1));
        for count in [0, 1, 2, 7, 100] {
            let calls: Vec<_> = (0..count).map(|_| AtomicUsize::new(0)).collect();
            pool.run(count, &|i| {
                calls[i].fetch_add(1, Ordering::Relaxed);
            });
            assert!(calls.iter().all(|calls| calls.load(Ordering::Relaxed) == 1));
        }
    }
}

#[test]
fn tasks_run_at_the_same_time() {
    let pool = Pool::new(3).unwrap();
    for _ in 0..20 {
        // Passes only when three threads are inside at once.
        let barrier = Barrier::new(3);
        pool.run(3, &|_| {
            barrier.wait();
        });
    }
}

#[test]
fn a_region_inside_a_task_runs_in_place() {
    let pool = Pool::new(2).unwrap();
    let other = Pool::new(2).unwrap();
    let sum = AtomicUsize::new(0);
    pool.run(4, &|_| {
        let me = std::thread::current().id();
        for inner in [&pool, &other] {
            inner.run(3, &|i| {
                assert_eq!(std::thread::current().id(), me);
                inner.run(1, &|_| ());
                sum.fetch_add(i, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(sum.into_inner(), 24);
}

#[test]
fn a_panic_comes_out_after_all_have_left_and_the_pool_lives_on() {
    for threads in [1, 2, 4] {
        let pool = Pool::new(threads).unwrap();
        for round in 0..50 {
            let inside = AtomicUsize::new(0);
            let caught = catch_unwind(AssertUnwindSafe(|| {
                pool.run(32, &|i| {
                    inside.fetch_add(1, Ordering::SeqCst);
                    let _leave = Leave(&inside);
                    assert_ne!(i, round % 32, "task {i}");
                });
            }));
            let message = *caught.unwrap_err().downcast::<String>().unwrap();
            assert!(message.contains(&format!("task {}", round % 32)));
            assert_eq!(inside.load(Ordering::SeqCst), 0);
        }
        let done = AtomicUsize::new(0);
        pool.run(10, &|_| {
            done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.into_inner(), 10);
    }
}

struct Leave<'a>(&'a AtomicUsize);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn callers_from_several_threads_are_served_one_after_the_other() {
    let pool = Pool::new(2).unwrap();
    let inside: [AtomicUsize; 4] = Default::default();
    std::thread::scope(|scope| {
        for caller in 0..inside.len() {
            let (pool, inside) = (&pool, &inside);
            scope.spawn(move || {
                for count in 1..200 {
                    let calls = AtomicUsize::new(0);
                    pool.run(count % 9 + 1, &|_| {
                        inside[caller].fetch_add(1, Ordering::SeqCst);
                        let others = (0..inside.len()).filter(|other| *other != caller);
                        assert!(others.map(|other| inside[other].load(Ordering::SeqCst)).all(|tasks| tasks == 0));
                        calls.fetch_add(1, Ordering::Relaxed);
                        inside[caller].fetch_sub(1, Ordering::SeqCst);
                    });
                    assert_eq!(calls.into_inner(), count % 9 + 1);
                }
            });
        }
    });
}

#[test]
fn a_panicking_caller_lets_the_next_one_pass() {
    let pool = Pool::new(2).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let _ = catch_unwind(AssertUnwindSafe(|| pool.run(4, &|i| assert_ne!(i, 2))));
                }
            });
        }
    });
    pool.run(4, &|_| ());
}

#[test]
fn dropping_ends_threads_that_spin_and_threads_that_are_parked() {
    for park in [false, true] {
        let pool = Pool::new(4).unwrap();
        pool.run(8, &|_| ());
        while park && pool.shared.sleepers.load(Ordering::SeqCst) < 3 {
            std::thread::yield_now();
        }
        let shared = Arc::downgrade(&pool.shared);
        drop(pool);
        assert!(shared.upgrade().is_none());
    }
}

#[test]
fn parked_threads_are_woken_for_a_region() {
    let pool = Pool::new(3).unwrap();
    for _ in 0..5 {
        while pool.shared.sleepers.load(Ordering::SeqCst) < 2 {
            std::thread::yield_now();
        }
        let barrier = Barrier::new(3);
        pool.run(3, &|_| {
            barrier.wait();
        });
    }
}

#[test]
fn rows_are_disjoint_and_complete() {
    let pool = Pool::new(2).unwrap();
    for (rows, width) in [(0, 0), (0, 3), (1, 5), (7, 3), (100, 1)] {
        let mut data = vec![0.0; rows * width];
        pool.rows(&mut data, width, &|row, values| {
            assert_eq!(values.len(), width);
            values.iter_mut().for_each(|value| *value += row as f32 + 1.0);
        });
        let expected: Vec<_> = (0..rows * width).map(|i| (i / width + 1) as f32).collect();
        assert_eq!(data, expected);
    }
}

#[test]
#[should_panic(expected = "not rows of")]
fn data_that_is_not_whole_rows_is_refused() {
    Pool::new(1).unwrap().rows(&mut [0.0; 5], 2, &|_, _| ());
}
