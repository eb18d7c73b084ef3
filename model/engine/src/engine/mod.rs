//! The language-model engine: continuous batching over a paged cache, greedy and reproducible.
//!
//! Callers are ordinary threads that wait ([`Backend::generate_all`]). One thread of the engine
//! computes step after step; each step mixes the next token of every sequence that writes with a piece of the prompts
//! that are still to be read ([`plan`]). Sequences take turns by what was done for their payers ([`fair`]).
//!
//! What a request writes depends on its own tokens and rules alone: not on what else is in the batch, the number of
//! threads, the instruction set or guesses ([`draft`]).
//!
//! ```text
//! mod.rs        what callers see            weights.rs   a model's packed matrices
//! core.rs       the loop and its state      forward.rs   a batch through the model
//! plan.rs       what a step computes        arena.rs     keys and values, in pages
//! fair.rs       whose turn it is            pages.rs     which page is whose
//! sequence.rs   one sequence                draft.rs     guesses
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
mod rig;
mod sequence;
mod settings;
mod shape;
mod weights;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread::JoinHandle;

use crate::backend::{Answer, Backend, together};
use crate::error::{Error, LoadError};
use crate::request::Request;
use crate::rules::Written;
use crate::speeds::Speeds;
use crate::threads::Threads;
use arena::Arena;
use core::{Core, Message};
use limits::Limits;
use sequence::Sequence;

pub use fair::Clocks;
pub use rig::Rig;
pub use settings::{Drafts, Settings};
pub use weights::Transformer;

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

    /// Write the continuation of one prompt, as [`Backend::generate_all`].
    #[cfg(test)]
    pub fn generate(&self, request: Request) -> Result<Written, Error> {
        self.generate_all(vec![request]).map(|mut all| all.remove(0))
    }

    fn submit(&self, request: Request, abandoned: &Arc<AtomicBool>) -> Result<Answer, Error> {
        let mut sequence = Sequence::new(request);
        self.limits.check(&sequence)?;
        let (reply, outcome) = sync_channel(1);
        sequence.reply = Some(reply);
        sequence.abandoned = Arc::clone(abandoned);
        self.sender.send(Message::Begin(Box::new(sequence))).map_err(Error::internal("engine"))?;
        Ok(outcome)
    }
}

impl Backend for Engine {
    fn name(&self) -> &'static str {
        "precis"
    }

    /// Write the continuations side by side.
    fn generate_all(&self, requests: Vec<Request>) -> Result<Vec<Written>, Error> {
        together(requests, |request, abandoned| self.submit(request, abandoned))
    }

    fn speeds(&self) -> &Speeds {
        &self.speeds
    }

    fn positions(&self) -> usize {
        self.limits.positions
    }

    fn cache_bytes(&self) -> usize {
        self.cache_bytes
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

#[cfg(test)]
mod tests;
