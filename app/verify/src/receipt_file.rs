//! Saved receipts (SPEC 7.5): one file that verifies alone, offline.
//!
//! The evidence inside is judged at the receipt's own `issuedAt`, which must lie in the keyset's period: a receipt stays valid when the
//! enclave and its collateral are long gone. It proves what the evidence proved then, not that the service runs now.

use precis_protocol::receipt::ReceiptFile;

use crate::appraise::{Freshness, Presented, appraise};
use crate::check;
use crate::policy::Policy;
use crate::quote::DcapVerifier;
use crate::receipt::{Body, Exchange, record};
use crate::service::Facts;
use crate::transcript::{Recorder, Transcript};

/// The result of judging a saved receipt.
#[derive(Debug, Clone)]
pub struct ReceiptAppraisal {
    /// Attestation checks, then receipt checks, and one verdict over both.
    pub transcript: Transcript,
    /// What the attestation in the file says, verified or not.
    pub facts: Facts,
}

/// Verifies a saved receipt. `at` is the caller's time (Unix seconds): a receipt from its future is refused. `document` is the extracted
/// text, UTF-8, for the verbatim check. `attestation` replaces the one in the file: other evidence for the same keyset.
#[must_use]
pub fn verify_receipt_file(
    bytes: &[u8],
    policy: &Policy,
    at: u64,
    document: Option<&[u8]>,
    attestation: Option<&[u8]>,
) -> ReceiptAppraisal {
    let checks = [check::ATTESTATION_CHECKS, check::RECEIPT_CHECKS].concat();
    let mut recorder = Recorder::new(policy.root.is_insecure(), &checks);
    let facts = judge(&mut recorder, bytes, policy, at, document, attestation);
    ReceiptAppraisal { transcript: recorder.finish(), facts }
}

fn judge(
    recorder: &mut Recorder,
    bytes: &[u8],
    policy: &Policy,
    at: u64,
    document: Option<&[u8]>,
    attestation: Option<&[u8]>,
) -> Facts {
    let file = match ReceiptFile::parse(bytes) {
        Ok(file) => file,
        Err(error) => {
            recorder.fail(check::RECEIPT_PARSE, error.to_string());
            return Facts::default();
        }
    };
    let presented = Presented { attestation: attestation.unwrap_or(&file.attestation), ..Presented::default() };
    let issued_at = file.receipt.receipt.issued_at;
    let (service, facts) = appraise(recorder, &DcapVerifier, &presented, policy, issued_at, Freshness::Archived);
    let Some(service) = service else { return facts };
    let Ok(receipt) = serde_json::to_vec(&file.receipt) else {
        recorder.fail(check::RECEIPT_PARSE, "the receipt cannot be encoded again");
        return facts;
    };
    let text = match document.map(std::str::from_utf8).transpose() {
        Ok(text) => text,
        Err(_) => {
            recorder.fail(check::RECEIPT_VERBATIM, "the document given is not UTF-8");
            return facts;
        }
    };
    let exchange = Exchange {
        method: &file.request.method,
        path: &file.request.path,
        media_type: &file.request.media_type,
        body: Body::Digest(file.request.body_digest),
        status_code: file.status_code,
        result: &file.result,
        receipt: &receipt,
        channel: None,
        payment: None,
        document: text,
    };
    record(recorder, &service, &exchange, Some(at));
    facts
}
