//! Which files a model is made of; the SHA-256 of a manifest's exact bytes is the model digest.
//!
//! Manifests are compiled in. Those of models whose weights come in no package lack sizes and digests until
//! [`fill`](crate::fill) has seen a file; what it writes lies in the model directory, under the same name.

mod known;

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::LoadError;
use crate::options::Mode;
pub use precis_engine::{Chat, Thinking};

pub(crate) use known::{ALL, MINILM, MINILM_E5, QWEN, SMOLLM2};

/// Name of the abstractive model that is served unless another is chosen.
pub const DEFAULT_MODEL: &str = QWEN.0;
/// Name of the smallest one: for tests, and for machines with 1 GiB.
pub const SMALLEST_MODEL: &str = SMOLLM2.0;
/// Longest manifest read from a model directory, bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sentence embedding weights (safetensors).
    EmbeddingWeights,
    /// Tokenizer of the embedding model (`tokenizer.json`).
    EmbeddingTokenizer,
    /// Sentence embeddings of other languages than English: weights with the tokenizer (`e5-small-q4.bin`).
    MultilingualEmbedding,
    /// Language model with tokenizer and chat template (GGUF).
    LanguageModel,
}

/// The back end that computes a language model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// The own engine.
    #[default]
    Precis,
    /// candle, on the processor: for families that the own engine does not know.
    Candle,
    /// candle, on the first CUDA device; the feature `cuda` must be built in.
    CandleCuda,
}

impl Backend {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// One file, pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Name in the model directory.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Size in bytes; 0 until it is filled in.
    pub bytes: u64,
    /// Lowercase hexadecimal SHA-256 of the whole file; empty until it is filled in.
    pub sha256: String,
    /// Python package and version that carries it; empty if none does. Where it comes in parts, `{n}` stands for the number
    /// of a part and `{nn}` for the same with two digits, from 1 on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub package: String,
    /// Path inside that package.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub member: String,
    /// Parts that the file is put together from; 0 where it is one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub parts: u32,
}

fn is_zero(parts: &u32) -> bool {
    *parts == 0
}

impl File {
    /// Whether size and digest are known.
    fn is_filled(&self) -> bool {
        self.bytes > 0 && is_digest(&self.sha256)
    }

    fn is_unfilled(&self) -> bool {
        self.bytes == 0 && self.sha256.is_empty()
    }
}

/// Sizes that a language model must have, by its own metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// `general.architecture`.
    pub architecture: String,
    /// Layers.
    pub layers: usize,
    /// Width of a token's vector.
    pub hidden: usize,
    /// Width inside the feed-forward part.
    pub feed_forward: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_width: usize,
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
    /// `general.file_type`: ggml's number of the mix of weight types.
    pub file_type: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    name: String,
    mode: Mode,
    title: String,
    licence: String,
    #[serde(default)]
    backend: Backend,
    chat: Option<Chat>,
    shape: Option<Sizes>,
    files: Vec<File>,
}

/// Everything that makes a model what it is, except the parameters of use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// Short name.
    pub name: String,
    /// Which mode it serves.
    pub mode: Mode,
    /// One line for people.
    pub title: String,
    /// SPDX identifier of the weights' licence.
    pub licence: String,
    /// Back end of the language model.
    #[serde(skip_serializing_if = "Backend::is_default")]
    pub backend: Backend,
    /// Chat format, for language models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<Chat>,
    /// Sizes of the language model, where the digest of the file is not known beforehand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Sizes>,
    /// The files.
    pub files: Vec<File>,
    #[serde(skip)]
    digest: [u8; 32],
}

impl Manifest {
    /// Read a manifest from its exact text.
    ///
    /// # Errors
    /// [`LoadError::Manifest`] for anything that is not a manifest with plain file names and lowercase digests.
    pub(crate) fn parse((name, text): (&str, &str)) -> Result<Self, LoadError> {
        let malformed = |reason: String| LoadError::Manifest { name: name.to_owned(), reason };
        let fields: Fields = toml::from_str(text).map_err(|error| malformed(error.to_string()))?;
        let is_wrong = |file: &&File| !is_plain(&file.name) || !(file.is_filled() || file.is_unfilled());
        if let Some(file) = fields.files.iter().find(is_wrong) {
            return Err(malformed(format!("name, size or digest of {:?}", file.name)));
        }
        let template = fields.chat.as_ref().map(|chat| chat.template_sha256.as_str());
        if template.is_some_and(|digest| !digest.is_empty() && !is_digest(digest)) {
            return Err(malformed("template_sha256".to_owned()));
        }
        Ok(Self {
            name: fields.name,
            mode: fields.mode,
            title: fields.title,
            licence: fields.licence,
            backend: fields.backend,
            chat: fields.chat,
            shape: fields.shape,
            files: fields.files,
            digest: Sha256::digest(text.as_bytes()).into(),
        })
    }

