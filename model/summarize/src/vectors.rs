//! Texts as vectors: what similarity of meaning is computed from.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::embed::{self, Embedder};
use crate::error::Error;
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::screen::{Screened, Screening};
use crate::words;
use precis_engine::Control;
use precis_engine::Threads;

/// Version of the computation: changes whenever the same text could give another vector.
const VERSION: u32 = 1;
/// Limits of one call, all texts together.
const LIMITS: Limits =
    Limits { max_document_tokens: 65_536, max_document_bytes: 512 * 1024, max_sentences: 0, max_output_tokens: 0 };

/// An embedding model: one unit vector for each text.
///
/// Implementations hold no state of a request; calls from several threads are correct, though not faster.
pub trait Vectorizer: Send + Sync {
    /// The files it was made from; [`Manifest::digest`] is the model digest.
    fn manifest(&self) -> &Manifest;

    /// Versions and values, as integers and strings with sorted keys. The compact JSON of the same build is the same bytes every time.
    fn parameters(&self) -> serde_json::Value;

    /// Limits of one call, all texts together.
    fn limits(&self) -> Limits;

    /// Values of a vector, count.
    fn width(&self) -> usize;

    /// The next step of counting the tokens of `text`: bounded work, from where `screening` left off.
    ///
    /// # Errors
    /// [`Error::TooLong`] above the limits.
    fn screen(&self, text: &str, screening: Screening) -> Result<Screened, Error>;

    /// Rough time the work on so many tokens takes on this machine, from the speed seen at load and since.
    fn predict(&self, tokens: u32) -> Duration;

    /// Embeds texts. The vector of a text is the same whatever it is embedded with; that of a text without tokens is zero.
    ///
    /// # Errors
    /// [`Error::TooLong`] above the limits, [`Error::Cancelled`] and [`Error::Deadline`] as `control` asks, [`Error::Internal`] for
    /// a defect of this side.
    fn embed(&self, texts: &[&str], control: &Control) -> Result<Vectors, Error>;
}

/// Unit vectors of texts, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    /// Values of a vector, count.
    pub width: usize,
    /// All values, vector by vector.
    pub values: Vec<f32>,
    /// Tokens of each text.
    pub tokens: Vec<u32>,
}

impl Vectors {
    /// The vectors.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// Tokens of all texts.
    #[must_use]
    pub fn total_tokens(&self) -> u32 {
        self.tokens.iter().fold(0, |sum, tokens| sum.saturating_add(*tokens))
    }
}

/// Cosine of two unit vectors.
#[must_use]
pub fn cosine(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// The embedding model that extraction ranks English with.
pub(crate) struct MiniLm {
    manifest: Manifest,
    embedder: Arc<Embedder>,
    threads: Arc<Threads>,
}

impl MiniLm {
    pub(crate) fn new(manifest: Manifest, embedder: Arc<Embedder>, threads: Arc<Threads>) -> Self {
        Self { manifest, embedder, threads }
    }
}

impl Vectorizer for MiniLm {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn parameters(&self) -> serde_json::Value {
        json!({
            "embedding_window_tokens": embed::WINDOW_TOKENS,
            "mode": "embeddings",
            "normalize": "unit",
            "pooling": "mean",
            "version": VERSION,
            "width": embed::WIDTH,
        })
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn width(&self) -> usize {
        embed::WIDTH
    }

    fn screen(&self, text: &str, screening: Screening) -> Result<Screened, Error> {
        screening.counting_step(text, &LIMITS, |part| self.embedder.tokenizer.count(part))
    }

    fn predict(&self, tokens: u32) -> Duration {
        self.embedder.predict(tokens.into())
    }

    fn embed(&self, texts: &[&str], control: &Control) -> Result<Vectors, Error> {
        let mut encoded = Vec::with_capacity(texts.len());
        let mut total = 0usize;
        for text in texts {
            LIMITS.check_bytes(text)?;
            control.check()?;
            let ids = self.embedder.tokenizer.encode(text)?.ids;
            total += ids.len();
            LIMITS.check_tokens(words::saturate(total))?;
            encoded.push(ids);
        }
        let tokens = encoded.iter().map(|ids| words::saturate(ids.len())).collect();
        let ids: Vec<&[u32]> = encoded.iter().map(Vec::as_slice).collect();
        let report = |done| control.report(words::saturate(done), words::saturate(total));
        let embeddings = self.embedder.embed(&ids, &self.threads, control, report)?;
        Ok(Vectors { width: embed::WIDTH, values: embeddings.into_values(), tokens })
    }
}
