//! No byte is free (SPEC 8.4): whole saved receipts and whole bundles of evidence, with any bit turned or written another way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::ops::Range;

use crate::common::{Job, NONCE, NOW, World};
use precis_protocol::encoding::base64_encode;
use precis_protocol::evidence_file::{EvidenceFile, OwnCollateral};
use precis_protocol::receipt::ReceiptFile;
use precis_protocol::tags;
use precis_verify::{Beside, Verdict, verify_evidence_file, verify_receipt_file};
use serde_json::Value;

/// Of long members a bit of every so many bytes is turned, so that the run stays short; of everything else a bit of each byte, another
/// one from byte to byte.
const STRIDE: usize = 29;
/// A member of at least this length is a long one, bytes.
const LONG: usize = 2_000;

fn receipt_file() -> Vec<u8> {
    serde_json::to_vec(&Job::new().file()).unwrap()
}

fn bundle() -> EvidenceFile {
    let world = World::new();
    EvidenceFile {
        version: tags::EVIDENCE_FILE.to_owned(),
        service: "https://precis.example/".to_owned(),
        saved_at: NOW,
        nonce: NONCE,
        ohttp_keys: world.keyset.ohttp_config.clone(),
        attestation: world.attestation(),
        own_collateral: None,
    }
}

fn receipt_verdict(bytes: &[u8]) -> Verdict {
    verify_receipt_file(bytes, &World::policy(), NOW + 9, &Beside::default()).transcript.verdict()
}

fn bundle_verdict(bytes: &[u8]) -> Verdict {
    verify_evidence_file(bytes, &World::policy(), NOW).transcript.verdict()
}

/// The bits to turn.
fn bits(bytes: &[u8]) -> Vec<usize> {
    let mut long = vec![false; bytes.len()];
    let mut start = 0;
    for at in 0..=bytes.len() {
        if at == bytes.len() || bytes[at] == b'"' {
            if at - start >= LONG {
                long[start..at].fill(true);
            }
            start = at + 1;
        }
    }
    let sampled = |bit: usize| match (bit / 8, bit % 8) {
        (at, bit) if long[at] => at % STRIDE == 0 && bit == at / STRIDE % 8,
        (at, bit) => bit == at % 8,
    };
    (0..bytes.len() * 8).filter(|bit| sampled(*bit)).collect()
}

fn nothing_is_free(bytes: &[u8], notes: &[Range<usize>], verdict: fn(&[u8]) -> Verdict) {
    assert_eq!(verdict(bytes), Verdict::Verified);
    let mut tried = 0;
    for bit in bits(bytes) {
        let at = bit / 8;
        let mut turned = bytes.to_vec();
        turned[at] ^= 1 << (bit % 8);
        let listed = notes.iter().any(|note| note.contains(&at));
        let near = String::from_utf8_lossy(&bytes[at.saturating_sub(20)..(at + 20).min(bytes.len())]).into_owned();
        assert!(listed || verdict(&turned) != Verdict::Verified, "bit {} of byte {at}, in {near:?}", bit % 8);
        tried += 1;
    }
    assert!(tried > 1_000, "{tried}");
}

/// Where the value of a member stands.
fn value_of(bytes: &[u8], member: &str, value: &str) -> Range<usize> {
    let text = format!("\"{member}\":{value}");
    let at = bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap();
    at + text.len() - value.len()..at + text.len()
}

#[test]
fn no_bit_of_a_whole_saved_receipt_is_free() {
    nothing_is_free(&receipt_file(), &[], receipt_verdict);
}

#[test]
fn no_bit_of_a_whole_bundle_is_free_but_the_savers_notes() {
    let bytes = serde_json::to_vec(&bundle()).unwrap();
    let notes =
        [value_of(&bytes, "service", "\"https://precis.example/\""), value_of(&bytes, "savedAt", &NOW.to_string())];
    nothing_is_free(&bytes, &notes, bundle_verdict);
    // The notes are free indeed, which is why they are listed.
    let mut noted = bundle();
    (noted.service, noted.saved_at) = ("elsewhere".to_owned(), 0);
    assert_eq!(bundle_verdict(&serde_json::to_vec(&noted).unwrap()), Verdict::Verified);
}

