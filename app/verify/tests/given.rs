//! A document and a summary beside a receipt: another one is never VERIFIED, however the request was written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use crate::common::{BODY, DOCUMENT, Job, NOW, World, assert_fails};
use precis_protocol::Digest;
use precis_protocol::encoding::base64_encode;
use precis_protocol::receipt::ReceiptStatus;
use precis_protocol::request::text_digest;
use precis_verify::check::{self, Status};
use precis_verify::{Beside, Transcript, Verdict, verify_receipt_file};

/// A document in which every sentence of the summary stands where it stands in the right one.
fn other() -> String {
    format!("{DOCUMENT} Larch is golden.")
}

/// Every way to ask for a summary of one document: its type and body.
fn requests(document: &str) -> Vec<(&'static str, Vec<u8>)> {
    let text = serde_json::Value::from(document);
    let data = base64_encode(document.as_bytes());
    let json = |body: String| body.into_bytes();
    vec![
        ("text/plain", document.as_bytes().to_vec()),
        ("Text/Plain; Charset=UTF-8", document.as_bytes().to_vec()),
        ("text/markdown", document.as_bytes().to_vec()),
        ("application/json", json(format!(r#"{{"document":{text}}}"#))),
        ("Application/JSON", json(format!(r#"{{"document":{text},"options":{{"mode":"extractive"}}}}"#))),
        ("application/json", json(format!(r#"{{"media_type":"text/markdown","data":"{data}"}}"#))),
        (
            "application/json; charset=utf-8",
            json(format!(r#"{{ "document": {text}, "options": {{"max_words": 9}} }}"#)),
        ),
    ]
}

fn saved(job: &Job, beside: &Beside<'_>) -> Transcript {
    let file = serde_json::to_vec(&job.file()).unwrap();
    verify_receipt_file(&file, &World::policy(), NOW + 9, beside).transcript
}

fn document(document: &[u8]) -> Beside<'_> {
    Beside { document: Some(document), ..Beside::default() }
}

#[test]
fn another_document_is_never_verified_whatever_the_request_was() {
    for (media_type, body) in requests(DOCUMENT) {
        let mut job = Job::asking(media_type, &body);
        let live = job.check();
        assert!(live.is_verified(), "{media_type}: {live}");
        assert_eq!(live.outcome(check::RECEIPT_DOCUMENT).unwrap().status, Status::Pass);
        job.document = Some(other().into_bytes());
        assert_fails(&job.check(), check::RECEIPT_DOCUMENT);

        let right = saved(&job, &document(DOCUMENT.as_bytes()));
        assert!(right.is_verified(), "{media_type}: {right}");
        for check in [check::RECEIPT_DOCUMENT, check::RECEIPT_TEXT] {
            assert_eq!(right.outcome(check).unwrap().status, Status::Pass, "{media_type}: {right}");
        }
        let wrong = saved(&job, &document(other().as_bytes()));
        assert_ne!(wrong.verdict().exit_code(), 0, "{media_type}: {wrong}");
        assert_fails(&wrong, check::RECEIPT_DOCUMENT);
        assert_fails(&wrong, check::RECEIPT_TEXT);
        // The whole body always tells.
        let whole = saved(&job, &document(&body));
        assert!(whole.is_verified(), "{media_type}: {whole}");
        assert_eq!(whole.outcome(check::RECEIPT_VERBATIM).unwrap().status, Status::Pass);
        for (_, another) in requests(&other()) {
            assert_ne!(saved(&job, &document(&another)).verdict(), Verdict::Verified);
        }
    }
}

#[test]
fn a_receipt_over_another_text_than_the_documents_is_rejected() {
    let mut job = Job::new();
    job.receipt.text_digest = text_digest(&job.salts.request, &Digest::of(b"Another text."));
    assert_fails(&job.check(), check::RECEIPT_TEXT);
    assert_fails(&saved(&job, &document(BODY)), check::RECEIPT_TEXT);
    // Without the document nobody can tell.
    assert!(saved(&job, &Beside::default()).is_verified());
}

#[test]
fn a_body_that_holds_no_document_of_the_summary_is_rejected() {
    // The digest of the request fits; what is inside does not hold the sentences.
    let body = br#"{"document":"Nothing of the kind stands here, at any place."}"#;
    assert_fails(&saved(&Job::asking("application/json", body), &document(body)), check::RECEIPT_VERBATIM);
    let body = br#"{"tokens":900}"#;
    assert_fails(&saved(&Job::asking("application/json", body), &document(body)), check::RECEIPT_DOCUMENT);
    let unknown = saved(&Job::asking("application/x-tar", DOCUMENT.as_bytes()), &document(DOCUMENT.as_bytes()));
    assert_eq!(unknown.verdict(), Verdict::Incomplete, "{unknown}");
    // Of a type that is not known here nothing is concluded, whatever the bytes are.
    let binary = saved(&Job::asking("application/x-tar", b"\x7fELF\0"), &document(b"\x7fELF\0"));
    assert_eq!(binary.verdict(), Verdict::Incomplete, "{binary}");
}

#[test]
fn without_a_document_or_summary_nothing_is_compared_and_nothing_is_required() {
    let transcript = saved(&Job::new(), &Beside::default());
    assert!(transcript.is_verified(), "{transcript}");
    for check in [check::RECEIPT_DOCUMENT, check::RECEIPT_TEXT, check::RECEIPT_SUMMARY] {
        let outcome = transcript.outcome(check).unwrap();
        assert!(outcome.status == Status::NotEvaluated && !outcome.required, "{transcript}");
    }
}

#[test]
fn a_summary_other_than_the_receipted_one_is_rejected() {
    let summary = |summary: &[u8]| saved(&Job::new(), &Beside { summary: Some(summary), ..Beside::default() });
    for right in ["Oak is hard. Birch is white.", "Oak is hard. Birch is white.\n"] {
        let transcript = summary(right.as_bytes());
        assert_eq!(transcript.outcome(check::RECEIPT_SUMMARY).unwrap().status, Status::Pass, "{transcript}");
        assert!(transcript.is_verified(), "{transcript}");
    }
    for wrong in [&b"Oak is soft. Birch is white.\n"[..], b"", b"\xff", b" Oak is hard. Birch is white."] {
        assert_fails(&summary(wrong), check::RECEIPT_SUMMARY);
    }
}

#[test]
fn a_failed_job_has_no_summary_and_still_one_document() {
    let mut job = Job::new();
    job.status_code = 500;
    job.set_result(r#"{"code":"work_failed"}"#.to_owned());
    job.receipt.status = ReceiptStatus::FailedUncharged;
    job.payment.as_mut().unwrap().transaction = alloy_primitives::B256::ZERO;
    assert!(saved(&job, &document(BODY)).is_verified(), "{}", saved(&job, &document(BODY)));
    assert!(saved(&job, &document(DOCUMENT.as_bytes())).is_verified());
    assert_ne!(saved(&job, &document(other().as_bytes())).verdict(), Verdict::Verified);
    let with_summary = Beside { summary: Some(b"Oak is hard."), ..Beside::default() };
    assert_fails(&saved(&job, &with_summary), check::RECEIPT_SUMMARY);
}
