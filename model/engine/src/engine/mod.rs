//! The language-model engine: continuous batching over a paged cache, greedy and reproducible.
//!
//! Callers are ordinary threads that wait ([`Engine::generate_all`]). One thread of the engine
//! computes step after step; each step mixes the next token of every sequence that writes with a piece of the prompts
//! that are still to be read ([`plan`]). Sequences take turns by what was done for their payers ([`fair`]).
//!
//! What a request writes depends on its own tokens and rules alone: not on what else is in the batch, the number of
//! threads, the instruction set, guesses ([`draft`]) or a kept prefix.
//!
//! ```text
//! mod.rs        what callers see            weights.rs   a model's packed matrices
//! core.rs       the loop and its state      forward.rs   a batch through the model
//! plan.rs       what a step computes        arena.rs     keys and values, in pages
//! fair.rs       whose turn it is            pages.rs     which page is whose
//! sequence.rs   one sequence                draft.rs     guesses; repeat.rs: no loops
//! ```

mod arena;
mod calibrate;
mod core;
mod costs;
mod draft;
mod fair;
mod forward;
mod limits;
mod pages;
mod plan;
mod prefix;
mod repeat;
mod rig;
mod rules;
mod sequence;
mod settings;
mod shape;
mod speeds;
mod weights;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::JoinHandle;

use crate::control::Control;
use crate::error::{Error, LoadError};
use crate::payer::Payer;
use crate::threads::Threads;
use arena::Arena;
use core::{Core, Message};
use draft::Luck;
use limits::Limits;
use prefix::Ticket;
use sequence::{Goal, Sequence};

pub use fair::Clocks;
pub use rig::Rig;
pub use rules::{NoRepeat, Rules, Written};
pub use settings::{Drafts, Settings};
pub use speeds::Speeds;
pub use weights::Transformer;

/// A prompt and what is to be written after it.
pub struct Request<'a> {
    /// Token ids, at least one.
    pub prompt: Vec<u32>,
    /// Most tokens written, at least one.
    pub cap: usize,
    /// For whom.
    pub payer: Payer,
    /// Looked at before every step.
    pub control: Control,
    /// A kept prefix of the same payer; the part of the prompt that agrees with it is not computed again. The prompt is
    /// given whole all the same.
    pub prefix: Option<&'a Prefix>,
    /// What may be written.
    pub rules: Rules,
}

/// The keys and values of a prompt's beginning, kept until this is dropped. It belongs to one job: a prefix shared
/// between customers would tell one of them, by the time it takes, what another has sent.
///
/// When pages run short a prefix that nobody reads may be let go; requests with it then compute it again.
pub struct Prefix {
    ticket: Ticket,
    engine: Sender<Message>,
}

impl Drop for Prefix {
    fn drop(&mut self) {
        // Without an engine there is nothing to forget.
        let _ = self.engine.send(Message::Forget(self.ticket.number));
    }
}

/// A model that serves many callers at once.
pub struct Engine {
    sender: Sender<Message>,
    thread: Option<JoinHandle<()>>,
    limits: Limits,
    speeds: Arc<Speeds>,
    cache_bytes: usize,
}

impl Engine {
    /// Measure the model's speed with a short run and start the engine's thread.
    ///
    /// # Errors
    /// [`LoadError::Unusable`] where the system gives no thread, or the measurement fails.
    pub fn new(model: Transformer, threads: Threads, settings: &Settings) -> Result<Self, LoadError> {
        let unusable = |reason: &dyn std::fmt::Display| LoadError::unusable("language model", reason);
        let cache_bytes = settings.pages(&model.shape) as usize * Arena::page_bytes(&model.shape);
        let mut core = Core::new(model, threads, settings);
        core.calibrate().map_err(|error| unusable(&error))?;
        let (limits, speeds) = (core.limits(), core.speeds());
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new().name("precis-decode".into());
        let thread = thread.spawn(move || core.serve(&receiver)).map_err(|error| unusable(&error))?;
        Ok(Self { sender, thread: Some(thread), limits, speeds, cache_bytes })
    }

