//! What the worker is given to do.

use zeroize::Zeroizing;

use crate::control::Control;
use crate::error::Error;
use crate::options::{Mode, Options};
use crate::payer::Payer;
use crate::summary::Summary;

/// One request. No `Debug`: it holds a document, which is wiped when the job ends.
pub struct Job {
    /// Which summarizer.
    pub mode: Mode,
    /// The document.
    pub text: Zeroizing<String>,
    /// The caller's wishes.
    pub options: Options,
    /// Cancellation, deadline, progress.
    pub control: Control,
    /// For whom: payers share the machine evenly, whatever each of them asks for.
    pub payer: Payer,
}

/// What is called with the result, once, on a thread of the worker or of whoever gave the job up. It must not block.
pub type Done = Box<dyn FnOnce(Result<Summary, Error>) + Send>;
