//! Saved receipts, judged offline (SPEC 7.5).

use precis_protocol::digest::Digest;
use precis_protocol::receipt::{ReceiptFile, SignedReceipt};
use precis_protocol::summary::SummaryResult;
use precis_protocol::{limits, strict};
use precis_verify::{Policy, ReceiptAppraisal};

use crate::document::{Document, MediaType};

/// What a saved receipt proves.
pub struct Saved {
    /// Every check, and what the evidence says.
    pub appraisal: ReceiptAppraisal,
    /// Whether the document given is, byte for byte, the body of the request that the receipt is for. None without a document, or when
    /// the request carried it inside JSON.
    pub is_the_document: Option<bool>,
    /// The receipt, unless the file does not parse.
    pub receipt: Option<SignedReceipt>,
    summary: Option<String>,
}

impl Saved {
    /// Whether `text` is the summary in the file, but for line breaks at its end. The appraisal says whether that one is receipted.
    #[must_use]
    pub fn is_the_summary(&self, text: &[u8]) -> bool {
        let trimmed = |bytes: &[u8]| bytes.trim_ascii_end().to_vec();
        self.summary.as_ref().is_some_and(|summary| trimmed(summary.as_bytes()) == trimmed(text))
    }
}

/// Verifies a saved receipt under `policy` at `now` (Unix seconds), with the document if it is at hand. `attestation` replaces the one
/// in the file: other evidence for the same keyset.
#[must_use]
pub fn verify_saved(
    file: &[u8],
    policy: &Policy,
    now: u64,
    document: Option<&Document>,
    attestation: Option<&[u8]>,
) -> Saved {
    let text = document.map(|d| d.text().as_bytes());
    let appraisal = precis_verify::verify_receipt_file(file, policy, now, text, attestation);
    let parsed = ReceiptFile::parse(file).ok();
    let is_the_document = match (parsed.as_ref().map(|f| &f.request), document) {
        (Some(request), Some(document)) if request.media_type.parse::<MediaType>().is_ok() => {
            Some(Digest::of(document.bytes()) == request.body_digest)
        }
        _ => None,
    };
    let result = |file: &ReceiptFile| {
        strict::from_slice::<SummaryResult>(&file.result, limits::MAX_RESPONSE_BYTES).ok().map(|result| result.summary)
    };
    let summary = parsed.as_ref().and_then(result);
    Saved { appraisal, is_the_document, receipt: parsed.map(|file| file.receipt), summary }
}
