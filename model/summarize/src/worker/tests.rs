#![allow(clippy::unwrap_used, clippy::panic)]
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::*;
use crate::{Control, Payer};

/// A worker whose jobs do what their text says.
struct Stage {
    worker: Worker<String>,
    script: Script,
    started: Receiver<()>,
    release: Sender<()>,
}

/// State that the jobs of a stage share.
#[derive(Clone)]
struct Script {
    started: Sender<()>,
    release: Arc<Mutex<Receiver<()>>>,
}

impl Script {
    fn job(&self, text: &str, control: Control) -> Job<String> {
        let (script, text) = (self.clone(), text.to_owned());
        let work: Work<String> = Box::new(move |control| {
            match text.as_str() {
                "panic" => panic!("on purpose"),
                "wait" => {
                    script.started.send(()).unwrap();
                    script.release.lock().unwrap().recv().unwrap();
                }
                _ => {}
            }
            control.check()?;
            Ok(text)
        });
        Job { work, control, payer: Payer::default() }
    }
}

fn stage(queue: usize, concurrency: usize) -> Stage {
    let (started_in, started) = channel();
    let (release, release_out) = channel();
    let script = Script { started: started_in, release: Arc::new(Mutex::new(release_out)) };
    Stage { worker: Worker::spawn(queue, concurrency), script, started, release }
}

fn reserve(worker: &Worker<String>) -> Option<Permit<String>> {
    worker.try_reserve(Duration::ZERO, Duration::ZERO)
}

impl Stage {
    /// What submits jobs of a payer by their text, and where they are heard of in the order in which they end.
    fn payers(&self) -> (impl Fn(&str, u8) + '_, Receiver<Result<String, Error>>) {
        let (ended, ends) = channel();
        let give = move |text: &str, payer: u8| {
            let ended = ended.clone();
            let done = move |result| ended.send(result).unwrap();
            let job = Job { payer: Payer([payer; 32]), ..self.script.job(text, Control::new()) };
            reserve(&self.worker).unwrap().submit(job, Box::new(done));
        };
        (give, ends)
    }
}

fn submit(permit: Permit<String>, job: Job<String>) -> Receiver<Result<String, Error>> {
    let (sender, receiver) = channel();
    permit.submit(job, Box::new(move |result| sender.send(result).unwrap()));
    receiver
}

#[test]
fn a_full_queue_gives_no_permit_and_a_finished_job_gives_its_place_back() {
    let Stage { worker, script, started, release } = stage(2, 1);
    let running = submit(reserve(&worker).unwrap(), script.job("wait", Control::new()));
    started.recv().unwrap();
    let second = reserve(&worker).unwrap();
    assert!(reserve(&worker).is_none());
    drop(second);
    assert_eq!(worker.free(), 1);
    release.send(()).unwrap();
    assert_eq!(running.recv().unwrap(), Ok("wait".to_owned()));
    assert_eq!(worker.free(), 2);
}

#[test]
fn a_panic_ends_its_job_and_not_the_worker() {
    let Stage { worker, script, .. } = stage(1, 1);
    let panicked = submit(reserve(&worker).unwrap(), script.job("panic", Control::new()));
    assert_eq!(panicked.recv().unwrap(), Err(Error::Internal("panic")));
    let loud: Done<String> = Box::new(|_| panic!("on purpose"));
    reserve(&worker).unwrap().submit(script.job("x", Control::new()), loud);
    let permit = loop {
        if let Some(permit) = reserve(&worker) {
            break permit;
        }
        std::thread::yield_now();
    };
    assert_eq!(submit(permit, script.job("after", Control::new())).recv().unwrap(), Ok("after".to_owned()));
}

#[test]
fn cancelled_and_late_jobs_do_not_run() {
    let Stage { worker, script, .. } = stage(2, 1);
    let control = Control::new();
    control.canceller().cancel();
    let cancelled = submit(reserve(&worker).unwrap(), script.job("panic", control));
    assert_eq!(cancelled.recv().unwrap(), Err(Error::Cancelled));
    let late = Control::new().with_deadline(Instant::now());
    assert_eq!(submit(reserve(&worker).unwrap(), script.job("panic", late)).recv().unwrap(), Err(Error::Deadline));
}

