//! What speed and precision are measured with, and nothing else: models without the summarizers around them. The language
//! model alone is a [`Rig`](crate::Rig).

use std::path::Path;

use crate::embed::Embedder;
use crate::error::{Error, LoadError};
use crate::manifest::{self, Manifest, Role};
use crate::weights::read_verified;
use precis_engine::Control;
use precis_engine::Threads;

/// The bytes of the language model of a name, hashed and compared with its manifest.
///
/// # Errors
/// Those of [`Manifest::select`] and of reading the file.
pub fn language_model(directory: &Path, name: &str) -> Result<Vec<u8>, LoadError> {
    read_verified(directory, Manifest::select(directory, name)?.file(Role::LanguageModel)?)
}

/// The embedding model alone.
pub struct Sentences {
    embedder: Embedder,
    threads: Threads,
}

impl Sentences {
    /// Load it from the model directory.
    ///
    /// # Errors
    /// As [`load`](crate::load).
    pub fn load(directory: &Path) -> Result<Self, LoadError> {
        let manifest = Manifest::parse(manifest::MINILM)?;
        let read =
            |role| manifest.file(role).and_then(|file| Ok((file.name.as_str(), read_verified(directory, file)?)));
        let (weights, tokenizer) = (read(Role::EmbeddingWeights)?, read(Role::EmbeddingTokenizer)?);
        let embedder = Embedder::load(weights, (tokenizer.0, &tokenizer.1))?;
        Ok(Self { embedder, threads: Threads::new()? })
    }

    /// Tokens of a sentence, with the two that frame it.
    ///
    /// # Errors
    /// [`Error::Internal`] from the tokenizer.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>, Error> {
        let tokenizer = &self.embedder.tokenizer;
        Ok([vec![tokenizer.first()], tokenizer.encode(text)?.ids, vec![tokenizer.last()]].concat())
    }

    /// Embed sentences of framed tokens; the sum of all values of their unit vectors.
    ///
    /// # Errors
    /// [`Error::Internal`] from the model.
    pub fn embed(&self, sentences: &[Vec<u32>]) -> Result<f64, Error> {
        let bare: Vec<&[u32]> = sentences.iter().map(|ids| ids.get(1..ids.len() - 1).unwrap_or(&[])).collect();
        let vectors = self.embedder.embed(&bare, &self.threads, &Control::new(), |_| ())?;
        Ok((0..vectors.len()).flat_map(|index| vectors.row(index)).map(|value| f64::from(*value)).sum())
    }
}
