//! `precis receipt verify FILE…`: offline, with the evidence inside each file; of several, the chain between them.

use std::path::Path;

use precis_client::{Document, MediaType, Saved, verify_saved};
use precis_protocol::evidence_file::EvidenceFile;
use precis_protocol::limits::{MAX_EVIDENCE_FILE_BYTES, MAX_RECEIPT_FILE_BYTES, MAX_RESPONSE_BYTES};
use precis_protocol::receipt::ReceiptStatus;
use precis_verify::{Transcript, Verdict, check_receipt_chain};
use serde_json::{Value, json};

use crate::args::ReceiptVerifyArgs;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::{input, now, policy};

/// What a document, a summary and other evidence say about one receipt has no meaning for another.
const ONE_ONLY: &str = "--document, --summary and --evidence are about one receipt; give one FILE with them";

pub(super) fn verify(args: &ReceiptVerifyArgs, output: Output) -> Result<Exit, Failure> {
    let (policy, _) = policy::load(args.common.policy.as_deref())?;
    let several = args.files.len() > 1;
    if several && (args.document.is_some() || args.summary.is_some() || args.evidence.is_some()) {
        return Err(Failure::usage(ONE_ONLY));
    }
    let at = args.at.unwrap_or_else(now);
    let document = args.document.as_deref().map(document).transpose()?;
    let summary = args.summary.as_deref().map(|p| input::read_file(p, MAX_RESPONSE_BYTES, "summary")).transpose()?;
    let attestation = args.evidence.as_deref().map(attestation).transpose()?;
    let mut judged = Vec::with_capacity(args.files.len());
    for file in &args.files {
        let bytes = input::read_file(file, MAX_RECEIPT_FILE_BYTES, "receipt")?;
        judged.push(verify_saved(&bytes, &policy, at, document.as_ref(), attestation.as_deref()));
    }
    let chain = several.then(|| {
        let receipts: Vec<_> = judged.iter().filter_map(|saved| saved.receipt.clone()).collect();
        check_receipt_chain(&receipts, policy.root.is_insecure())
    });
    output.result(|| text(&judged, args, chain.as_ref()), || to_json(&judged, args, chain.as_ref()))?;

    let mut exit = Exit::of_verdict(worst(judged.iter().map(|saved| &saved.appraisal.transcript).chain(&chain)));
    if let [only] = judged.as_slice() {
        if let Some(what) = only.receipt.as_ref().and_then(|signed| of_failure(signed.receipt.status)) {
            output.progress(what);
        }
        match only.is_the_document {
            Some(true) => output.progress("document: byte for byte the one that this receipt is for"),
            Some(false) => {
                output.progress("error: the document given is not the one that this receipt is for; give the exact bytes that were sent");
                exit = Exit::Negative;
            }
            None => {}
        }
        match summary.map(|text| only.is_the_summary(&text)) {
            Some(true) => output.progress("summary: the one that this receipt is for"),
            Some(false) => {
                output.progress("error: the summary given is not the one that this receipt is for");
                exit = Exit::Negative;
            }
            None => {}
        }
    }
    Ok(exit)
}

/// A sound receipt of a failure is easily taken for one of a summary.
fn of_failure(status: ReceiptStatus) -> Option<&'static str> {
    match status {
        ReceiptStatus::Completed => None,
        ReceiptStatus::FailedUncharged => Some("status: the job failed and nothing was charged; there is no summary"),
        ReceiptStatus::FailedRefunded => {
            Some("status: the job failed and its payment was paid back; there is no summary")
        }
    }
}

fn document(path: &Path) -> Result<Document, Failure> {
    // The media type does not matter here: the receipt names its own.
    Ok(Document::new(input::read_file(path, Document::MAX_BYTES, "document")?, MediaType::Plain)?)
}

fn attestation(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = input::read_file(path, MAX_EVIDENCE_FILE_BYTES, "evidence")?;
    let file = EvidenceFile::parse(&bytes)
        .map_err(|error| Failure::usage(format!("{} cannot be used: {error}", path.display())))?;
    Ok(file.attestation)
}

fn worst<'a>(transcripts: impl Iterator<Item = &'a Transcript>) -> Verdict {
    let verdicts: Vec<Verdict> = transcripts.map(Transcript::verdict).collect();
    if verdicts.contains(&Verdict::Rejected) || verdicts.is_empty() {
        Verdict::Rejected
    } else if verdicts.contains(&Verdict::Incomplete) {
        Verdict::Incomplete
    } else {
        Verdict::Verified
    }
}

fn text(judged: &[Saved], args: &ReceiptVerifyArgs, chain: Option<&Transcript>) -> String {
    let mut out = String::new();
    for (saved, file) in judged.iter().zip(&args.files) {
        if chain.is_some() {
            out.push_str(&format!("== {}\n", file.display()));
        }
        out.push_str(&saved.appraisal.transcript.render(args.explain));
    }
    if let Some(chain) = chain {
        out.push_str("== the chain between them\n");
        out.push_str(&chain.render(args.explain));
    }
    out
}

fn to_json(judged: &[Saved], args: &ReceiptVerifyArgs, chain: Option<&Transcript>) -> Value {
    let one = |saved: &Saved| {
        let appraisal = &saved.appraisal;
        json!({"transcript": appraisal.transcript, "facts": appraisal.facts, "isTheDocument": saved.is_the_document})
    };
    match (judged, chain) {
        ([only], None) => one(only),
        _ => {
            let receipts = judged.iter().zip(&args.files).map(|(saved, file)| {
                let mut entry = one(saved);
                entry["file"] = json!(file.display().to_string());
                entry
            });
            json!({"receipts": receipts.collect::<Vec<_>>(), "chain": chain})
        }
    }
}
