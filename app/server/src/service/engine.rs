//! The tasks that are sold, with their prices, and the worker that runs the models.

use std::sync::Arc;
use std::time::Duration;

use precis_protocol::price::Price;
use precis_protocol::request::parameters_digest;
use precis_protocol::task::TaskTerms;
use precis_protocol::{Digest, PerTask, Task};
use precis_summarize::Models;

use crate::edge::memory::Work;
use crate::error::{Class, Failure};
use crate::task::{Facts, OFFERINGS, PREDICTED_TOKENS};

/// Seconds that a job may have to wait for its turn.
const WAITING_SECONDS: u64 = 90;
/// Seconds that the settlement of a job may take, on a slow block.
pub(crate) const SETTLEMENT_SECONDS: u64 = 30;
/// Longest timeout that is quoted: authorizations that live longer are not signed by careful clients.
const LONGEST_TIMEOUT_SECONDS: u64 = 3600;
/// Timeouts are quoted in steps of this many seconds, so that a quote and its payment name the same one.
const TIMEOUT_STEP_SECONDS: u64 = 60;

/// A place in the queue of the models.
pub type Permit = precis_summarize::Permit<Vec<u8>>;

/// A task with its model, and what it costs here.
pub struct Known {
    /// Facts of task and model.
    pub facts: Facts,
    /// Digest of the parameters (SPEC 7.3).
    pub parameters_digest: Digest,
    /// Seconds of work for a short input and for [`PREDICTED_TOKENS`]: asked once, so that the timeout is a function of the
    /// token count alone.
    seconds: (u64, u64),
    /// Jobs that share the machine at a time.
    side_by_side: u64,
}

impl Known {
    fn new(facts: Facts, side_by_side: u64) -> Self {
        let (short, long) = facts.predicted;
        let seconds = (short.as_secs(), long.as_secs().max(short.as_secs()) + 1);
        Self { parameters_digest: digest_of(&facts.parameters), facts, seconds, side_by_side }
    }

    /// Seconds that the work should take by the speed seen at boot, at least one: a function of the token count alone.
    pub fn predicted_seconds(&self, tokens: u32) -> u64 {
        let (short, long) = self.seconds;
        (short + ((long - short) * u64::from(tokens)).div_ceil(u64::from(PREDICTED_TOKENS))).max(1)
    }

    /// `maxTimeoutSeconds` of a quote, the same at quote and at payment: the wait for a turn, the work beside as many jobs of
    /// its size as run at a time, and settlement.
    pub fn timeout_seconds(&self, tokens: u32) -> u64 {
        let work = self.side_by_side.max(2) * self.predicted_seconds(tokens);
        (WAITING_SECONDS + work + SETTLEMENT_SECONDS)
            .next_multiple_of(TIMEOUT_STEP_SECONDS)
            .min(LONGEST_TIMEOUT_SECONDS)
    }
}

/// A task that is sold, with its price.
#[derive(Clone, Copy)]
pub struct Sold<'a> {
    known: &'a Known,
    price: Price,
}

impl std::ops::Deref for Sold<'_> {
    type Target = Known;

    fn deref(&self) -> &Known {
        self.known
    }
}

impl Sold<'_> {
    /// Price in force.
    pub fn price(&self) -> Price {
        self.price
    }

    /// Price of an input of `tokens` tokens, atomic units.
    pub fn amount(&self, tokens: u32) -> u128 {
        self.price.amount(tokens)
    }

    /// Terms as a keyset carries them.
    pub fn terms(&self) -> TaskTerms {
        TaskTerms {
            model: Some(self.facts.model),
            parameters: self.parameters_digest,
            price: self.price,
            limits: self.facts.limits.digest(),
        }
    }
}

/// Digest of a task's parameters (SPEC 7.3).
pub(crate) fn digest_of(parameters: &serde_json::Value) -> Digest {
    parameters_digest(parameters.to_string().as_bytes())
}

/// The models, their worker, and the prices of what they do.
pub struct Engine {
    models: Arc<Models>,
    known: PerTask<Known>,
    prices: PerTask<Price>,
    worker: precis_summarize::Worker<Vec<u8>>,
    side_by_side: u64,
    queue: u32,
}

impl Engine {
    /// Starts the threads for models that are loaded: room for `queue` jobs, of which `concurrency` run side by side. What has no
    /// price is not sold.
    pub fn of_models(models: Models, prices: PerTask<Price>, queue: u32, concurrency: u32) -> Self {
        let side_by_side = concurrency.min(queue).into();
        let each = OFFERINGS.iter().flat_map(|offering| offering.tasks().iter().map(move |task| (*offering, *task)));
        let known =
            each.map(|(offering, task)| (task, Known::new(offering.facts(task, &models), side_by_side))).collect();
        let worker = precis_summarize::Worker::spawn(queue as usize, concurrency as usize);
        Self { models: Arc::new(models), known, prices, worker, side_by_side, queue }
    }

    /// What the models can take of memory, `loaded` bytes being resident now.
    pub(crate) fn memory(&self, loaded: usize) -> Work {
        let models = self.known.values().map(|known| known.facts.working_bytes).sum();
        Work { loaded, models, batch: self.side_by_side as usize, queue: self.queue as usize }
    }

    /// Whether every thread of the models lives.
    pub fn is_alive(&self) -> bool {
        self.worker.is_alive()
    }

    /// The models.
    pub fn models(&self) -> &Arc<Models> {
        &self.models
    }

    /// A task that is sold.
    ///
    /// # Errors
    /// `not_sold`.
    pub fn of(&self, task: Task) -> Result<Sold<'_>, Failure> {
        let not_sold = || Failure::new(Class::NotSold, "");
        let price = *self.prices.get(&task).ok_or_else(not_sold)?;
        Ok(Sold { known: self.known.get(&task).ok_or_else(not_sold)?, price })
    }

    /// A task, sold or not: a job may be older than the prices in force.
    ///
    /// # Errors
    /// `internal` when no model does it: a defect.
    pub fn known(&self, task: Task) -> Result<&Known, Failure> {
        self.known.get(&task).ok_or_else(|| Failure::internal("task", "done by no model"))
    }

    /// The tasks that are sold.
    pub fn sold(&self) -> impl Iterator<Item = (Task, Sold<'_>)> {
        self.known.iter().filter_map(|(task, known)| Some((*task, Sold { known, price: *self.prices.get(task)? })))
    }

    /// Prices in force.
    pub fn prices(&self) -> &PerTask<Price> {
        &self.prices
    }

    /// A place in the queue, if there is one in which an input of so many tokens is done in the time that it was quoted.
    ///
    /// # Errors
    /// `busy` when there is none.
    pub fn reserve(&self, task: Task, tokens: u32) -> Result<Permit, Failure> {
        let known = self.known(task)?;
        let work = known.predicted_seconds(tokens);
        let patience = known.timeout_seconds(tokens).saturating_sub(work + SETTLEMENT_SECONDS);
        let permit = self.worker.try_reserve(Duration::from_secs(work), Duration::from_secs(patience));
        permit.ok_or_else(|| Failure::new(Class::Busy, ""))
    }
}
