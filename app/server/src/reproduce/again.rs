//! The work itself: does the receipt hold together, is this its document, is this its model, and what comes out.

use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use precis_model::{Control, Error, Models};
use precis_protocol::attestation::Attestation;
use precis_protocol::keyset::Keyset;
use precis_protocol::limits::MAX_RESPONSE_BYTES;
use precis_protocol::receipt::{ReceiptFile, ReceiptStatus, SavedRequest};
use precis_protocol::request::{Commitment, response_digest, text_digest};
use precis_protocol::summary::{Options, SummaryResult};
use precis_protocol::{Digest, strict};
use precis_store::JobId;
use precis_verify::Verdict;

use super::report::{Judged, Outcome, Report};
use crate::pipeline::{self, Asked};
use crate::request::Whole;
use crate::service::digests;

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
    let (text, options) = asked(&saved.request, body)?;
    let read = text_digest(&saved.receipt.salts.request, &Digest::of(text.as_bytes()));
    if !report.compare("text", &receipt.text_digest, &read) {
        return Ok(
            report.cannot_tell("this build reads another text out of the document than the one that was worked on")
        );
    }
    let original: SummaryResult = match strict::from_slice(&saved.result, MAX_RESPONSE_BYTES) {
        Ok(result) => result,
        Err(error) => return Ok(report.cannot_tell(format!("the result cannot be read: {error}"))),
    };
    let models = load()?;
    let summarizer = models.get(pipeline::model_mode(options.mode));
    let (model, parameters) = digests(summarizer.as_ref());
    let same_model = report.compare("model", &receipt.model_digest, &model);
    if !(report.compare("parameters", &receipt.parameters_digest, &parameters) && same_model) {
        return Ok(report.cannot_tell("this build or its model is not the one that the receipt names"));
    }
    let mode = options.mode;
    let made = match summarizer.summarize(&text, &pipeline::model_options(options), &Control::new()) {
        Ok(summary) => pipeline::result(model, mode, JobId(original.id), summary),
        // The same refusal wherever it is tried: this result came from elsewhere.
        Err(error @ (Error::NotSummarizable(_) | Error::TooLong { .. })) => {
            report.why = Some(format!("the same model and parameters make no summary: {error}"));
            return Ok(report.end(Outcome::Different));
        }
        Err(error) => return Ok(report.cannot_tell(format!("the summary could not be made: {error}"))),
    };
    let again = response_digest(&saved.receipt.salts.response, OK, &serde_json::to_vec(&made)?);
    if report.compare("result", &receipt.response_digest, &again) {
        return Ok(report.end(Outcome::Same));
    }
    report.differing = differing(&original, &made);
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

/// Text and options of the request whose body this is.
fn asked(request: &SavedRequest, body: &[u8]) -> anyhow::Result<(pipeline::Text, Options)> {
    anyhow::ensure!(
        Digest::of(body) == request.body_digest,
        "the document is not the one that the receipt is for; give the exact bytes that were sent ({}), for a JSON request the whole body",
        request.media_type
    );
    let whole = Whole {
        method: Method::from_bytes(request.method.as_bytes())?,
        uri: request.path.parse()?,
        media_type: request.media_type.clone(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body),
        channel: precis_protocol::receipt::Channel::Https,
        sealed_to: None,
        visitor: None,
    };
    match pipeline::parse(&whole) {
        Ok(Asked { document: Some(text), options }) => Ok((text, options)),
        Ok(Asked { document: None, .. }) => anyhow::bail!("the request has no document"),
        Err(failure) => anyhow::bail!("the request cannot be read again ({})", failure.code()),
    }
}

/// Where two results differ.
fn differing(original: &SummaryResult, made: &SummaryResult) -> Vec<String> {
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
        ("usage", original.usage == made.usage),
        ("mode", original.mode == made.mode),
    ] {
        if !same {
            places.push(name.to_owned());
        }
    }
    if places.is_empty() {
        // The same values in other bytes.
        places.push("the way it is written".to_owned());
    }
    places
}

#[cfg(test)]
mod tests;
