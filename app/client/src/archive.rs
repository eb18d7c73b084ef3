//! Saved receipts, judged offline (SPEC 7.5).

use precis_protocol::digest::Digest;
use precis_protocol::receipt::ReceiptFile;
use precis_verify::{Policy, ReceiptAppraisal};

use crate::document::{Document, MediaType};

/// What a saved receipt proves.
pub struct SavedReceipt {
    /// Every check, and what the evidence says.
    pub appraisal: ReceiptAppraisal,
    /// Whether the document given is, byte for byte, the body of the request that the receipt is for. None without a document, or when
    /// the request carried it inside JSON.
    pub is_the_document: Option<bool>,
}

/// Verifies a saved receipt under `policy` at `now` (Unix seconds), with the document if it is at hand.
#[must_use]
pub fn verify_saved(file: &[u8], policy: &Policy, now: u64, document: Option<&Document>) -> SavedReceipt {
    let text = document.map(|d| d.text().as_bytes());
    let appraisal = precis_verify::verify_receipt_file(file, policy, now, text);
    let request = ReceiptFile::parse(file).ok().map(|f| f.request);
    let is_the_document = match (request, document) {
        (Some(request), Some(document)) if request.media_type.parse::<MediaType>().is_ok() => {
            Some(Digest::of(document.bytes()) == request.body_digest)
        }
        _ => None,
    };
    SavedReceipt { appraisal, is_the_document }
}
