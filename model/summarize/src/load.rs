//! From a directory of pinned files to summarizers.

use std::path::Path;
use std::sync::Arc;

use crate::Summarizer;
use crate::abstractive::Abstractive;
use crate::embed::Embedder;
use crate::embedders::Embedders;
use crate::error::LoadError;
use crate::extractive::Extractive;
use crate::manifest::{self, Manifest, Role};
use crate::options::Mode;
use crate::vectors::{MiniLm, Vectorizer};
use crate::weights::read_verified;
use precis_engine::Settings;
use precis_engine::Threads;

/// Everything that is sold. The parts share the embedding model and the threads.
#[derive(Clone)]
pub struct Models {
    /// Quotes sentences.
    pub extractive: Arc<dyn Summarizer>,
    /// Writes sentences.
    pub abstractive: Arc<dyn Summarizer>,
    /// Makes vectors of texts.
    pub vectorizer: Arc<dyn Vectorizer>,
}

impl Models {
    /// The summarizer of a mode.
    pub fn get(&self, mode: Mode) -> &Arc<dyn Summarizer> {
        match mode {
            Mode::Extractive => &self.extractive,
            Mode::Abstractive => &self.abstractive,
        }
    }
}

/// Load both models from the files that `scripts/fetch-model` brings, and measure their speed with a run of about a
/// second.
///
/// # Errors
/// As [`load_named`].
pub fn load(directory: &Path) -> Result<Models, LoadError> {
    load_named(directory, manifest::DEFAULT_MODEL)
}

/// The same with the abstractive model of this name ([`Manifest::select`]).
///
/// # Errors
/// As [`load_with`].
pub fn load_named(directory: &Path, abstractive: &str) -> Result<Models, LoadError> {
    load_with(directory, abstractive, &Settings::default())
}

/// The same with an engine of this size.
///
/// # Errors
/// [`LoadError`] naming the file, and for a wrong digest both digests. Nothing is parsed before its digest was checked.
pub fn load_with(directory: &Path, abstractive: &str, settings: &Settings) -> Result<Models, LoadError> {
    let minilm = Manifest::parse(manifest::MINILM)?;
    let chosen = Manifest::select(directory, abstractive)?;
    let is_multilingual = chosen.has(Role::MultilingualEmbedding);
    let quoting = Manifest::parse(if is_multilingual { manifest::MINILM_E5 } else { manifest::MINILM })?;
    if chosen.mode != Mode::Abstractive {
        return Err(LoadError::unusable(abstractive, "it is not an abstractive model"));
    }
    let (weights, tokenizer) = (minilm.file(Role::EmbeddingWeights)?, minilm.file(Role::EmbeddingTokenizer)?);
    for file in &quoting.files {
        // The abstractive model's grounding uses the same files; its digest must say so.
        if !chosen.files.contains(file) {
            return Err(LoadError::unusable(&file.name, "the two manifests pin it differently"));
        }
    }
    let language = chosen.file(Role::LanguageModel)?.clone();

    let threads = Arc::new(Threads::new()?);
    let tokenizer_bytes = read_verified(directory, tokenizer)?;
    let weight_bytes = read_verified(directory, weights)?;
    let embedder = Arc::new(Embedder::load((&weights.name, weight_bytes), (&tokenizer.name, &tokenizer_bytes))?);
    embedder.calibrate(&threads).map_err(|error| LoadError::unusable("embedding model", error))?;
    let multilingual = if is_multilingual { Some(multilingual(directory, &quoting, &threads)?) } else { None };
    let embedders = Embedders { english: Arc::clone(&embedder), multilingual };
    let language_bytes = read_verified(directory, &language)?;
    let file = (language.name.as_str(), language_bytes);
    let vectorizer = MiniLm::new(minilm, embedder, Arc::clone(&threads));
    let extractive = Arc::new(Extractive::new(quoting, embedders.clone(), Arc::clone(&threads)));
    let abstractive = Abstractive::load(chosen, file, Arc::clone(&extractive), (embedders, threads), settings)?;
    Ok(Models { extractive, abstractive: Arc::new(abstractive), vectorizer: Arc::new(vectorizer) })
}

/// The embedding model for other languages than English.
fn multilingual(directory: &Path, manifest: &Manifest, threads: &Threads) -> Result<Arc<Embedder>, LoadError> {
    let file = manifest.file(Role::MultilingualEmbedding)?;
    let embedder = Embedder::load_multilingual(&file.name, &read_verified(directory, file)?)?;
    embedder.calibrate(threads).map_err(|error| LoadError::unusable("multilingual embedding model", error))?;
    Ok(Arc::new(embedder))
}
