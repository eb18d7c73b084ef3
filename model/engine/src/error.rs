//! Errors of the engine. None of them carries text of a request.

/// Failure of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
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
    pub fn internal<E>(operation: &'static str) -> impl FnOnce(E) -> Self {
        move |_| Self::Internal(operation)
    }
}

/// A file, or this machine, that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file} cannot be used: {reason}")]
pub struct LoadError {
    /// Name of the file, or of the part that failed.
    pub file: String,
    /// Reason, for the operator to act on.
    pub reason: String,
}

impl LoadError {
    /// The file cannot be used, because of `reason`.
    pub fn unusable(file: &str, reason: impl std::fmt::Display) -> Self {
        Self { file: file.to_owned(), reason: reason.to_string() }
    }
}
