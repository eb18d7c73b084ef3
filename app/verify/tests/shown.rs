//! Whatever a service, a node or a file says of itself, it never writes the transcript: the verdict is the first and the last line,
//! nothing between begins like one, and nothing drives a terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use crate::common::{Job, NONCE, NOW, World};
use precis_protocol::attestation::{Attestation, Collateral, Evidence};
use precis_protocol::evidence_file::EvidenceFile;
use precis_protocol::keyset::Keyset;
use precis_protocol::receipt::ReceiptFile;
use precis_protocol::tags;
use precis_verify::text::MAX_SHOWN_CHARACTERS;
use precis_verify::{Beside, Facts, Online, Presented, Transcript, verify, verify_evidence_file, verify_receipt_file};
use proptest::prelude::*;

/// What a hostile service would like to have printed.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\nVERIFIED: 23 passed, 0 failed, 0 not evaluated\n".to_owned()),
        Just("\r\nREJECTED\u{b}INCOMPLETE\u{c}VERIFIED".to_owned()),
        Just("\u{1b}[2J\u{1b}[H\u{9b}31mVERIFIED".to_owned()),
        Just("\u{85}VERIFIED\u{2028}VERIFIED\u{2029}VERIFIED".to_owned()),
        Just("\u{202e}DEIFIREV\u{2066}\u{200f}\u{feff}".to_owned()),
        Just("\\nVERIFIED \\u001b \" \\\" ".to_owned()),
        Just("x".repeat(5_000)),
        any::<String>(),
    ];
    prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

fn assert_plain(text: &str, what: &str) {
    let drives = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    assert!(!text.contains(drives), "{what}: {text:?}");
}

fn assert_honest(transcript: &Transcript, facts: &Facts) {
    for explain in [false, true] {
        let text = transcript.render(explain);
        assert_plain(&text, "text");
        let lines: Vec<&str> = text.lines().collect();
        let is_verdict = |line: &&str| ["VERIFIED", "REJECTED", "INCOMPLETE"].iter().any(|word| line.starts_with(word));
        assert_eq!(lines.iter().copied().filter(|line| is_verdict(line)).count(), 2, "{text}");
        assert_eq!((lines.first(), lines.last()), (Some(&&*transcript.verdict_line()), lines.first()), "{text}");
        assert_eq!(lines.len(), transcript.checks().len() * if explain { 2 } else { 1 } + 3, "{text}");
        let longest = lines.iter().map(|line| line.chars().count()).max();
        // Each character can become an escape of ten.
        assert!(longest < Some(10 * MAX_SHOWN_CHARACTERS + 300), "{longest:?}");
    }
    assert_plain(&serde_json::to_string(transcript).unwrap(), "JSON of the transcript");
    assert_plain(&serde_json::to_string(facts).unwrap(), "JSON of the facts");
    assert!(!transcript.is_verified(), "{transcript}");
}

fn collateral_of(document: &mut Attestation) -> &mut Collateral {
    match &mut document.evidence[0] {
        Evidence::RoflRegister { collateral, .. } | Evidence::TdxQuote { collateral, .. } => collateral,
    }
}

/// Every text of a keyset, an attestation and its collateral.
fn attestation_fields() -> Vec<fn(&mut World, &mut Attestation, &str)> {
    fn keyset(world: &mut World, document: &mut Attestation, change: impl FnOnce(&mut Keyset)) {
        let mut keyset = world.keyset.clone();
        change(&mut keyset);
        document.keyset = serde_json::to_vec(&keyset).unwrap();
    }
    vec![
        |w, d, text| keyset(w, d, |k| k.release.version = text.to_owned()),
        |w, d, text| keyset(w, d, |k| k.release.commit = text.to_owned()),
        |w, d, text| keyset(w, d, |k| k.app_id = text.to_owned()),
        |w, d, text| keyset(w, d, |k| k.payments[0].network = text.to_owned()),
        |w, d, text| keyset(w, d, |k| k.kms_keys = vec![text.to_owned()]),
        |w, d, text| keyset(w, d, |k| k.version = text.to_owned()),
        |_, d, text| d.keyset = text.as_bytes().to_vec(),
        |_, d, text| d.version = text.to_owned(),
        |_, d, text| d.challenge.block.network = text.to_owned(),
        |_, d, text| collateral_of(d).tcb_info = text.to_owned(),
        |_, d, text| collateral_of(d).qe_identity = text.to_owned(),
        |_, d, text| {
            let quoted = serde_json::Value::from(text).to_string();
            let collateral = collateral_of(d);
            collateral.tcb_info = collateral.tcb_info.replace("\"UpToDate\"", &quoted);
        },
        |_, d, text| {
            let quoted = serde_json::Value::from(text).to_string();
            let collateral = collateral_of(d);
            collateral.tcb_info = collateral.tcb_info.replacen("\"TDX\"", &quoted, 1);
        },
        |_, d, text| collateral_of(d).tcb_info_issuer_chain = text.to_owned(),
        |_, d, text| collateral_of(d).pck_crl_issuer_chain = text.to_owned(),
        |_, d, text| collateral_of(d).pck_certificate_chain = Some(text.to_owned()),
        |_, d, text| collateral_of(d).pck_crl = text.as_bytes().to_vec(),
    ]
}

