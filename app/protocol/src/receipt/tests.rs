//! Receipts and receipt files: their encoding, their signature, what is refused.
#![allow(clippy::unwrap_used)]
use super::*;

fn sample() -> (SignedReceipt, Address) {
    let key = k256::ecdsa::SigningKey::from_slice(&[5; 32]).unwrap();
    let receipt = Receipt {
        receipt_id: [1; 32],
        app_id: [2; 21],
        enclave_identity: [3; 32],
        keyset_digest: Digest::of(b"k"),
        task: Digest::of(b"t"),
        model_digest: Digest::of(b"m"),
        parameters_digest: Digest::of(b"p"),
        request_digest: Digest::of(b"r"),
        text_digest: Digest::of(b"x"),
        response_digest: Digest::of(b"s"),
        issued_at: 1_790_000_000,
        block_number: 12,
        block_hash: B256::repeat_byte(4),
        sequence: 1,
        previous_receipt: B256::repeat_byte(5),
        input_tokens: 900,
        output_tokens: 120,
        tokens_read: 900,
        subordinates: Digest::from_bytes([0; 32]),
        spent: U256::ZERO,
        channel: Channel::Ohttp,
        status: ReceiptStatus::Completed,
    };
    let payment = Payment {
        network: "eip155:31337".into(),
        asset: Address::repeat_byte(6),
        pay_to: Address::repeat_byte(7),
        amount: U256::from(1500),
        payer: Address::repeat_byte(8),
        nonce: B256::repeat_byte(9),
        nonce_committed: true,
        transaction: B256::repeat_byte(10),
    };
    let signed =
        SignedReceipt::sign(receipt, Some(payment), Salts { request: [1; 32], response: [2; 32] }, &key).unwrap();
    (signed, Address::from_private_key(&key))
}

#[test]
fn a_receipt_recovers_its_signer_and_round_trips() {
    let (signed, address) = sample();
    assert_eq!(signed.signer(), Ok(address));
    let json = serde_json::to_vec(&signed).unwrap();
    assert!(SignedReceipt::parse(&json).unwrap() == signed);
}

#[test]
fn a_file_of_another_version_is_refused_by_its_version() {
    let first = br#"{"version":"precis/receipt-file: v1","request":{},"salts":{"request":"00","response":"00"}}"#;
    let error = ReceiptFile::parse(first).err().unwrap();
    assert!(matches!(error, ReceiptFileError::Version), "{error}");
    assert!(error.to_string().contains("v2"), "{error}");
    let broken = br#"{"version":"precis/receipt-file: v2","request":{}}"#;
    assert!(matches!(ReceiptFile::parse(broken).err().unwrap(), ReceiptFileError::Parse(_)));
}

#[test]
fn malleable_signatures_are_refused() {
    let (signed, address) = sample();
    let mut bad = signed.clone();
    bad.signature.0[64] -= 27;
    assert_eq!(bad.signer(), Err(ReceiptError::V));
    let order = U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).unwrap();
    let mut bad = signed.clone();
    let s = U256::from_be_slice(&signed.signature.0[32..64]);
    bad.signature.0[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
    bad.signature.0[64] ^= 27 ^ 28;
    assert_eq!(bad.signer(), Err(ReceiptError::HighS));
    let mut bad = signed;
    bad.payment.as_mut().unwrap().amount += U256::from(1);
    assert_ne!(bad.signer(), Ok(address));
}
