use precis_protocol::limits::{MAX_RECEIPT_BYTES, MAX_RECEIPT_FILE_BYTES};
use precis_protocol::receipt::{ReceiptFile, SignedReceipt};
use precis_verify::{Beside, verify_receipt_file};

use crate::honest;

/// Receipts, alone and in files: encoding changes nothing, and only what the honest service signed is ever VERIFIED.
pub fn receipt(bytes: &[u8]) {
    if let Ok(receipt) = SignedReceipt::parse(bytes) {
        assert!(bytes.len() <= MAX_RECEIPT_BYTES);
        let encoded = serde_json::to_vec(&receipt).unwrap();
        assert!(SignedReceipt::parse(&encoded).unwrap() == receipt);
        assert_eq!(receipt.digest(), receipt.receipt.signing_digest(receipt.payment.as_ref()));
        let honest = &honest::RECEIPT.receipt;
        if receipt.signer() == honest.signer() {
            let same = receipt.digest() == honest.digest() && receipt.signature == honest.signature;
            assert!(same, "a receipt that nobody signed");
        }
    }
    let appraisal = verify_receipt_file(bytes, &honest::TRUST, honest::NOW + 60, &Beside::default());
    let Ok(file) = ReceiptFile::parse(bytes) else {
        assert!(!appraisal.transcript.is_verified());
        return;
    };
    assert!(bytes.len() <= MAX_RECEIPT_FILE_BYTES);
    assert_eq!(serde_json::to_vec(&file).unwrap(), bytes, "a second encoding");
    if appraisal.transcript.is_verified() {
        assert!(file == *honest::RECEIPT, "a forged receipt is VERIFIED");
    }
}
