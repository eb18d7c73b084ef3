//! Errors, named by who must act. None of them carries text of a document.

use std::path::PathBuf;

/// Why a text cannot be summarized, for the caller to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing but white space.
    Empty,
    /// No letter of any script.
    NoLetters,
    /// Letters, but nothing that reads as a sentence or a phrase.
    NoSentences,
    /// Too few words to be a document: a question or an order.
    TooShort,
    /// Mostly in a script that the embedding model does not read, with its name in Unicode.
    UnknownScript(Option<&'static str>),
    /// The model wrote nothing that could be returned.
    NoSummary,
}

impl Reason {
    /// Stable code for the wire.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NoLetters => "no_letters",
            Self::NoSentences => "no_sentences",
            Self::TooShort => "too_short",
            Self::UnknownScript(_) => "unknown_script",
            Self::NoSummary => "no_summary",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())?;
        match self {
            Self::UnknownScript(Some(script)) => write!(f, ": {script}"),
            _ => Ok(()),
        }
    }
}

/// Failure of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller's text has nothing to summarize.
    #[error("the document cannot be summarized: {0}")]
    NotSummarizable(Reason),
    /// The caller's text is above a limit.
    #[error("the document has {found} {unit} or more; at most {limit} are accepted")]
    TooLong {
        /// `bytes` or `tokens`.
        unit: &'static str,
        /// What the document has, as far as it was counted.
        found: u64,
        /// What is accepted.
        limit: u64,
    },
    /// The owner of the request cancelled it.
    #[error("cancelled")]
    Cancelled,
    /// The deadline of the request passed.
    #[error("the deadline passed")]
    Deadline,
    /// A defect or a lack of resources on this side. The text names an operation, never content.
    #[error("inference failed: {0}")]
    Internal(&'static str),
}

impl Error {
    /// Hide a library's cause behind the name of the operation: causes can quote their input.
    pub(crate) fn internal<E>(operation: &'static str) -> impl FnOnce(E) -> Self {
        move |_| Self::Internal(operation)
    }
}

/// Failure to load the models, for the operator to act on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file is not there or cannot be read.
    #[error("cannot read {}: {source}; run scripts/fetch-model", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file has another size than its manifest says.
    #[error("{} has {found} bytes, its manifest says {expected}; run scripts/fetch-model", .path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Bytes in the manifest.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// A file has another digest than its manifest says.
    #[error("{} has SHA-256 {found}, its manifest says {expected}; run scripts/fetch-model", .path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// Lowercase hexadecimal digest in the manifest.
        expected: String,
        /// Lowercase hexadecimal digest found.
        found: String,
    },
    /// A file has the right digest, but this build cannot use it.
    #[error("{file} cannot be used: {reason}")]
    Unusable {
        /// File name in the manifest.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A manifest lacks sizes and digests: its weights come in no package.
    #[error("the manifest of {name} names no weights yet; `precis-server model add FILE` fills it in")]
    Unfilled {
        /// Name of the manifest.
        name: String,
    },
    /// There is no manifest of this name.
    #[error("no model is called {name}; there are {known}, and manifests of the model directory by their file name")]
    UnknownModel {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A manifest is not well formed.
    #[error("manifest {name} is not well formed: {reason}")]
    Manifest {
        /// Name of the manifest.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

impl From<precis_engine::Error> for Error {
    fn from(error: precis_engine::Error) -> Self {
        match error {
            precis_engine::Error::Cancelled => Self::Cancelled,
            precis_engine::Error::Deadline => Self::Deadline,
            precis_engine::Error::Internal(operation) => Self::Internal(operation),
        }
    }
}

impl From<precis_engine::LoadError> for LoadError {
    fn from(precis_engine::LoadError { file, reason }: precis_engine::LoadError) -> Self {
        Self::Unusable { file, reason }
    }
}

impl LoadError {
    /// The file cannot be used, because of `reason`.
    pub(crate) fn unusable(file: &str, reason: impl std::fmt::Display) -> Self {
        Self::Unusable { file: file.to_owned(), reason: reason.to_string() }
    }
}