#[test]
fn no_bit_of_collateral_that_was_saved_with_a_bundle_is_free() {
    let source = "https://pcs.example/";
    let own = OwnCollateral { source: source.to_owned(), collateral: Box::new(World::new().collateral()) };
    let bytes = serde_json::to_vec(&EvidenceFile { own_collateral: Some(own), ..bundle() }).unwrap();
    let quoted = format!("\"{source}\"");
    // What the service presented is not judged then; its own bits are the business of the tests above.
    let attestation = format!("\"{}\"", base64_encode(&bundle().attestation));
    let notes = [
        value_of(&bytes, "attestation", &attestation),
        value_of(&bytes, "service", "\"https://precis.example/\""),
        value_of(&bytes, "savedAt", &NOW.to_string()),
        value_of(&bytes, "source", &quoted),
    ];
    nothing_is_free(&bytes, &notes, bundle_verdict);
}

/// Ways to write a document again that a lenient reader would not tell apart.
fn rewritten(bytes: &[u8], hex: &str) -> Vec<(&'static str, Vec<u8>)> {
    let text = std::str::from_utf8(bytes).unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    let mut reversed = value.clone();
    let members = value.as_object().unwrap().clone();
    *reversed.as_object_mut().unwrap() = members.into_iter().rev().collect();
    let first_digit = hex.find(|c: char| c.is_ascii_lowercase() && c != 'x').unwrap();
    let upper = format!("{}{}", &hex[..first_digit], hex[first_digit..].to_uppercase());
    let mut all = vec![
        ("spaces", serde_json::to_vec_pretty(&value).unwrap()),
        ("a newline at the end", [bytes, b"\n"].concat()),
        ("members in another order", serde_json::to_vec(&reversed).unwrap()),
        ("an escape", text.replacen("precis/", "precis\\/", 1).into_bytes()),
        ("a letter as an escape", text.replacen("\"version\"", "\"\\u0076ersion\"", 1).into_bytes()),
        ("hex in capitals", text.replacen(hex, &upper, 1).into_bytes()),
    ];
    if let Some(digits) = hex.strip_prefix("0x") {
        let array = format!("{:?}", hex::decode(digits).unwrap());
        all.push(("hex without its prefix", text.replacen(hex, digits, 1).into_bytes()));
        all.push(("hex as an array", text.replacen(&format!("\"{hex}\""), &array, 1).into_bytes()));
    }
    for (what, other) in &all {
        assert_ne!(other, bytes, "{what} changed nothing");
    }
    all
}

#[test]
fn a_saved_receipt_has_one_writing() {
    let bytes = receipt_file();
    let file = ReceiptFile::parse(&bytes).unwrap();
    let payment = file.receipt.payment.as_ref().unwrap();
    let hexes = [
        format!("0x{}", hex::encode(file.receipt.receipt.block_hash)),
        format!("0x{}", hex::encode(file.receipt.receipt.previous_receipt)),
        format!("0x{}", hex::encode(payment.asset)),
        format!("0x{}", hex::encode(payment.pay_to)),
        format!("0x{}", hex::encode(payment.payer)),
        format!("0x{}", hex::encode(payment.nonce)),
        format!("0x{}", hex::encode(file.receipt.signature)),
    ];
    for hex in hexes.iter().filter(|hex| hex[2..].contains(|c: char| c.is_ascii_lowercase())) {
        for (what, other) in rewritten(&bytes, hex) {
            assert_eq!(receipt_verdict(&other), Verdict::Rejected, "{what}");
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    let cased = text.replacen("application/json", "application/JSON", 1);
    assert_eq!(receipt_verdict(cased.as_bytes()), Verdict::Rejected, "a media type in another case");
}

#[test]
fn a_bundle_has_one_writing() {
    let bytes = serde_json::to_vec(&bundle()).unwrap();
    for (what, other) in rewritten(&bytes, &hex::encode(NONCE)) {
        assert_eq!(bundle_verdict(&other), Verdict::Rejected, "{what}");
    }
}