    /// The manifest called `name`: compiled in, or, if that one is not filled in, `NAME.toml` in the model directory. A name
    /// that ends with `.toml` is that file of the directory.
    ///
    /// # Errors
    /// [`LoadError::Unfilled`] where no file is known for it yet, [`LoadError::UnknownModel`] for another name, and those of
    /// reading a file.
    pub fn select(directory: &Path, name: &str) -> Result<Self, LoadError> {
        if name.ends_with(".toml") {
            return Self::read(directory, name);
        }
        let compiled = ALL.iter().find(|(known, _)| *known == name).ok_or_else(|| unknown(name))?;
        let compiled = Self::parse(*compiled)?;
        let beside = format!("{name}.toml");
        if compiled.is_filled() || !directory.join(&beside).is_file() {
            return compiled.filled();
        }
        Self::read(directory, &beside)
    }

    /// A filled manifest that lies in the model directory.
    fn read(directory: &Path, file: &str) -> Result<Self, LoadError> {
        if !is_plain(file) {
            let reason = "a manifest is named by its file name alone and lies in the model directory".to_owned();
            return Err(LoadError::Manifest { name: file.to_owned(), reason });
        }
        let path = directory.join(file);
        let bytes = bounded(&path).map_err(|source| LoadError::Unreadable { path, source })?;
        let text = String::from_utf8(bytes)
            .map_err(|_| LoadError::Manifest { name: file.to_owned(), reason: "it is not UTF-8".to_owned() })?;
        Self::parse((file, &text))?.filled()
    }

    /// Every compiled-in manifest, filled or not.
    ///
    /// # Errors
    /// If one is not well formed, which their own test excludes.
    pub fn all() -> Result<Vec<Self>, LoadError> {
        ALL.into_iter().map(Self::parse).collect()
    }

    /// Whether every size and digest is known, so that it can be loaded.
    pub fn is_filled(&self) -> bool {
        let template = self.chat.as_ref().is_none_or(|chat| !chat.template_sha256.is_empty());
        template && self.files.iter().all(File::is_filled)
    }

    /// Itself, if it can be loaded.
    ///
    /// # Errors
    /// [`LoadError::Unfilled`].
    pub(crate) fn filled(self) -> Result<Self, LoadError> {
        if self.is_filled() { Ok(self) } else { Err(LoadError::Unfilled { name: self.name }) }
    }

    /// The manifest of a mode, without its files: for a stand-in of the model in tests.
    ///
    /// # Errors
    /// If what is compiled in is not well formed, which its own test excludes.
    pub fn compiled_in(mode: Mode) -> Result<Self, LoadError> {
        Self::parse(match mode {
            Mode::Extractive => MINILM,
            Mode::Abstractive => SMOLLM2,
        })
    }

    /// The model digest: SHA-256 over the exact bytes of the manifest file.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Checks whether it has a file with a role.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.files.iter().any(|file| file.role == role)
    }

    /// The file with a role.
    ///
    /// # Errors
    /// [`LoadError::Unusable`] if the manifest has none.
    pub(crate) fn file(&self, role: Role) -> Result<&File, LoadError> {
        self.files
            .iter()
            .find(|file| file.role == role)
            .ok_or_else(|| LoadError::unusable(&self.name, format!("the manifest has no {role:?}")))
    }
}

/// There is no manifest of this name.
pub(crate) fn unknown(name: &str) -> LoadError {
    LoadError::UnknownModel { name: name.to_owned(), known: known::names() }
}

/// A file name that cannot leave the model directory.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// The bytes of a file that may have been replaced by something endless.
fn bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other(format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;
