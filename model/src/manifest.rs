//! Which files a model is made of. A manifest is compiled in; the SHA-256 of its exact bytes is the model digest.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::LoadError;
use crate::options::Mode;

/// The manifest of the extractive model.
pub(crate) const MINILM: (&str, &str) = ("minilm-l6-v2", include_str!("../manifests/minilm-l6-v2.toml"));
/// The manifest of the abstractive model.
pub(crate) const SMOLLM2: (&str, &str) =
    ("smollm2-135m-instruct", include_str!("../manifests/smollm2-135m-instruct.toml"));

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sentence embedding weights (safetensors).
    EmbeddingWeights,
    /// Tokenizer of the embedding model (`tokenizer.json`).
    EmbeddingTokenizer,
    /// Language model with tokenizer and chat template (GGUF).
    LanguageModel,
}

/// One file, pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Name in the model directory.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Size in bytes.
    pub bytes: u64,
    /// Lowercase hexadecimal SHA-256 of the whole file.
    pub sha256: String,
    /// Python package and version that carries it.
    pub package: String,
    /// Path inside that package.
    pub member: String,
}

/// The chat format a language model was trained with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// Name of a format that this build renders.
    pub format: String,
    /// SHA-256 of the template text in the model file; any other template is refused.
    pub template_sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    name: String,
    mode: Mode,
    title: String,
    licence: String,
    chat: Option<Chat>,
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
    /// Chat format, for language models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<Chat>,
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
    pub(crate) fn parse((name, text): (&'static str, &str)) -> Result<Self, LoadError> {
        let fields: Fields =
            toml::from_str(text).map_err(|error| LoadError::Manifest { name, reason: error.to_string() })?;
        if let Some(file) = fields.files.iter().find(|file| !is_plain(&file.name) || !is_digest(&file.sha256)) {
            return Err(LoadError::Manifest { name, reason: format!("name or digest of {:?}", file.name) });
        }
        Ok(Self {
            name: fields.name,
            mode: fields.mode,
            title: fields.title,
            licence: fields.licence,
            chat: fields.chat,
            files: fields.files,
            digest: Sha256::digest(text.as_bytes()).into(),
        })
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

/// A file name that cannot leave the model directory.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn compiled_in_manifests_are_well_formed_and_digested_as_exact_bytes() {
        for source in [MINILM, SMOLLM2] {
            let manifest = Manifest::parse(source).unwrap();
            assert_eq!(manifest.name, source.0);
            let expected: [u8; 32] = Sha256::digest(source.1.as_bytes()).into();
            assert_eq!(manifest.digest(), expected);
            let longer = Manifest::parse((source.0, &format!("{}\n", source.1))).unwrap();
            assert_ne!(manifest.digest(), longer.digest(), "one more byte is another model digest");
        }
    }

    #[test]
    fn manifests_that_share_a_file_pin_the_same_digest() {
        let minilm = Manifest::parse(MINILM).unwrap();
        let smollm2 = Manifest::parse(SMOLLM2).unwrap();
        for file in &minilm.files {
            assert!(smollm2.files.contains(file), "{} differs", file.name);
        }
    }

    #[test]
    fn a_file_name_cannot_leave_the_model_directory() {
        for name in ["../weights", "/etc/passwd", "a/b", "", ".hidden", "a\\b"] {
            assert!(!is_plain(name), "{name}");
        }
        let text = MINILM.1.replace("all-minilm-l6-v2.safetensors", "../x");
        assert!(matches!(Manifest::parse(("x", &text)), Err(LoadError::Manifest { .. })));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let text = format!("surprise = 1\n{}", MINILM.1);
        assert!(matches!(Manifest::parse(("x", &text)), Err(LoadError::Manifest { .. })));
    }
}
