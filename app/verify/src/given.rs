//! The document and the summary that a caller holds beside a receipt, compared with what the receipt is for (SPEC 8.6).
//!
//! Guarantee: a comparison that cannot be made is not evaluated and stays required, so that a document or a summary once given is
//! never passed over. Details name sizes and digests, never text.

use precis_extract::{DocumentType, Hints, Limits, detect, extract};
use precis_protocol::embeddings::{EmbeddingsRequest, digest_of_texts};
use precis_protocol::encoding::base64_decode;
use precis_protocol::limits::{MAX_DOCUMENT_BYTES, MAX_REQUEST_BODY_BYTES};
use precis_protocol::receipt::SignedReceipt;
use precis_protocol::request::text_digest;
use precis_protocol::rerank::RerankRequest;
use precis_protocol::summary::{SummaryRequest, SummaryResult};
use precis_protocol::{Digest, Task, strict};

use crate::check;
use crate::exchange::{Body, Exchange};
use crate::transcript::Recorder;

/// Type of a JSON request.
const JSON: &str = "application/json";
/// Type of the text that a JSON request has as it stands.
const PLAIN: &str = "text/plain";

/// Text that was worked on, as the verifier reads it out of the document given.
pub(crate) struct Worked {
    /// The text, which offsets in a summary count in; none where there are several texts.
    pub text: Option<String>,
    /// Digest of the text, or of the texts (SPEC 7.3).
    digest: Digest,
    /// Bytes of text.
    bytes: usize,
}

impl Worked {
    fn one(text: String) -> Self {
        Self { digest: Digest::of(text.as_bytes()), bytes: text.len(), text: Some(text) }
    }

    fn several(texts: &[String]) -> Self {
        let digest = digest_of_texts(texts.iter().map(String::as_str));
        Self { digest, bytes: texts.iter().map(String::len).sum(), text: None }
    }

    fn is_of(&self, signed: &SignedReceipt) -> bool {
        text_digest(&signed.salts.request, &self.digest) == signed.receipt.text_digest
    }
}

/// Compares the document. Returns its text, or why there is none; `None` if no document was given, or its type is not known here.
pub(crate) fn document(
    recorder: &mut Recorder,
    exchange: &Exchange<'_>,
    signed: &SignedReceipt,
) -> Option<Result<Worked, String>> {
    let Some(given) = exchange.document else {
        recorder.optional(check::RECEIPT_DOCUMENT, "no document was given");
        return None;
    };
    let found = format!("{} bytes, {}", given.len(), Digest::of(given));
    if is_json(exchange.media_type) {
        return in_json(recorder, exchange, given, &found, signed);
    }
    if DocumentType::parse(exchange.media_type).is_err() {
        recorder.skip(
            check::RECEIPT_DOCUMENT,
            format!("the request was of type {}, out of which no document can be told", exchange.media_type),
        );
        return None;
    }
    let sent = body_digest(exchange);
    recorder.record(
        check::RECEIPT_DOCUMENT,
        if Digest::of(given) == sent { Ok(found) } else { Err(format!("{found}, expected {sent}")) },
    );
    text_of(exchange, exchange.media_type, given)
}

/// A JSON request, of which a saved receipt keeps only the digest of the whole body.
fn in_json(
    recorder: &mut Recorder,
    exchange: &Exchange<'_>,
    given: &[u8],
    found: &str,
    signed: &SignedReceipt,
) -> Option<Result<Worked, String>> {
    let sent = body_digest(exchange);
    if let Some(texts) = Task::of_digest(&signed.receipt.task).and_then(|task| list_of(task, given)) {
        let result = if Digest::of(given) == sent { texts } else { Err(format!("{found}, expected {sent}")) };
        let shown = result.as_ref().map(|_| format!("{found}: the whole JSON body")).map_err(Clone::clone);
        recorder.record(check::RECEIPT_DOCUMENT, shown);
        return Some(result);
    }
    if Digest::of(given) == sent {
        let inside = Inside::of(given);
        recorder.record(
            check::RECEIPT_DOCUMENT,
            inside.as_ref().map(|_| format!("{found}: the whole JSON body")).map_err(Clone::clone),
        );
        return match inside {
            Ok(inside) => text_of(exchange, &inside.media_type, &inside.bytes),
            Err(why) => Some(Err(why)),
        };
    }
    if let Body::Bytes(body) = exchange.body {
        let result = Inside::of(body).and_then(|inside| {
            let same = inside.bytes == given;
            if same {
                Ok(inside)
            } else {
                Err(format!("{found}, expected {} inside the JSON body", Digest::of(&inside.bytes)))
            }
        });
        recorder.record(
            check::RECEIPT_DOCUMENT,
            result.as_ref().map(|_| format!("{found}: inside the JSON body")).map_err(Clone::clone),
        );
        let media_type = result.map_or_else(|_| PLAIN.to_owned(), |inside| inside.media_type);
        return text_of(exchange, &media_type, given);
    }
    // Of the body around it only a digest is kept; the text that was worked on has a digest of its own.
    let text = text_of(exchange, PLAIN, given);
    let result = match &text {
        // Nothing was found that speaks against it.
        None => {
            let why = format!("{found} has a text that cannot be told here, and of the body around it no more is kept");
            recorder.skip(check::RECEIPT_DOCUMENT, why);
            return None;
        }
        Some(Ok(worked)) if worked.is_of(signed) => {
            Ok(format!("{found}: by its text, inside a JSON body that is not kept"))
        }
        Some(Ok(_)) => Err(format!("{found} has another text than the one that was worked on")),
        Some(Err(why)) => Err(format!("{found} has no text: {why}")),
    };
    recorder.record(check::RECEIPT_DOCUMENT, result);
    text
}