    /// Write the continuation of one prompt, as [`Engine::generate_all`].
    #[cfg(test)]
    pub fn generate(&self, request: Request<'_>) -> Result<Written, Error> {
        self.submit(request, &Arc::default())?.wait()
    }

    /// Write the continuations of several prompts side by side; they come back in the order given. Blocks the calling
    /// thread. If one fails the others are called off.
    ///
    /// # Errors
    /// The first failure: [`Error::Cancelled`] and [`Error::Deadline`] as a control asks; [`Error::Internal`] for a prompt
    /// that is empty, has an unknown token or is, with its cap, longer than the model's context or the whole cache.
    pub fn generate_all(&self, requests: Vec<Request<'_>>) -> Result<Vec<Written>, Error> {
        let abandoned = Arc::<AtomicBool>::default();
        let submitted: Vec<_> = requests.into_iter().map(|request| self.submit(request, &abandoned)).collect();
        let mut outcome = Ok(Vec::with_capacity(submitted.len()));
        for pending in submitted {
            // All are waited for, also after a failure: nothing of this job is left in the engine when it returns.
            let result = pending.and_then(Pending::wait);
            match (&mut outcome, result) {
                (Ok(all), Ok(written)) => all.push(written),
                (Ok(_), Err(error)) => {
                    abandoned.store(true, Ordering::Relaxed);
                    outcome = Err(error);
                }
                (Err(_), _) => {}
            }
        }
        outcome
    }

    /// Read the beginning of prompts to come and keep what was computed.
    ///
    /// # Errors
    /// As [`Engine::generate_all`].
    pub fn prefix(&self, ids: Vec<u32>, payer: Payer, control: Control) -> Result<Prefix, Error> {
        let ticket = Ticket::next(payer);
        let goal = Goal::Keep(ticket.number);
        // Dropped on failure too: whatever was kept by then is let go.
        let prefix = Prefix { ticket, engine: self.sender.clone() };
        self.queue(Sequence::new(ids, 0, (payer, control), goal), &Arc::default())?.wait()?;
        Ok(prefix)
    }

    /// Bytes that the cache of keys and values can grow to.
    pub fn cache_bytes(&self) -> usize {
        self.cache_bytes
    }

    /// The speed seen.
    pub fn speeds(&self) -> &Speeds {
        &self.speeds
    }

    fn submit(&self, request: Request<'_>, abandoned: &Arc<AtomicBool>) -> Result<Pending, Error> {
        let Request { prompt, cap, payer, control, prefix, rules } = request;
        let mut sequence =
            Sequence::new(prompt, cap.max(1), (payer, control), Goal::Write(Box::new(rules), Luck::new()));
        sequence.prefix = prefix.map(|prefix| &prefix.ticket).filter(|ticket| ticket.payer == payer).map(|t| t.number);
        self.queue(sequence, abandoned)
    }

    fn queue(&self, mut sequence: Sequence, abandoned: &Arc<AtomicBool>) -> Result<Pending, Error> {
        self.limits.check(&sequence)?;
        let (reply, outcome) = sync_channel(1);
        sequence.reply = Some(reply);
        sequence.abandoned = Arc::clone(abandoned);
        self.sender.send(Message::Begin(Box::new(sequence))).map_err(Error::internal("engine"))?;
        Ok(Pending(outcome))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.sender.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            // Its panics are caught step by step; there is nothing to report here.
            let _ = thread.join();
        }
    }
}

/// An answer that is waited for.
struct Pending(Receiver<Result<Written, Error>>);

impl Pending {
    fn wait(self) -> Result<Written, Error> {
        self.0.recv().unwrap_or(Err(Error::Internal("engine")))
    }
}

#[cfg(test)]
mod tests;
