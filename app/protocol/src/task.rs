//! Tasks that can be bought (SPEC 7.2). A receipt names its task by the digest of the id.

use crate::digest::Digest;
use crate::summary::Mode;

/// A task that this version of the code knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A summary of sentences that stand in the document.
    SummaryExtractive,
    /// A summary that a language model writes.
    SummaryAbstractive,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::SummaryExtractive, Self::SummaryAbstractive];

    /// The id, as it is written.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::SummaryExtractive => "summary.extractive",
            Self::SummaryAbstractive => "summary.abstractive",
        }
    }

    /// SHA-256 of the id: `task` of a receipt.
    #[must_use]
    pub fn digest(self) -> Digest {
        Digest::of(self.id().as_bytes())
    }

    /// The task that a receipt names, if this version knows it.
    #[must_use]
    pub fn of_digest(digest: &Digest) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.digest() == *digest)
    }
}

impl From<Mode> for Task {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Extractive => Self::SummaryExtractive,
            Mode::Abstractive => Self::SummaryAbstractive,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_task_is_found_by_its_digest_and_no_other_is() {
        for task in Task::ALL {
            assert_eq!(Task::of_digest(&task.digest()), Some(task));
        }
        assert_eq!(Task::of_digest(&Digest::of(b"summary")), None);
        let value = serde_json::to_value(Task::SummaryExtractive.digest()).unwrap();
        assert!(value.as_str().unwrap().starts_with("sha256:"), "{value}");
    }
}