#[test]
fn a_dropped_worker_answers_the_jobs_that_wait() {
    let Stage { worker, script, started, release } = stage(3, 1);
    let running = submit(reserve(&worker).unwrap(), script.job("wait", Control::new()));
    started.recv().unwrap();
    let waiting = submit(reserve(&worker).unwrap(), script.job("next", Control::new()));
    let permit = reserve(&worker).unwrap();
    drop(worker);
    release.send(()).unwrap();
    assert_eq!(running.recv().unwrap(), Ok("wait".to_owned()));
    assert_eq!(waiting.recv().unwrap(), Err(Error::Cancelled));
    assert_eq!(submit(permit, script.job("late", Control::new())).recv().unwrap(), Err(Error::Cancelled));
}

#[test]
fn a_job_that_is_given_up_makes_room_at_once_and_one_that_runs_is_not_touched() {
    let Stage { worker, script, started, release } = stage(2, 1);
    let (ended, ends) = channel();
    let give = |permit: Permit<String>, text: &str| {
        let ended = ended.clone();
        let done = move |result| ended.send(result).unwrap();
        permit.submit(script.job(text, Control::new()), Box::new(done))
    };
    let running = give(reserve(&worker).unwrap(), "wait");
    started.recv().unwrap();
    let waiting = give(reserve(&worker).unwrap(), "next");
    assert!(reserve(&worker).is_none());
    waiting.give_up();
    assert_eq!(ends.recv().unwrap(), Err(Error::Cancelled));
    let again = reserve(&worker).unwrap();
    running.give_up();
    release.send(()).unwrap();
    assert_eq!(ends.recv().unwrap(), Ok("wait".to_owned()));
    give(again, "after");
    assert_eq!(ends.recv().unwrap(), Ok("after".to_owned()));
}

#[test]
fn jobs_run_side_by_side_up_to_the_concurrency() {
    let Stage { worker, script, started, release } = stage(3, 2);
    let running: Vec<_> =
        (0..3).map(|_| submit(reserve(&worker).unwrap(), script.job("wait", Control::new()))).collect();
    started.recv().unwrap();
    started.recv().unwrap();
    assert!(started.try_recv().is_err(), "the third waits for a thread");
    (0..3).for_each(|_| release.send(()).unwrap());
    for ended in running {
        assert_eq!(ended.recv().unwrap(), Ok("wait".to_owned()));
    }
}

#[test]
fn a_payer_who_fills_all_threads_does_not_hold_up_another() {
    let stage = stage(8, 2);
    let (give, ends) = stage.payers();
    (0..2).for_each(|_| give("wait", 1));
    (0..2).for_each(|_| stage.started.recv().unwrap());
    give("many", 1);
    give("single", 2);
    assert_eq!(ends.recv().unwrap(), Ok("single".to_owned()));
    assert!(ends.try_recv().is_err(), "the other payer's third waits for a thread");
    (0..2).for_each(|_| stage.release.send(()).unwrap());
    assert_eq!((0..3).filter(|_| ends.recv().unwrap() == Ok("many".to_owned())).count(), 1);
}

#[test]
fn a_payer_with_many_jobs_does_not_delay_another_s_single_one() {
    let stage = stage(8, 1);
    let (give, ends) = stage.payers();
    give("wait", 1);
    stage.started.recv().unwrap();
    (0..5).for_each(|number| give(&format!("many {number}"), 1));
    give("single", 2);
    stage.release.send(()).unwrap();
    let order: Vec<_> = (0..7).map(|_| ends.recv().unwrap().unwrap()).collect();
    assert_eq!(order[..3], ["wait", "single", "many 0"]);
    assert_eq!(order[6], "many 4");
}

#[test]
fn a_thread_that_has_ended_is_told() {
    let Stage { worker, .. } = stage(2, 2);
    assert!(worker.is_alive());
    drop(worker.queue.stop());
    let until = Instant::now() + Duration::from_secs(60);
    while worker.is_alive() && Instant::now() < until {
        std::thread::yield_now();
    }
    assert!(!worker.is_alive());
}
