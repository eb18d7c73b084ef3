//! Two summarizers behind one trait, and an embedding model, with no knowledge of HTTP or money.
//!
//! * **Extractive** ([`Mode::Extractive`]): sentences of the text, quoted verbatim with byte offsets, ranked with
//!   embeddings: of all-MiniLM-L6-v2 or, where it is loaded and the text is not in English, multilingual-e5-small. Faithful
//!   by construction.
//! * **Abstractive** ([`Mode::Abstractive`]): sentences written by a small instruct model about the key passages, greedily
//!   decoded, each checked against the text and given with its nearest source sentences.
//! * **Vectors** ([`Vectorizer`]): one unit vector for each text, by all-MiniLM-L6-v2.
//!
//! What the crate guarantees: every byte of every weight file is hashed before it is parsed and must equal its manifest;
//! every token of a text is ranked (long texts are chunked, never cut), and the summary says how many were; the text of a
//! document is never interpreted as a control token, and occurs in no error, no log and no `Debug` output. What it does
//! not guarantee: that an abstractive summary is right.

// The list of parameters is long.
#![recursion_limit = "256"]

mod abstractive;
mod checks;
mod chunk;
mod decode;
mod embed;
mod embedders;
mod error;
mod extractive;
mod fill;
pub mod fuzzing;
mod grounding;
mod limits;
mod load;
mod manifest;
pub mod measure;
mod options;
mod screen;
mod segment;
mod summary;
mod vectors;
mod weights;
mod words;
mod worker;

use std::time::Duration;

pub use error::{Error, LoadError, Reason};
pub use fill::{Filled, fill};
pub use limits::Limits;
pub use load::{Models, load, load_named, load_with};
pub use manifest::{Chat, DEFAULT_MODEL, File, Manifest, Role, SMALLEST_MODEL, Sizes, Thinking};
pub use options::{Mode, Options, Style};
pub use precis_engine::{Canceller, Control, Drafts, Payer, Settings, Speed};
pub use screen::{Screened, Screening};
pub use segment::{Kind, Segment, segment};
pub use summary::{ByteRange, Grounding, Nearest, Sentence, Summary};
pub use vectors::{Vectorizer, Vectors, cosine};
pub use worker::{Done, Job, Permit, Waiting, Work, Worker};

/// One way to summarize a text: a model, its tokenizer and its parameters.
///
/// Implementations hold no state of a request; calls from several threads are correct, though not faster.
pub trait Summarizer: Send + Sync {
    /// The mode this summarizer serves.
    fn mode(&self) -> Mode;

    /// The files it was made from; [`Manifest::digest`] is the model digest.
    fn manifest(&self) -> &Manifest;

    /// Prompt template, decoding, ranking and chunking: versions and values, as integers and strings with sorted keys.
    /// The compact JSON of the same build is the same bytes every time.
    fn parameters(&self) -> serde_json::Value;

    /// What it accepts.
    fn limits(&self) -> Limits;

    /// Tokens of the whole text by the mode's own tokenizer, without control tokens.
    ///
    /// # Errors
    /// [`Error::TooLong`] above [`Limits::max_document_bytes`], before any work. A count above
    /// [`Limits::max_document_tokens`] is returned, not refused: the caller decides what to say.
    fn count_tokens(&self, text: &str) -> Result<u32, Error>;

    /// Rough time the work on so many tokens takes on this machine, from the speed seen at load and since.
    fn predict(&self, tokens: u32) -> Duration;

    /// The speed that [`Summarizer::predict`] reckons with.
    fn speed(&self) -> Speed {
        Speed::default()
    }

    /// Summarize the whole text.
    ///
    /// # Errors
    /// [`Error::NotSummarizable`] or [`Error::TooLong`] for the caller to act on, [`Error::Cancelled`] and
    /// [`Error::Deadline`] as `control` asks, [`Error::Internal`] for a defect of this side.
    fn summarize(&self, text: &str, options: &Options, control: &Control) -> Result<Summary, Error>;

    /// The next step of [`Summarizer::admit`]: bounded work, from where `screening` left off. A caller that takes the steps
    /// itself can do something else in between, or stop.
    ///
    /// # Errors
    /// Those of [`Summarizer::admit`].
    fn screen(&self, text: &str, screening: Screening) -> Result<Screened, Error> {
        let _ = screening;
        self.limits().check_bytes(text)?;
        segment::require_sentences(text)?;
        let tokens = self.count_tokens(text)?;
        self.limits().check_tokens(tokens)?;
        Ok(Screened::Admitted { tokens })
    }

    /// The count of [`Summarizer::count_tokens`] together with the refusals that [`Summarizer::summarize`] would give
    /// without running a model, so that an unsuitable text is refused before it is priced.
    ///
    /// # Errors
    /// [`Error::NotSummarizable`] and [`Error::TooLong`], the latter with as many tokens as were counted until then.
    fn admit(&self, text: &str) -> Result<u32, Error> {
        let mut screening = Screening::default();
        loop {
            match self.screen(text, screening)? {
                Screened::Admitted { tokens } => return Ok(tokens),
                Screened::GoOn(after) => screening = after,
            }
        }
    }

    /// Bytes that the work takes at most beside the weights, whatever is summarized: what all jobs share.
    fn working_bytes(&self) -> usize {
        0
    }
}
