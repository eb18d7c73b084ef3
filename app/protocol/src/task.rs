//! Tasks that can be bought, and their terms (SPEC 2.3, 7.2). A keyset lists the tasks of its service by id; a receipt names one by the
//! digest of the id.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::price::Price;
use crate::summary::Mode;

/// A task that this version of the code knows, in the order of the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Task {
    /// Vectors of texts.
    #[serde(rename = "embeddings")]
    Embeddings,
    /// Documents in the order of their nearness to a query.
    #[serde(rename = "rerank")]
    Rerank,
    /// A summary that a language model writes.
    #[serde(rename = "summary.abstractive")]
    SummaryAbstractive,
    /// A summary of sentences that stand in the document.
    #[serde(rename = "summary.extractive")]
    SummaryExtractive,
}

impl Task {
    /// All of them, in the order of the ids.
    pub const ALL: [Self; 4] = [Self::Embeddings, Self::Rerank, Self::SummaryAbstractive, Self::SummaryExtractive];

    /// The id, as it is written.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
            Self::SummaryAbstractive => "summary.abstractive",
            Self::SummaryExtractive => "summary.extractive",
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

impl fmt::Display for Task {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id())
    }
}

/// An id of no task that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no task has this id")]
pub struct UnknownTask;

impl FromStr for Task {
    type Err = UnknownTask;

    fn from_str(id: &str) -> Result<Self, UnknownTask> {
        Self::ALL.into_iter().find(|task| task.id() == id).ok_or(UnknownTask)
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

/// One value for each task that a service sells, in the order of the ids.
pub type PerTask<T> = BTreeMap<Task, T>;

/// Terms of one task, as the keyset carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TaskTerms {
    /// Digest of the manifest of the model that works; none if no model does.
    pub model: Option<Digest>,
    /// Digest of the parameters (SPEC 7.3).
    pub parameters: Digest,
    /// Price in force.
    pub price: Price,
    /// Digest of the limits, as `/v1/service` shows them.
    pub limits: Digest,
}

/// Counted tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Those of the input, which the price is computed from.
    pub input: u32,
    /// Those that the model read.
    pub read: u32,
    /// Those that the model wrote.
    pub output: u32,
}

/// Limits of one request of a task. Over them it is refused before payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TaskLimits {
    /// Texts, count.
    pub max_texts: u32,
    /// Bytes of text, all texts together.
    pub max_bytes: u64,
    /// Input tokens, all texts together.
    pub max_tokens: u32,
}

impl TaskLimits {
    /// Digest of the compact JSON (SPEC 2.3).
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Three integers always serialize.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
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

    #[test]
    fn tasks_are_written_by_their_ids_and_sorted_by_them() {
        for task in Task::ALL {
            assert_eq!(serde_json::to_value(task).unwrap(), task.id());
            assert_eq!(task.id().parse(), Ok(task));
        }
        assert!("summary".parse::<Task>().is_err());
        let mut ids = Task::ALL.map(Task::id);
        ids.sort_unstable();
        assert_eq!(ids, Task::ALL.map(Task::id), "as bytes, which is how a keyset is compared");
        assert!(Task::ALL.is_sorted());
    }
}
