//! Traits and types that every task is sold by.

use std::sync::Arc;

use precis_protocol::task::TaskLimits;
use precis_protocol::{Digest, Task};
use precis_store::JobId;
use precis_summarize::{Control, Error, Limits, Models, Screened, Screening};

use crate::error::{Class, Failure};

/// Parts of a request that say what is wanted: all that an offering looks at.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    /// `Content-Type` as sent; empty if absent.
    pub media_type: &'a str,
    /// Query of the URL.
    pub query: Option<&'a str>,
    /// Body.
    pub body: &'a [u8],
}

/// A route at which tasks of one shape are sold.
pub trait Offering: Send + Sync {
    /// Path of the route.
    fn path(&self) -> &'static str;

    /// Path of the free quotes for it.
    fn quotes_path(&self) -> &'static str;

    /// Tasks that are sold there.
    fn tasks(&self) -> &'static [Task];

    /// A sentence about one of them, for quotes, and words to find it by.
    fn about(&self, task: Task) -> About;

    /// Example and schema of a call, for those who catalogue the route.
    fn catalogued(&self) -> Catalogued;

    /// Facts of the model that does one of them.
    fn facts(&self, task: Task, models: &Models) -> Facts;

    /// The task whose price is asked for, if `sent` has neither an input nor a payment: catalogues and agents look so for a 402.
    fn asked_price(&self, sent: &Sent<'_>) -> Option<Task>;

    /// The task and the number of tokens, if `sent` names a number instead of an input: for a quote.
    ///
    /// # Errors
    /// A [`Failure`] of the client's making.
    fn counted(&self, sent: &Sent<'_>) -> Result<Option<(Task, u32)>, Failure>;

    /// The input of a request, by its bytes alone.
    ///
    /// # Errors
    /// A [`Failure`] of the client's making.
    fn read(&self, sent: &Sent<'_>) -> Result<Arc<dyn Input>, Failure>;
}

/// An input that was read. It is a secret: it has no `Debug`, and is wiped when it is dropped.
pub trait Input: Send + Sync {
    /// The task that is wanted.
    fn task(&self) -> Task;

    /// Digest of the text that is worked on (SPEC 7.3).
    fn text_digest(&self) -> Digest;

    /// Bytes of text.
    fn bytes(&self) -> usize;

    /// Checks what of the request only the models can tell.
    ///
    /// # Errors
    /// A [`Failure`] of the client's making.
    fn check(&self, models: &Models) -> Result<(), Failure> {
        let _ = models;
        Ok(())
    }

    /// The next step of counting tokens: bounded work. What the work would refuse without running a model is refused here.
    ///
    /// # Errors
    /// As the model refuses it.
    fn count(&self, models: &Models, from: Counting) -> Result<Counted, Error>;

    /// Does the work. Returns the exact bytes of the result, a function of the input, the models and the job's id alone.
    ///
    /// # Errors
    /// As the model fails.
    fn perform(&self, models: &Models, id: JobId, control: &Control) -> Result<Vec<u8>, Error>;
}

/// Progress of counting the tokens of an input.
#[derive(Clone, Copy, Default)]
pub struct Counting {
    /// Texts that are done.
    pub(super) texts: usize,
    /// Bytes of those.
    bytes: usize,
    /// Tokens of those.
    pub(super) tokens: u32,
    /// The text that is being counted.
    pub(super) within: Screening,
}

/// Outcome of a step of counting.
pub enum Counted {
    /// All tokens of the input.
    Tokens(u32),
    /// There is more to count.
    GoOn(Counting),
}

impl Counting {
    /// Bytes that have been read.
    pub fn read(&self) -> usize {
        self.bytes.saturating_add(self.within.read())
    }

    /// After a step in a text of `bytes` bytes, one of `texts`.
    pub(super) fn after(self, screened: Screened, bytes: usize, texts: usize) -> Counted {
        match screened {
            Screened::GoOn(within) => Counted::GoOn(Self { within, ..self }),
            Screened::Admitted { tokens } => {
                let tokens = self.tokens.saturating_add(tokens);
                let done = self.texts + 1;
                if done == texts {
                    return Counted::Tokens(tokens);
                }
                Counted::GoOn(Self { texts: done, bytes: self.bytes + bytes, tokens, within: Screening::default() })
            }
        }
    }
}

/// Words about a task.
pub struct About {
    /// One sentence.
    pub description: String,
    /// Words to find it by.
    pub tags: &'static [&'static str],
}

/// Example and schema of a call.
pub struct Catalogued {
    /// A body.
    pub body: serde_json::Value,
    /// The answer to it, in short.
    pub output: serde_json::Value,
    /// JSON Schema of bodies.
    pub schema: serde_json::Value,
}

/// Facts of a task and its model.
pub struct Facts {
    /// Name in the model's manifest.
    pub model_name: String,
    /// Digest of the model's manifest.
    pub model: Digest,
    /// Parameters as they are digested.
    pub parameters: serde_json::Value,
    /// Limits of one request.
    pub limits: TaskLimits,
    /// Time that the work on a short input takes, roughly, and on [`PREDICTED_TOKENS`].
    pub predicted: (std::time::Duration, std::time::Duration),
    /// Bytes that the work takes at most beside the weights, whatever the input.
    pub working_bytes: usize,
}

/// Number of tokens of a short input: what takes as long for any input is in its prediction.
pub const SHORT_TOKENS: u32 = 1_000;
/// Number of tokens of which [`Facts::predicted`] speaks.
pub const PREDICTED_TOKENS: u32 = 10_000;

pub(super) fn limits(texts: u32, limits: &Limits) -> TaskLimits {
    TaskLimits { max_texts: texts, max_bytes: limits.max_document_bytes as u64, max_tokens: limits.max_document_tokens }
}

/// Answer to a model's refusal; the same before and after payment.
pub fn model_failure(error: &Error) -> Failure {
    match error {
        Error::NotSummarizable(reason) => Failure::new(Class::NotSummarizable, reason.to_string()),
        Error::TooLong { .. } => Failure::new(Class::DocumentTooLong, error.to_string()),
        Error::Cancelled => Failure::new(Class::Cancelled, ""),
        other => {
            tracing::error!(event = "work.failed", why = %other);
            Failure::new(Class::WorkFailed, "")
        }
    }
}
