//! The loop, turned by hand: no thread, no clock.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use precis_kernels::PAGE;

use super::super::core::{Core, Message};
use super::super::sequence::Sequence;
use super::*;

type Outcome = Receiver<Result<Written, Error>>;

fn core(pages: usize, batch: usize) -> Core {
    let model = model(&synthetic::Shape::tiny_llama());
    let bytes = (pages * PAGE * model.shape.position_bytes()) as u64;
    let settings = Settings { batch, cache_bytes: Some(bytes), drafts: Drafts::Fixed(0) };
    Core::new(model, plain(), &settings)
}

fn begin(core: &mut Core, request: Request) -> Outcome {
    let mut sequence = Sequence::new(request);
    let (reply, outcome) = sync_channel(1);
    sequence.reply = Some(reply);
    core.hear(Message::Begin(Box::new(sequence)));
    outcome
}

fn of(payer: u8, length: usize, cap: usize) -> Request {
    Request { payer: Payer([payer; 32]), ..request(prompt(length, payer.into()), cap) }
}

fn turns(core: &mut Core, outcome: &Outcome) -> usize {
    (1..10_000)
        .find(|_| {
            core.turn();
            outcome.try_recv().is_ok()
        })
        .unwrap()
}

#[test]
fn a_cancelled_sequence_frees_its_pages_at_once_and_they_are_wiped() {
    let mut core = core(20, 4);
    let control = Control::new();
    let outcome = begin(&mut core, Request { control: control.clone(), ..of(1, 700, 100) });
    core.turn();
    assert!(!core.is_clean());
    control.canceller().cancel();
    core.turn();
    assert_eq!(outcome.recv().unwrap(), Err(Error::Cancelled));
    assert!(core.is_clean());
}

#[test]
fn a_late_sequence_stops_whether_it_runs_or_waits() {
    let mut core = core(16, 1);
    let running = begin(&mut core, of(1, 500, 100));
    core.turn();
    let control = Control::new().with_deadline(Instant::now());
    let waiting = begin(&mut core, Request { control, ..of(1, 500, 100) });
    core.turn();
    assert_eq!(waiting.recv().unwrap(), Err(Error::Deadline));
    assert!(running.try_recv().is_err());
}

#[test]
fn what_does_not_fit_waits_for_pages_and_runs_when_there_are_some() {
    // The cache is at least of the usual size: 16 pages, and one of these takes 10.
    let mut core = core(16, 8);
    let outcomes: Vec<_> = (0..3).map(|_| begin(&mut core, of(1, 600, 8))).collect();
    for outcome in &outcomes {
        turns(&mut core, outcome);
    }
    assert!(core.is_clean());
}

#[test]
fn one_payer_with_many_jobs_does_not_delay_another_by_more_than_a_pass() {
    let mut single = core(200, 4);
    let outcome = begin(&mut single, of(2, 300, 16));
    let pass = turns(&mut single, &outcome);
    let mut busy = core(200, 4);
    let many: Vec<_> = (0..40).map(|_| begin(&mut busy, of(1, 300, 16))).collect();
    (0..30).for_each(|_| busy.turn());
    let outcome = begin(&mut busy, of(2, 300, 16));
    // Its prompt is read in smaller pieces beside those that write: 300 tokens in three steps.
    assert!(turns(&mut busy, &outcome) <= pass + 3);
    assert!(many.iter().filter(|outcome| outcome.try_recv().is_ok()).count() < 40);
}

#[test]
fn a_panic_in_a_rule_ends_its_own_sequence_alone() {
    let mut core = core(40, 4);
    let rules = Rules { stop: Some(Box::new(|_| std::panic::panic_any("on purpose"))), ..Rules::default() };
    let bad = begin(&mut core, Request { rules, ..of(1, 20, 8) });
    let good = begin(&mut core, of(2, 20, 8));
    turns(&mut core, &good);
    assert_eq!(bad.recv().unwrap(), Err(Error::Internal("panic")));
    assert!(core.is_clean());
}

#[test]
fn a_panic_in_a_step_ends_the_sequences_in_it_and_not_the_engine() {
    let mut core = core(40, 4);
    // A token that does not exist: the engine would have refused it before it is queued.
    let bad = begin(&mut core, Request { prompt: vec![1_000_000], ..of(1, 1, 8) });
    core.turn();
    assert_eq!(bad.recv().unwrap(), Err(Error::Internal("panic")));
    let good = begin(&mut core, of(2, 20, 8));
    turns(&mut core, &good);
    assert!(core.is_clean());
}

#[test]
fn requests_that_cannot_be_are_refused_before_they_are_queued() {
    let settings = Settings { drafts: Drafts::Fixed(0), ..Settings::default() };
    let engine = Engine::new(model(&synthetic::Shape::tiny_llama()), plain(), &settings).unwrap();
    assert_eq!(engine.generate(request(vec![], 4)), Err(Error::Internal("context")));
    assert_eq!(engine.generate(request(prompt(1000, 1), 26)), Err(Error::Internal("context")));
    assert!(engine.generate(request(prompt(1000, 1), 25)).is_ok());
    assert_eq!(engine.generate(request(vec![320], 4)), Err(Error::Internal("vocabulary")));
    let late = Control::new().with_deadline(Instant::now());
    let both = vec![request(prompt(9, 1), 400), Request { control: late, ..request(prompt(9, 1), 4) }];
    assert_eq!(engine.generate_all(both), Err(Error::Deadline));
}
