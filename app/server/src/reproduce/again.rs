//! The work itself: does the receipt hold together, is this its document, is this its model, and what comes out.

use std::sync::Arc;

use precis_protocol::Digest;
use precis_protocol::Task;
use precis_protocol::attestation::Attestation;
use precis_protocol::keyset::Keyset;
use precis_protocol::receipt::{ReceiptFile, ReceiptStatus, SavedRequest};
use precis_protocol::request::{Commitment, response_digest, text_digest};
use precis_protocol::result::{Content, TaskResult};
use precis_protocol::summary::SummaryResult;
use precis_store::JobId;
use precis_summarize::{Control, Error, Models};
use precis_verify::Verdict;

use super::report::{Judged, Outcome, Report};
use crate::service::digest_of;
use crate::task::{Input, Offering, Sent, offering};

/// HTTP status of a summary.
const OK: u16 = 200;

pub(super) fn reproduce(
    saved: &ReceiptFile,
    body: &[u8],
    judged: Option<Judged>,
    load: impl FnOnce() -> anyhow::Result<Models>,
) -> anyhow::Result<Report> {
    let receipt = &saved.receipt.receipt;
    let mut report = Report::new(hex::encode(receipt.receipt_id), judged);
    match signer(saved) {
        Ok(address) => report.signed_by = Some(address),
        Err(why) => return Ok(report.cannot_tell(why)),
    }
    if let Some(judged) = judged.filter(|judged| judged.verdict != Verdict::Verified) {
        return Ok(report.cannot_tell(format!("the receipt is {} under the policy", judged.verdict.as_str())));
    }
    if receipt.status != ReceiptStatus::Completed {
        return Ok(report.cannot_tell("the receipt is of a job that failed; there is no summary"));
    }
    if let Err(why) = holds_together(saved) {
        return Ok(report.cannot_tell(why));
    }
    let Some(task) = Task::of_digest(&receipt.task) else {
        return Ok(report.cannot_tell("the receipt is of a task that this build does not know"));
    };
    let offering = offering(task).map_err(|failure| anyhow::anyhow!("{}", failure.code()))?;
    let input = asked(offering, &saved.request, body)?;
    if input.task() != task {
        return Ok(report.cannot_tell("the request asks for another task than the receipt is of"));
    }
    let read = text_digest(&saved.receipt.salts.request, &input.text_digest());
    if !report.compare("text", &receipt.text_digest, &read) {
        return Ok(
            report.cannot_tell("this build reads another text out of the document than the one that was worked on")
        );
    }
    let original = match TaskResult::read(task, &saved.result) {
        Ok(result) => result,
        Err(error) => return Ok(report.cannot_tell(format!("the result cannot be read: {error}"))),
    };
    let models = load()?;
    let facts = offering.facts(task, &models);
    let same_model = report.compare("model", &receipt.model_digest, &facts.model);
    if !(report.compare("parameters", &receipt.parameters_digest, &digest_of(&facts.parameters)) && same_model) {
        return Ok(report.cannot_tell("this build or its model is not the one that the receipt names"));
    }
    let made = match input.perform(&models, JobId(original.id), &Control::new()) {
        Ok(made) => made,
        // The same refusal wherever it is tried: this result came from elsewhere.
        Err(error @ (Error::NotSummarizable(_) | Error::TooLong { .. })) => {
            report.why = Some(format!("the same model and parameters make no result: {error}"));
            return Ok(report.end(Outcome::Different));
        }
        Err(error) => return Ok(report.cannot_tell(format!("the result could not be made: {error}"))),
    };
    let again = response_digest(&saved.receipt.salts.response, OK, &made);
    if report.compare("result", &receipt.response_digest, &again) {
        return Ok(report.end(Outcome::Same));
    }
    report.differing = differing(&original, &TaskResult::read(task, &made)?);
    Ok(report.end(Outcome::Different))
}

