//! The loop: take what comes, drop what must stop, let in what fits, compute a step, hand out its tokens.
//!
//! A sequence holds all the pages it can need from the moment it is let in, so nothing that runs can run out; what does
//! not fit waits, and nobody overtakes it for want of pages.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Instant;

use precis_kernels::PAGE;

use super::arena::Arena;
use super::costs::Costs;
use super::draft::{Luck, MAX_DRAFT};
use super::fair::Clocks;
use super::forward::{Buffers, Span};
use super::limits::Limits;
use super::pages::pages_for;
use super::plan::{self, View};
use super::sequence::{Logits, Sequence};
use super::settings::{Drafts, Settings};
use super::weights::Transformer;
use crate::error::Error;
use crate::rules::Written;
use crate::speeds::Speeds;
use crate::threads::Threads;

/// Most sequences that write in a step with guesses: beyond that the batch itself keeps the products busy.
const MAX_WRITING_WITH_GUESSES: usize = 4;

/// What callers tell the engine.
pub(super) enum Message {
    /// A sequence to be queued.
    Begin(Box<Sequence>),
    /// The engine ends; no caller waits any more.
    Stop,
}

/// The state of an engine.
pub(super) struct Core {
    pub(super) model: Transformer,
    pub(super) threads: Threads,
    pub(super) arena: Arena,
    pub(super) buffers: Buffers,
    pub(super) costs: Costs,
    pub(super) speeds: Arc<Speeds>,
    batch: usize,
    drafts: Drafts,
    clocks: Clocks,
    waiting: Vec<Sequence>,
    running: Vec<Sequence>,
    arrived: u64,
}

impl Core {
    pub(super) fn new(model: Transformer, threads: Threads, settings: &Settings) -> Self {
        let arena = Arena::new(&model.shape, settings.pages(&model.shape));
        Self {
            model,
            threads,
            arena,
            buffers: Buffers::default(),
            costs: Costs::measured(&[]),
            speeds: Arc::default(),
            batch: settings.batch.max(1),
            drafts: settings.drafts,
            clocks: Clocks::default(),
            waiting: Vec::new(),
            running: Vec::new(),
            arrived: 0,
        }
    }

    /// What a request may ask for.
    pub(super) fn limits(&self) -> Limits {
        let positions = self.model.shape.positions.min(self.arena.total() * PAGE);
        Limits { positions, vocabulary: self.model.shape.vocabulary }
    }

    pub(super) fn speeds(&self) -> Arc<Speeds> {
        Arc::clone(&self.speeds)
    }

    /// Serve callers until told to stop.
    pub(super) fn serve(mut self, messages: &Receiver<Message>) {
        loop {
            let message = if self.is_idle() {
                messages.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                messages.try_recv()
            };
            match message {
                Ok(Message::Stop) | Err(TryRecvError::Disconnected) => return,
                Ok(message) => self.hear(message),
                Err(TryRecvError::Empty) => self.turn(),
            }
        }
    }

