//! `precis receipt verify FILE`: offline, with the evidence inside the file.

use precis_client::{Document, MediaType, verify_saved};
use precis_protocol::limits::MAX_RECEIPT_FILE_BYTES;
use serde_json::json;

use crate::args::ReceiptVerifyArgs;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::{input, now, policy};

pub(super) fn verify(args: &ReceiptVerifyArgs, output: Output) -> Result<Exit, Failure> {
    let policy = policy::load(args.common.policy.as_deref())?;
    let bytes = input::read_file(&args.file, MAX_RECEIPT_FILE_BYTES, "receipt")?;
    let document = match &args.document {
        None => None,
        // The media type does not matter here: the receipt names its own.
        Some(path) => Some(Document::new(input::read_file(path, Document::MAX_BYTES, "document")?, MediaType::Plain)?),
    };
    let saved = verify_saved(&bytes, &policy, now(), document.as_ref());
    let transcript = &saved.appraisal.transcript;
    output.result(
        || transcript.render(args.explain),
        || json!({"transcript": transcript, "facts": saved.appraisal.facts, "isTheDocument": saved.is_the_document}),
    )?;
    match saved.is_the_document {
        Some(false) => {
            output.progress("error: the document given is not the one that this receipt is for; give the exact bytes that were sent");
            Ok(Exit::Negative)
        }
        Some(true) => {
            output.progress("document: byte for byte the one that this receipt is for");
            Ok(Exit::of_verdict(transcript.verdict()))
        }
        None => Ok(Exit::of_verdict(transcript.verdict())),
    }
}