/// Fields that are signed by the enclave itself: what an admitted or broken build would say.
fn signed_fields() -> Vec<fn(&mut World, &str)> {
    vec![
        |w, text| w.keyset.release.version = text.to_owned(),
        |w, text| w.keyset.payments[0].network = text.to_owned(),
        |w, text| w.keyset.app_id = text.to_owned(),
        |w, text| w.challenge_network = text.to_owned(),
        |w, text| w.metadata_digest = Some(text.to_owned()),
        |w, text| w.collateral_spec.advisories = vec![text.to_owned()],
    ]
}

fn receipt_fields() -> Vec<fn(&mut ReceiptFile, &str)> {
    vec![
        |file, text| file.request.method = text.to_owned(),
        |file, text| file.request.path = text.to_owned(),
        |file, text| file.request.media_type = text.to_lowercase(),
        |file, text| file.version = text.to_owned(),
        |file, text| file.result = text.as_bytes().to_vec(),
        |file, text| file.receipt.payment.as_mut().unwrap().network = text.to_owned(),
        |file, text| file.attestation = text.as_bytes().to_vec(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_makes_a_second_line_that_begins_like_a_verdict(text in hostile()) {
        let policy = World::policy();
        for change in attestation_fields() {
            let mut world = World::new();
            let mut document = world.document(vec![world.register_evidence()]);
            change(&mut world, &mut document, &text);
            let bytes = serde_json::to_vec(&document).unwrap();
            let appraisal = verify(&Presented { attestation: &bytes, nonce: Some(NONCE), ..Presented::default() }, &policy, NOW);
            // A text of no consequence, such as an empty list of keys, may verify.
            if !appraisal.transcript.is_verified() {
                assert_honest(&appraisal.transcript, &appraisal.facts);
            }
        }
        for change in signed_fields() {
            let mut world = World::new();
            change(&mut world, &text);
            let bytes = world.attestation();
            let presented = Presented {
                attestation: &bytes,
                epoch: Online::Unanswered(&text),
                block: Online::Unanswered(&text),
                ..Presented::default()
            };
            let appraisal = verify(&presented, &policy, NOW);
            assert_honest(&appraisal.transcript, &appraisal.facts);
        }
        for change in receipt_fields() {
            let mut file = Job::new().file();
            change(&mut file, &text);
            let bytes = serde_json::to_vec(&file).unwrap();
            let beside = Beside {
                document: Some(text.as_bytes()),
                summary: Some(text.as_bytes()),
                on_chain: Online::Unanswered(&text),
                ..Beside::default()
            };
            let appraisal = verify_receipt_file(&bytes, &policy, NOW + 9, &beside);
            assert_honest(&appraisal.transcript, &appraisal.facts);
        }
        for bytes in [text.as_bytes().to_vec(), serde_json::to_vec(&EvidenceFile {
            version: tags::EVIDENCE_FILE.to_owned(),
            service: text.clone(),
            saved_at: NOW,
            nonce: [0; 32],
            ohttp_keys: text.as_bytes().to_vec(),
            attestation: World::new().attestation(),
            own_collateral: None,
        }).unwrap()] {
            let appraisal = verify_evidence_file(&bytes, &policy, NOW);
            assert_honest(&appraisal.transcript, &appraisal.facts);
        }
    }
}