/// The address that signed, if it is the one in the keyset that the receipt names and the file holds.
fn signer(saved: &ReceiptFile) -> Result<String, String> {
    let found = saved.receipt.signer().map_err(|error| format!("the signature is not one: {error}"))?;
    let attestation = Attestation::parse(&saved.attestation).map_err(|error| error.to_string())?;
    if Keyset::digest(&attestation.keyset) != saved.receipt.receipt.keyset_digest {
        return Err("the keyset in the file is not the one that the receipt names".to_owned());
    }
    let keyset = Keyset::parse(&attestation.keyset).map_err(|error| error.to_string())?;
    let expected = keyset.receipt_address().map_err(|error| error.to_string())?;
    if found == expected {
        Ok(found.to_string())
    } else {
        Err(format!("the signature recovers to {found}, and the keyset's key is {expected}"))
    }
}

/// Whether request and result in the file are those that were signed over.
fn holds_together(saved: &ReceiptFile) -> Result<(), String> {
    let SavedRequest { method, path, media_type, body_digest } = &saved.request;
    let (receipt, salts) = (&saved.receipt.receipt, &saved.receipt.salts);
    let request = Commitment::from_body_digest(method, path, media_type, body_digest);
    if request.map(|request| request.receipt_digest(&salts.request)) != Some(receipt.request_digest) {
        return Err("the request in the file is not the one that was signed over".to_owned());
    }
    if response_digest(&salts.response, saved.status_code, &saved.result) != receipt.response_digest {
        return Err("the result in the file is not the one that was signed over".to_owned());
    }
    Ok(())
}

/// Input of the request whose body this is.
fn asked(offering: &dyn Offering, request: &SavedRequest, body: &[u8]) -> anyhow::Result<Arc<dyn Input>> {
    anyhow::ensure!(
        Digest::of(body) == request.body_digest,
        "the document is not the one that the receipt is for; give the exact bytes that were sent ({}), for a JSON request the whole body",
        request.media_type
    );
    let query = request.path.split_once('?').map(|(_, query)| query);
    let sent = Sent { media_type: &request.media_type, query, body };
    offering.read(&sent).map_err(|failure| anyhow::anyhow!("the request cannot be read again ({})", failure.code()))
}

/// Places where two results of one task differ.
fn differing(original: &TaskResult, made: &TaskResult) -> Vec<String> {
    let mut places = match (&original.content, &made.content) {
        (Content::Summary(original), Content::Summary(made)) => in_summaries(original, made),
        (Content::Embeddings(original), Content::Embeddings(made)) => entries(&original.data, &made.data),
        (Content::Rerank(original), Content::Rerank(made)) => entries(&original.results, &made.results),
        _ => Vec::new(),
    };
    if original.tokens != made.tokens {
        places.push("the counts of tokens".to_owned());
    }
    if places.is_empty() {
        // The same values in other bytes.
        places.push("the way it is written".to_owned());
    }
    places
}

fn entries<T: PartialEq>(original: &[T], made: &[T]) -> Vec<String> {
    let count = original.len().max(made.len());
    (0..count)
        .filter(|index| original.get(*index) != made.get(*index))
        .map(|index| format!("entry {}", index + 1))
        .collect()
}

fn in_summaries(original: &SummaryResult, made: &SummaryResult) -> Vec<String> {
    let mut places = vec![];
    let count = original.sentences.len().max(made.sentences.len());
    let sentence = |index| (original.sentences.get(index), made.sentences.get(index));
    for index in 0..count {
        match sentence(index) {
            (Some(before), Some(after)) if before == after => {}
            (Some(before), Some(after)) if before.text == after.text => {
                places.push(format!("offsets or grounding of sentence {}", index + 1));
            }
            _ => places.push(format!("sentence {}", index + 1)),
        }
    }
    for (name, same) in [
        ("summary", original.summary == made.summary),
        ("coverage", original.coverage == made.coverage),
        ("mode", original.mode == made.mode),
    ] {
        if !same {
            places.push(name.to_owned());
        }
    }
    places
}

#[cfg(test)]
mod tests;
