//! The result of a job, read as one of its task (SPEC 5.2, 5.10, 5.11).

use crate::digest::Digest;
use crate::embeddings::EmbeddingsResult;
use crate::limits::MAX_RESPONSE_BYTES;
use crate::rerank::RerankResult;
use crate::strict;
use crate::summary::SummaryResult;
use crate::task::Task;

/// A result: the counts that every task's has, and what was bought.
pub struct TaskResult {
    /// The job's id.
    pub id: [u8; 16],
    /// The model that it names.
    pub model: Option<Digest>,
    /// Counted tokens.
    pub tokens: Tokens,
    /// What was bought.
    pub content: Content,
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

/// What was bought.
pub enum Content {
    /// A summary.
    Summary(SummaryResult),
    /// Vectors.
    Embeddings(EmbeddingsResult),
    /// An order of documents.
    Rerank(RerankResult),
}

/// Reasons why bytes are no result of a task.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// Not the strict JSON document of the task.
    #[error(transparent)]
    Parse(#[from] strict::StrictError),
    /// A result of another task.
    #[error("it is of another task than {0}")]
    Task(Task),
    /// Counts that contradict each other.
    #[error("its counts contradict each other")]
    Counts,
}

impl TaskResult {
    /// Reads the exact bytes of a result.
    ///
    /// # Errors
    /// [`ResultError`].
    pub fn read(task: Task, bytes: &[u8]) -> Result<Self, ResultError> {
        match task {
            Task::SummaryAbstractive | Task::SummaryExtractive => {
                let summary: SummaryResult = strict::from_slice(bytes, MAX_RESPONSE_BYTES)?;
                if Task::from(summary.mode) != task {
                    return Err(ResultError::Task(task));
                }
                let (usage, coverage) = (summary.usage, summary.coverage);
                let complete = coverage.tokens_read == coverage.input_tokens;
                if usage.input_tokens != coverage.input_tokens || coverage.complete != complete {
                    return Err(ResultError::Counts);
                }
                let tokens =
                    Tokens { input: usage.input_tokens, read: coverage.tokens_read, output: usage.output_tokens };
                Ok(Self { id: summary.id, model: Some(summary.model), tokens, content: Content::Summary(summary) })
            }
            Task::Embeddings => {
                let result: EmbeddingsResult = strict::from_slice(bytes, MAX_RESPONSE_BYTES)?;
                let tokens = result.usage.tokens().ok_or(ResultError::Counts)?;
                if !result.data.iter().map(|entry| entry.index).eq(0..) {
                    return Err(ResultError::Counts);
                }
                Ok(Self { id: result.id, model: Some(result.model), tokens, content: Content::Embeddings(result) })
            }
            Task::Rerank => {
                let result: RerankResult = strict::from_slice(bytes, MAX_RESPONSE_BYTES)?;
                let tokens = result.usage.tokens().ok_or(ResultError::Counts)?;
                Ok(Self { id: result.id, model: Some(result.model), tokens, content: Content::Rerank(result) })
            }
        }
    }
}
