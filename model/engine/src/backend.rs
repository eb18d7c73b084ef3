//! The interface of whatever runs a language model: the engine of this crate, or another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

use crate::error::Error;
use crate::request::Request;
use crate::rules::Written;
use crate::speeds::Speeds;

/// A language model that serves many callers. Decoding is greedy; the text of a request depends on its own tokens and
/// rules, and on the back end and its device.
pub trait Backend: Send + Sync {
    /// Name, version and device, as the parameters of a model state them.
    fn name(&self) -> &str;

    /// Write the continuations of several prompts; they come back in the order given. Blocks the calling thread. If one
    /// fails the others are called off.
    ///
    /// # Errors
    /// The first failure: [`Error::Cancelled`] and [`Error::Deadline`] as a control asks; [`Error::Internal`] for a prompt
    /// that is too short, has an unknown token or is, with its cap, longer than the model's context or the whole cache.
    fn generate_all(&self, requests: Vec<Request>) -> Result<Vec<Written>, Error>;

    /// The speed seen.
    fn speeds(&self) -> &Speeds;

    /// Most tokens of a prompt and what is written after it.
    fn positions(&self) -> usize;

    /// Bytes that the keys and values of all that run can grow to.
    fn cache_bytes(&self) -> usize;
}

/// The end of a request, as it comes from the thread that computes.
pub type Answer = Receiver<Result<Written, Error>>;

/// Submit several requests and wait for all of them, also after a failure, so that nothing of them is left in the back end.
/// The flag is set when one has failed: the others need not go on.
///
/// # Errors
/// The first failure.
pub fn together(
    requests: Vec<Request>,
    submit: impl Fn(Request, &Arc<AtomicBool>) -> Result<Answer, Error>,
) -> Result<Vec<Written>, Error> {
    let abandoned = Arc::<AtomicBool>::default();
    let submitted: Vec<_> = requests.into_iter().map(|request| submit(request, &abandoned)).collect();
    let mut outcome = Ok(Vec::with_capacity(submitted.len()));
    for answer in submitted {
        match (&mut outcome, answer.and_then(wait)) {
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

fn wait(answer: Answer) -> Result<Written, Error> {
    answer.recv().unwrap_or(Err(Error::Internal("engine")))
}
