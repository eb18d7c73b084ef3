//! The result of a job, read as one of its task (SPEC 5.2, 5.10, 5.11).

use crate::digest::Digest;
use crate::embeddings::EmbeddingsResult;
use crate::limits::MAX_RESPONSE_BYTES;
use crate::rerank::RerankResult;
use crate::strict;
use crate::style::Style;
use crate::summary::SummaryResult;
use crate::task::Task;
pub use crate::task::Tokens;

/// A result: the counts that every task's has, and what was bought.
pub struct TaskResult {
    /// The job's id.
    pub id: [u8; 16],
    /// The model that it names.
    pub model: Option<Digest>,
    /// Counted tokens.
    pub tokens: Tokens,
    /// Set if everything was read.
    pub complete: bool,
    /// The work that was bought.
    pub content: Content,
}

/// The work that was bought.
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
    /// A summary whose text says something else than its sentences.
    #[error("its text is not its sentences in a style of summaries, or not in the one asked for")]
    Text,
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
                if usage.input_tokens != coverage.input_tokens {
                    return Err(ResultError::Counts);
                }
                if !Style::ALL.into_iter().any(|style| is_laid_out(&summary, style)) {
                    return Err(ResultError::Text);
                }
                let tokens =
                    Tokens { input: usage.input_tokens, read: coverage.tokens_read, output: usage.output_tokens };
                Ok(Self {
                    id: summary.id,
                    model: Some(summary.model),
                    tokens,
                    complete: coverage.complete,
                    content: Content::Summary(summary),
                })
            }
            Task::Embeddings => {
                let result: EmbeddingsResult = strict::from_slice(bytes, MAX_RESPONSE_BYTES)?;
                let tokens = result.usage.tokens().ok_or(ResultError::Counts)?;
                if result.data.iter().zip(0..).any(|(entry, index)| entry.index != index) {
                    return Err(ResultError::Counts);
                }
                Ok(Self {
                    id: result.id,
                    model: Some(result.model),
                    tokens,
                    complete: true,
                    content: Content::Embeddings(result),
                })
            }
            Task::Rerank => {
                let result: RerankResult = strict::from_slice(bytes, MAX_RESPONSE_BYTES)?;
                let tokens = result.usage.tokens().ok_or(ResultError::Counts)?;
                Ok(Self {
                    id: result.id,
                    model: Some(result.model),
                    tokens,
                    complete: true,
                    content: Content::Rerank(result),
                })
            }
        }
    }

    /// This result, if it is laid out in the style that was asked for.
    ///
    /// # Errors
    /// [`ResultError::Text`] for a summary in another style.
    pub fn in_style(self, style: Style) -> Result<Self, ResultError> {
        match &self.content {
            Content::Summary(summary) if !is_laid_out(summary, style) => Err(ResultError::Text),
            _ => Ok(self),
        }
    }
}

/// Checks whether the text of a summary is its sentences in a style.
fn is_laid_out(summary: &SummaryResult, style: Style) -> bool {
    style.is_rendering(&summary.summary, summary.sentences.iter().map(|sentence| sentence.text.as_str()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn read(task: Task, result: &Value) -> Result<TaskResult, ResultError> {
        TaskResult::read(task, result.to_string().as_bytes())
    }

    fn vectors(indices: &[u32], tokens: (u32, u32)) -> Value {
        let entry = |index: &u32| json!({"object": "embedding", "index": index, "embedding": [0.5, -0.5]});
        json!({
            "object": "list", "id": "0b".repeat(16), "model": Digest::of(b"model"),
            "data": indices.iter().map(entry).collect::<Vec<_>>(),
            "usage": {"prompt_tokens": tokens.0, "total_tokens": tokens.1}
        })
    }

    #[test]
    fn vectors_are_numbered_from_zero_and_their_tokens_counted_once() {
        let result = read(Task::Embeddings, &vectors(&[0, 1, 2], (7, 7))).ok().unwrap();
        assert_eq!(
            (result.tokens, result.model),
            (Tokens { input: 7, read: 7, output: 0 }, Some(Digest::of(b"model")))
        );
        assert!(matches!(read(Task::Embeddings, &vectors(&[0, 2], (7, 7))), Err(ResultError::Counts)));
        assert!(matches!(read(Task::Embeddings, &vectors(&[1], (7, 7))), Err(ResultError::Counts)));
        assert!(matches!(read(Task::Embeddings, &vectors(&[0], (7, 8))), Err(ResultError::Counts)));
        assert!(matches!(read(Task::Rerank, &vectors(&[0], (7, 7))), Err(ResultError::Parse(_))));
    }

    #[test]
    fn the_text_of_a_summary_is_its_sentences_in_the_style_asked_for() {
        let of = |text: &str| {
            let sentences = json!([{"text": "Oak is\nhard."}, {"text": "Birch is white."}]);
            let result = json!({
                "id": "0b".repeat(16), "mode": "extractive", "summary": text, "sentences": sentences,
                "coverage": {"inputTokens": 7, "tokensRead": 7, "chunks": 1, "complete": true},
                "usage": {"inputTokens": 7, "outputTokens": 7}, "verbatim": true, "model": Digest::of(b"model")
            });
            read(Task::SummaryExtractive, &result)
        };
        let (running, lines) = ("Oak is hard. …Birch is white.", "- Oak is hard.\n- Birch is white.");
        for (text, style) in
            [(running, Style::Paragraph), (running, Style::Tldr), (lines, Style::Bullets), (lines, Style::Decisions)]
        {
            assert!(of(text).and_then(|result| result.in_style(style)).is_ok(), "{text}");
        }
        assert!(matches!(of(running).and_then(|result| result.in_style(Style::Bullets)), Err(ResultError::Text)));
        assert!(matches!(of(lines).and_then(|result| result.in_style(Style::Tldr)), Err(ResultError::Text)));
        for text in ["", "Oak is hard.", "Oak is hard. Birch is not white.", "- Oak is hard. Birch is white."] {
            assert!(matches!(of(text), Err(ResultError::Text)), "{text}");
        }
    }
}