/// The texts in a JSON body of a task that works on a list of them; none for another task.
fn list_of(task: Task, body: &[u8]) -> Option<Result<Worked, String>> {
    let texts = match task {
        Task::Embeddings => strict::from_slice::<EmbeddingsRequest>(body, MAX_REQUEST_BODY_BYTES)
            .map(|request| request.input.into_vec()),
        Task::Rerank => {
            strict::from_slice::<RerankRequest>(body, MAX_REQUEST_BODY_BYTES).map(RerankRequest::into_texts)
        }
        Task::SummaryAbstractive | Task::SummaryExtractive => return None,
    };
    Some(texts.map(|texts| Worked::several(&texts)).map_err(|error| error.to_string()))
}

/// Compares the text of the document given with the one that the work was done on. `None` if no document was given, or its text
/// cannot be told here.
pub(crate) fn text(
    recorder: &mut Recorder,
    exchange: &Exchange<'_>,
    signed: &SignedReceipt,
    worked: Option<&Result<Worked, String>>,
) {
    match worked {
        None if exchange.document.is_some() => {
            recorder.skip(check::RECEIPT_TEXT, "the document given has a text that cannot be told here");
        }
        None => recorder.optional(check::RECEIPT_TEXT, "no document was given"),
        Some(Err(why)) => recorder.fail(check::RECEIPT_TEXT, format!("the document given has no text: {why}")),
        Some(Ok(worked)) if worked.is_of(signed) => {
            recorder.pass(check::RECEIPT_TEXT, format!("{} bytes of text", worked.bytes));
        }
        Some(Ok(worked)) => {
            let why = format!("{} bytes of text that are not those that were worked on", worked.bytes);
            recorder.fail(check::RECEIPT_TEXT, why);
        }
    }
}

/// The document inside a JSON request.
struct Inside {
    media_type: String,
    bytes: Vec<u8>,
}

impl Inside {
    fn of(body: &[u8]) -> Result<Self, String> {
        let request: SummaryRequest = strict::from_slice(body, MAX_REQUEST_BODY_BYTES).map_err(|e| e.to_string())?;
        match (request.document, request.media_type, request.data) {
            (Some(document), None, None) => Ok(Self { media_type: PLAIN.to_owned(), bytes: document.into_bytes() }),
            (None, Some(media_type), Some(data)) => {
                base64_decode(&data).map(|bytes| Self { media_type, bytes }).map_err(|e| format!("`data`: {e}"))
            }
            _ => Err("the JSON body holds no document".to_owned()),
        }
    }
}

/// Compares the summary, but for white space at its end. `result` is none if the job failed.
pub(crate) fn summary(recorder: &mut Recorder, exchange: &Exchange<'_>, result: Option<&SummaryResult>) {
    let Some(given) = exchange.summary else {
        return recorder.optional(check::RECEIPT_SUMMARY, "no summary was given");
    };
    let digest = |text: &[u8]| Digest::of(text.trim_ascii_end());
    let outcome = match result {
        None => Err("the job failed, so that there is no summary".to_owned()),
        Some(result) if digest(result.summary.as_bytes()) == digest(given) => {
            Ok(format!("{} bytes, {}", given.trim_ascii_end().len(), digest(given)))
        }
        Some(result) => Err(format!("{}, expected {}", digest(given), digest(result.summary.as_bytes()))),
    };
    recorder.record(check::RECEIPT_SUMMARY, outcome);
}

/// The text of a document: of one that is text itself, else as the caller read it, if it did.
fn text_of(exchange: &Exchange<'_>, media_type: &str, bytes: &[u8]) -> Option<Result<Worked, String>> {
    if let Some(text) = exchange.text {
        return Some(Ok(Worked::one(text.to_owned())));
    }
    let kind = detect(bytes, Hints { media_type: Some(media_type), name: None });
    if kind.is_ok_and(|kind| !kind.is_text()) {
        return None;
    }
    let text = extract(media_type, bytes, &Limits { max_bytes: MAX_DOCUMENT_BYTES });
    Some(text.map(Worked::one).map_err(|error| error.to_string()))
}

fn body_digest(exchange: &Exchange<'_>) -> Digest {
    match exchange.body {
        Body::Bytes(body) => Digest::of(body),
        Body::Digest(digest) => digest,
    }
}

/// Checks whether a request of a type holds its document in JSON.
pub(crate) fn is_json(media_type: &str) -> bool {
    essence(media_type).eq_ignore_ascii_case(JSON)
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}
