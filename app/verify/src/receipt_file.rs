//! Saved receipts (SPEC 7.5): one file that verifies alone, offline.
//!
//! The evidence inside is judged at the receipt's own `issuedAt`, which must lie in the keyset's period: a receipt stays valid when the
//! enclave and its collateral are long gone. It proves what the evidence proved then, not that the service runs now. Newer evidence or
//! collateral can be given: what became known since then counts.

use precis_protocol::attestation::Collateral;
use precis_protocol::receipt::ReceiptFile;

use crate::appraise::appraise;
use crate::check;
use crate::exchange::{Body, Exchange};
use crate::online::Online;
use crate::policy::Policy;
use crate::presented::{Freshness, Presented};
use crate::quote::DcapVerifier;
use crate::receipt::record;
use crate::service::Facts;
use crate::settlement::OnChain;
use crate::transcript::{Recorder, Transcript};

/// The result of judging a saved receipt.
#[derive(Debug, Clone)]
pub struct ReceiptAppraisal {
    /// Attestation checks, then receipt checks, and one verdict over both.
    pub transcript: Transcript,
    /// What the attestation in the file says, verified or not.
    pub facts: Facts,
}

/// What a caller has beside a saved receipt.
#[derive(Clone, Copy, Default)]
pub struct Beside<'a> {
    /// The document, exact bytes; for a JSON request also its whole body.
    pub document: Option<&'a [u8]>,
    /// The text of the document as the caller read it, if its type is none that is text itself.
    pub text: Option<&'a str>,
    /// The summary.
    pub summary: Option<&'a [u8]>,
    /// Other evidence for the same keyset, in the place of what is in the file.
    pub attestation: Option<&'a [u8]>,
    /// Collateral of the caller's own.
    pub collateral: Option<&'a Collateral>,
    /// What the payment chain has of the receipt's block, settlement and refund.
    pub on_chain: Online<'a, &'a OnChain>,
}

/// Verifies a saved receipt. `at` is the caller's time (Unix seconds): a receipt from its future is refused.
///
/// The evidence in the file is judged as at the receipt. Evidence or collateral that is given beside it is judged as at its newest
/// item, where that is later: what Intel has revoked and downgraded since then applies to the receipt (SPEC 8.1).
#[must_use]
pub fn verify_receipt_file(bytes: &[u8], policy: &Policy, at: u64, beside: &Beside<'_>) -> ReceiptAppraisal {
    let checks = [check::ATTESTATION_CHECKS, check::RECEIPT_CHECKS].concat();
    let mut recorder = Recorder::new(policy.root.is_insecure(), &checks);
    let facts = judge(&mut recorder, bytes, policy, at, beside);
    ReceiptAppraisal { transcript: recorder.finish(), facts }
}

fn judge(recorder: &mut Recorder, bytes: &[u8], policy: &Policy, at: u64, beside: &Beside<'_>) -> Facts {
    let file = match ReceiptFile::parse(bytes) {
        Ok(file) => file,
        Err(error) => {
            recorder.fail(check::RECEIPT_PARSE, error.to_string());
            return Facts::default();
        }
    };
    let presented = Presented {
        attestation: beside.attestation.unwrap_or(&file.attestation),
        collateral: beside.collateral,
        ..Presented::default()
    };
    let later = (beside.attestation.is_some() || beside.collateral.is_some()).then_some(at);
    let issued_at = file.receipt.receipt.issued_at;
    let (service, facts) =
        appraise(recorder, &DcapVerifier, &presented, policy, issued_at, Freshness::Archived { later });
    let Some(service) = service else { return facts };
    let Ok(receipt) = serde_json::to_vec(&file.receipt) else {
        recorder.fail(check::RECEIPT_PARSE, "the receipt cannot be encoded again");
        return facts;
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
        document: beside.document,
        text: beside.text,
        summary: beside.summary,
        on_chain: beside.on_chain,
    };
    record(recorder, &service, &exchange, Some(at));
    facts
}
