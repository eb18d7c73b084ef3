//! The models and the worker that runs them.

use std::sync::Arc;
use std::time::Duration;

use precis_model::{Models, Permit, Summarizer, Worker};
use precis_protocol::request::parameters_digest;
use precis_protocol::{Digest, Mode};

use crate::edge::memory::Work;

/// Seconds that a job may have to wait for its turn.
const WAITING_SECONDS: u64 = 90;
/// Seconds that the settlement of a job may take, on a slow block.
pub(crate) const SETTLEMENT_SECONDS: u64 = 30;
/// Longest timeout that is quoted: authorizations that live longer are not signed by careful clients.
const LONGEST_TIMEOUT_SECONDS: u64 = 3600;
/// Timeouts are quoted in steps of this many seconds, so that a quote and its payment name the same one.
const TIMEOUT_STEP_SECONDS: u64 = 60;
/// Prediction is asked once, for this many tokens, so that the timeout is a function of the token count alone.
const PREDICTED_TOKENS: u32 = 10_000;

/// One summarizer with its digests.
pub struct Model {
    /// The summarizer.
    pub summarizer: Arc<dyn Summarizer>,
    /// Digest of its manifest.
    pub digest: Digest,
    /// Digest of its parameters (SPEC 7.3).
    pub parameters_digest: Digest,
    seconds_per_10k: u64,
}

impl Model {
    fn new(summarizer: Arc<dyn Summarizer>) -> Self {
        let (digest, parameters_digest) = digests(summarizer.as_ref());
        let seconds_per_10k = summarizer.predict(PREDICTED_TOKENS).as_secs() + 1;
        Self { summarizer, digest, parameters_digest, seconds_per_10k }
    }
}

/// Digest of a summarizer's manifest, and of its parameters (SPEC 7.3).
pub(crate) fn digests(summarizer: &dyn Summarizer) -> (Digest, Digest) {
    let parameters = parameters_digest(summarizer.parameters().to_string().as_bytes());
    (Digest::from_bytes(summarizer.manifest().digest()), parameters)
}

/// Both models and their worker.
pub struct Engine {
    /// Quotes verbatim.
    pub extractive: Model,
    /// Writes.
    pub abstractive: Model,
    worker: Worker,
    /// Jobs that share the machine at a time.
    side_by_side: u64,
    queue: u32,
}

impl Engine {
    /// Starts the threads for models that are loaded: room for `queue` jobs, of which `concurrency` run side by side.
    pub fn of_models(models: Models, queue: u32, concurrency: u32) -> Self {
        let (extractive, abstractive) =
            (Model::new(Arc::clone(&models.extractive)), Model::new(Arc::clone(&models.abstractive)));
        let worker = Worker::spawn(models, queue as usize, concurrency as usize);
        Self { extractive, abstractive, worker, side_by_side: concurrency.min(queue).into(), queue }
    }

    /// What the models can take of memory, `loaded` bytes being resident now.
    pub(crate) fn memory(&self, loaded: usize) -> Work {
        let models = [&self.extractive, &self.abstractive].map(|model| model.summarizer.working_bytes()).iter().sum();
        Work { loaded, models, batch: self.side_by_side as usize, queue: self.queue as usize }
    }

    /// Whether every thread of the models lives.
    pub fn is_alive(&self) -> bool {
        self.worker.is_alive()
    }

    /// The model of a mode.
    pub fn of(&self, mode: Mode) -> &Model {
        match mode {
            Mode::Extractive => &self.extractive,
            Mode::Abstractive => &self.abstractive,
        }
    }

    /// A place in the queue, if there is one in which a document of so many tokens is done in the time that it was quoted.
    pub fn reserve(&self, mode: Mode, tokens: u32) -> Option<Permit> {
        let work = self.predicted_seconds(mode, tokens);
        let patience = self.timeout_seconds(mode, tokens).saturating_sub(work + SETTLEMENT_SECONDS);
        self.worker.try_reserve(Duration::from_secs(work), Duration::from_secs(patience))
    }

    /// Seconds that the work should take by the speed seen at boot, at least one: a function of the token count alone.
    pub fn predicted_seconds(&self, mode: Mode, tokens: u32) -> u64 {
        (self.of(mode).seconds_per_10k * u64::from(tokens)).div_ceil(u64::from(PREDICTED_TOKENS)).max(1)
    }

    /// `maxTimeoutSeconds` of a quote, the same at quote and at payment: the wait for a turn, the work beside as many jobs of
    /// its size as run at a time, and settlement.
    pub fn timeout_seconds(&self, mode: Mode, tokens: u32) -> u64 {
        let work = self.side_by_side.max(2) * self.predicted_seconds(mode, tokens);
        (WAITING_SECONDS + work + SETTLEMENT_SECONDS)
            .next_multiple_of(TIMEOUT_STEP_SECONDS)
            .min(LONGEST_TIMEOUT_SECONDS)
    }
}