    pub(super) fn hear(&mut self, message: Message) {
        match message {
            Message::Begin(mut sequence) => {
                sequence.order = self.arrived;
                self.arrived += 1;
                self.clocks.enter(sequence.payer);
                self.waiting.push(*sequence);
            }
            Message::Stop => {}
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// One round: whatever must stop stops, whatever fits is let in, and all that run take a step.
    pub(super) fn turn(&mut self) {
        self.stop_what_must();
        while self.admit() {}
        self.guess();
        let rows = plan::plan(&self.views());
        self.step(&rows);
        if self.is_idle() {
            self.buffers.wipe();
        }
    }

    fn stop_what_must(&mut self) {
        for index in (0..self.waiting.len()).rev() {
            if let Err(error) = self.waiting[index].check() {
                let sequence = self.waiting.remove(index);
                self.end(sequence, Err(error));
            }
        }
        for index in (0..self.running.len()).rev() {
            if let Err(error) = self.running[index].check() {
                let sequence = self.running.remove(index);
                self.end(sequence, Err(error));
            }
        }
    }

    /// Let the next sequence in; whether there was one and it fits.
    fn admit(&mut self) -> bool {
        let is_full = self.running.len() >= self.batch;
        let has_guest_place = self.running.len() < 2 * self.batch;
        let waiting = self.waiting.iter().map(|sequence| {
            let is_alone = || self.running.iter().all(|running| running.payer != sequence.payer);
            let may_run = !is_full || (has_guest_place && is_alone());
            (self.clocks.turn(sequence.payer), sequence.order, may_run)
        });
        let Some(index) = plan::next(waiting) else { return false };
        let Some(pages) = self.arena.take(pages_for(self.waiting[index].positions())) else { return false };
        let mut sequence = self.waiting.remove(index);
        sequence.pages = pages;
        self.running.push(sequence);
        true
    }

    /// Let every sequence that writes guess, while there are few.
    fn guess(&mut self) {
        let writing = self.running.iter().filter(|sequence| sequence.is_writing()).count();
        let (drafts, costs) = (self.drafts, &self.costs);
        let length = |luck: &mut Luck| match drafts {
            Drafts::Fixed(length) => length.min(MAX_DRAFT),
            Drafts::Adaptive if writing > MAX_WRITING_WITH_GUESSES => 0,
            Drafts::Adaptive => luck.length(|more| costs.of(writing + more)),
        };
        self.running.iter_mut().for_each(|sequence| sequence.guess(length));
    }

    fn views(&self) -> Vec<View> {
        let view = |sequence: &Sequence| View {
            turn: self.clocks.turn(sequence.payer),
            order: sequence.order,
            need: sequence.need(),
        };
        self.running.iter().map(view).collect()
    }

    /// Threads `rows[i]` tokens of the i-th running sequence, and hand out what comes of it.
    fn step(&mut self, rows: &[usize]) {
        let started = Instant::now();
        for (sequence, count) in self.running.iter_mut().zip(rows) {
            sequence.append_draft();
            self.arena.touch(&sequence.pages, sequence.read, sequence.read + count);
        }
        let (wanted, outcome) = self.compute(rows);
        self.running.iter_mut().for_each(Sequence::remove_draft);
        if outcome.is_err() {
            self.fail(rows);
            return;
        }
        self.observe(rows, started.elapsed());
        self.distribute(rows, &wanted);
    }

    /// How many rows of logits each sequence gets; an error if the computation panicked.
    fn compute(&mut self, rows: &[usize]) -> (Vec<usize>, Result<(), ()>) {
        let Self { model, threads, arena, buffers, running, .. } = self;
        let wanted: Vec<usize> = running.iter().zip(rows).map(|(sequence, count)| sequence.wanted(*count)).collect();
        let parts = running.iter().zip(rows).zip(&wanted).filter(|((_, count), _)| **count > 0);
        let spans: Vec<Span<'_>> = parts
            .map(|((sequence, count), wanted)| Span {
                ids: &sequence.ids[sequence.read..sequence.read + count],
                position: sequence.read,
                pages: &sequence.pages,
                wanted: *wanted,
            })
            .collect();
        // Nothing of a step is used after it has panicked but the pages, which are wiped.
        let work = AssertUnwindSafe(|| {
            if !spans.is_empty() {
                model.step(threads, arena, &spans, buffers);
            }
        });
        let outcome = catch_unwind(work).map_err(|_| ());
        (wanted, outcome)
    }

    /// The step panicked: whoever was in it cannot go on, everybody else can.
    fn fail(&mut self, rows: &[usize]) {
        self.buffers.wipe();
        self.buffers = Buffers::default();
        for index in (0..rows.len()).rev().filter(|index| rows[*index] > 0) {
            let sequence = self.running.remove(index);
            self.end(sequence, Err(Error::Internal("panic")));
        }
    }

    /// Let every sequence take its tokens from the logits, and end those that are done.
    fn distribute(&mut self, rows: &[usize], wanted: &[usize]) {
        let (vocabulary, isa) = (self.model.shape.vocabulary, self.threads.isa);
        let mut logits = self.buffers.logits(wanted.iter().sum::<usize>() * vocabulary);
        let mut ended = Vec::new();
        for (index, sequence) in self.running.iter_mut().enumerate() {
            let (own, rest) = logits.split_at_mut(wanted[index] * vocabulary);
            logits = rest;
            if rows[index] > 0 {
                self.clocks.serve(sequence.payer, rows[index]);
                let outcome = sequence.advance(rows[index], &mut Logits { rows: own, vocabulary, isa });
                ended.extend(outcome.map(|outcome| (index, outcome)));
            }
        }
        for (index, outcome) in ended.into_iter().rev() {
            let sequence = self.running.remove(index);
            self.end(sequence, outcome);
        }
    }

    /// A sequence has ended: its pages are wiped, then whoever waits hears of it.
    fn end(&mut self, mut sequence: Sequence, outcome: Result<Written, Error>) {
        self.arena.release(&std::mem::take(&mut sequence.pages));
        self.clocks.leave(sequence.payer);
        sequence.answer(outcome);
    }

    fn observe(&mut self, rows: &[usize], took: std::time::Duration) {
        let (prompt, writing) = self.running.iter().zip(rows).filter(|(_, rows)| **rows > 0).fold(
            (0, 0),
            |(prompt, writing), (sequence, rows)| {
                if sequence.is_writing() { (prompt, writing + 1) } else { (prompt + rows, writing) }
            },
        );
        match (prompt, writing) {
            (0, _) => {
                let all = rows.iter().sum();
                self.costs.observe(all, took);
                self.speeds.wrote(writing, took);
            }
            (_, 0) => self.speeds.read(prompt, took),
            // What a mixed step says of either is not known.
            _ => {}
        }
    }

    /// Whether nothing of any customer is left.
    #[cfg(test)]
    pub(super) fn is_clean(&mut self) -> bool {
        self.is_idle() && self.arena.is_clean() && self.buffers.is_clean()
    }
}
