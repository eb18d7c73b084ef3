//! Body of a 200: the exact bytes of a result and of its receipt in one JSON document (SPEC 5.2, 5.9).

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::task::Task;

/// Ways in which a receipt stands beside a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `{"result":{…},"receipt":{…}}`.
    Wrapped,
    /// `{…,"receipt":{…}}`: the result with one more member at its end, so that clients of an API with a shape of its own read it.
    Inline,
}

const fn form(task: Task) -> Form {
    match task {
        Task::SummaryAbstractive | Task::SummaryExtractive => Form::Wrapped,
        Task::Embeddings | Task::Rerank => Form::Inline,
    }
}

/// Start of the receipt in an inline answer.
const RECEIPT_MEMBER: &[u8] = br#","receipt":"#;

/// Writes the body. `result` and `receipt` are compact JSON objects, the former with a member at least.
#[must_use]
pub fn join(task: Task, result: &[u8], receipt: &[u8]) -> Vec<u8> {
    match form(task) {
        Form::Wrapped => [br#"{"result":"#, result, RECEIPT_MEMBER, receipt, b"}"].concat(),
        Form::Inline => {
            let open = result.strip_suffix(b"}").unwrap_or(result);
            [open, RECEIPT_MEMBER, receipt, b"}"].concat()
        }
    }
}

/// A body is not the answer of its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a result with its receipt")]
pub struct NotAnAnswer;

#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    result: &'a RawValue,
    #[serde(borrow)]
    receipt: &'a RawValue,
}

#[derive(Deserialize)]
struct Inline<'a> {
    #[serde(borrow)]
    receipt: &'a RawValue,
}

/// Exact bytes of result and receipt in a body. Neither is looked at.
///
/// # Errors
/// [`NotAnAnswer`] when the body is anything but what [`join`] writes.
pub fn split(task: Task, body: &[u8]) -> Result<(Vec<u8>, Vec<u8>), NotAnAnswer> {
    let (result, receipt) = match form(task) {
        Form::Wrapped => {
            let Wrapped { result, receipt } = serde_json::from_slice(body).map_err(|_| NotAnAnswer)?;
            (result.get().as_bytes().to_vec(), receipt.get().as_bytes().to_vec())
        }
        Form::Inline => {
            let Inline { receipt } = serde_json::from_slice(body).map_err(|_| NotAnAnswer)?;
            let receipt = receipt.get().as_bytes();
            let end = [RECEIPT_MEMBER, receipt, b"}"].concat();
            let open = body.strip_suffix(end.as_slice()).ok_or(NotAnAnswer)?;
            ([open, b"}"].concat(), receipt.to_vec())
        }
    };
    if join(task, &result, &receipt) == body { Ok((result, receipt)) } else { Err(NotAnAnswer) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_task_s_answer_splits_into_the_bytes_it_was_joined_from() {
        for task in Task::ALL {
            for (result, receipt) in [(r#"{"a":[1]}"#, r#"{"b":"x,\"receipt\":"}"#), (r#"{"é":{"receipt":1}}"#, "{}")]
            {
                let body = join(task, result.as_bytes(), receipt.as_bytes());
                assert!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["receipt"].is_object());
                let (back, kept) = split(task, &body).unwrap();
                assert_eq!((back.as_slice(), kept.as_slice()), (result.as_bytes(), receipt.as_bytes()), "{task}");
            }
        }
    }

    #[test]
    fn another_writing_of_an_answer_is_refused() {
        let body = join(Task::Embeddings, br#"{"a":1}"#, br#"{"b":2}"#);
        for other in [
            br#"{"receipt":{"b":2},"a":1}"#.as_slice(),
            br#"{"a":1, "receipt":{"b":2}}"#,
            br#"{"a":1,"receipt":{"b":2},"receipt":{"b":2}}"#,
            br#"{"a":1,"receipt":{"b":2}} "#,
            b"[]",
            &body[..body.len() - 1],
        ] {
            assert_eq!(split(Task::Embeddings, other), Err(NotAnAnswer), "{}", String::from_utf8_lossy(other));
        }
        assert_eq!(split(Task::SummaryExtractive, br#"{"receipt":{},"result":{}}"#), Err(NotAnAnswer));
    }
}
