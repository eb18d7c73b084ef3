//! What the worker is given to do.

use crate::error::Error;
use precis_engine::Control;
use precis_engine::Payer;

/// One request's work, done on a thread of the worker. It owns its document, which is wiped when the job ends.
pub type Work<T> = Box<dyn FnOnce(&Control) -> Result<T, Error> + Send>;

/// One request. No `Debug`: it holds a document.
pub struct Job<T> {
    /// The work.
    pub work: Work<T>,
    /// Cancellation, deadline, progress.
    pub control: Control,
    /// For whom: payers share the machine evenly, whatever each of them asks for.
    pub payer: Payer,
}

/// What is called with the result, once, on a thread of the worker or of whoever gave the job up. It must not block.
pub type Done<T> = Box<dyn FnOnce(Result<T, Error>) + Send>;
