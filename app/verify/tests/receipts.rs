//! Receipts of a verified service: one that verifies, and every way of bending it that must not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use crate::common::{DOCUMENT, Job, NOW, World, assert_fails, receipt_rejects};
use alloy_primitives::{Address, B256, U256};
use precis_protocol::receipt::{Channel, ReceiptStatus};
use precis_protocol::request::response_digest;
use precis_protocol::{Digest, Task};
use precis_verify::check::{self, Status};
use precis_verify::policy::TrustedRoot;
use precis_verify::{Beside, Verdict, verify_receipt_file};

fn given(document: &[u8]) -> Beside<'_> {
    Beside { document: Some(document), ..Beside::default() }
}

#[test]
fn the_receipt_of_an_honest_exchange_is_verified() {
    let mut job = Job::new();
    job.on_chain = Some(job.on_chain());
    let transcript = job.check();
    // Nothing was paid back, so that there is no refund to look for.
    let mut others = transcript.checks().iter().filter(|outcome| outcome.check != check::RECEIPT_REFUND);
    assert!(transcript.is_verified() && others.all(|outcome| outcome.status == Status::Pass), "{transcript}");
    assert!(transcript.insecure());
}

#[test]
fn no_transcript_holds_document_text() {
    let mut job = Job::new();
    job.document = Some(b"Something else altogether, and long enough.".to_vec());
    for text in
        [Job::new().check().render(true), job.check().render(true), serde_json::to_string(&job.check()).unwrap()]
    {
        assert!(!text.contains("Oak") && !text.contains("Birch") && !text.contains("altogether"), "{text}");
    }
}

#[test]
fn a_signature_by_any_other_key_is_rejected() {
    receipt_rejects(check::RECEIPT_SIGNATURE, |job| job.key = k256::ecdsa::SigningKey::from_slice(&[44; 32]).unwrap());
    receipt_rejects(check::RECEIPT_SIGNATURE, |job| job.bend_receipt = |signed| signed.signature.0[64] -= 27);
    receipt_rejects(check::RECEIPT_SIGNATURE, |job| job.bend_receipt = |signed| signed.signature.0[10] ^= 1);
    receipt_rejects(check::RECEIPT_SIGNATURE, |job| job.bend_receipt = |signed| signed.signature = Default::default());
    receipt_rejects(check::RECEIPT_SIGNATURE, |job| {
        job.bend_receipt = |signed| {
            let order =
                U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).unwrap();
            let s = U256::from_be_slice(&signed.signature.0[32..64]);
            signed.signature.0[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
            signed.signature.0[64] ^= 27 ^ 28;
        };
    });
}

#[test]
fn any_signed_field_changed_after_signing_is_rejected() {
    let changes: [fn(&mut precis_protocol::receipt::SignedReceipt); 24] = [
        |signed| signed.receipt.receipt_id[0] ^= 1,
        |signed| signed.receipt.app_id[0] ^= 1,
        |signed| signed.receipt.enclave_identity[0] ^= 1,
        |signed| signed.receipt.keyset_digest = Digest::of(b"x"),
        |signed| signed.receipt.task = Digest::of(b"x"),
        |signed| signed.receipt.model_digest = Digest::of(b"x"),
        |signed| signed.receipt.parameters_digest = Digest::of(b"x"),
        |signed| signed.receipt.request_digest = Digest::of(b"x"),
        |signed| signed.receipt.text_digest = Digest::of(b"x"),
        |signed| signed.receipt.response_digest = Digest::of(b"x"),
        |signed| signed.receipt.subordinates = Digest::of(b"x"),
        |signed| signed.receipt.spent = U256::from(1),
        |signed| signed.receipt.issued_at ^= 1,
        |signed| signed.receipt.block_number ^= 1,
        |signed| signed.receipt.block_hash.0[0] ^= 1,
        |signed| signed.receipt.sequence ^= 2,
        |signed| signed.receipt.previous_receipt.0[0] ^= 1,
        |signed| signed.receipt.input_tokens ^= 1,
        |signed| signed.receipt.output_tokens ^= 1,
        |signed| signed.receipt.tokens_read ^= 1,
        |signed| signed.receipt.channel = Channel::Https,
        |signed| signed.receipt.status = ReceiptStatus::FailedRefunded,
        |signed| signed.payment.as_mut().unwrap().amount += U256::from(1),
        |signed| signed.payment = None,
    ];
    for change in changes {
        receipt_rejects(check::RECEIPT_SIGNATURE, |job| job.bend_receipt = change);
    }
}

#[test]
fn a_receipt_of_another_keyset_app_enclave_model_or_parameters_is_rejected() {
    receipt_rejects(check::RECEIPT_KEYSET, |job| job.receipt.keyset_digest = Digest::of(b"older keyset"));
    receipt_rejects(check::RECEIPT_KEYSET, |job| job.receipt.sequence = 0);
    receipt_rejects(check::RECEIPT_KEYSET, |job| job.receipt.sequence = 2);
    receipt_rejects(check::RECEIPT_KEYSET, |job| job.receipt.previous_receipt = B256::repeat_byte(1));
    receipt_rejects(check::RECEIPT_APP, |job| job.receipt.app_id[0] ^= 1);
    receipt_rejects(check::RECEIPT_IDENTITY, |job| job.receipt.enclave_identity[0] ^= 1);
    receipt_rejects(check::RECEIPT_TASK, |job| job.receipt.task = Digest::of(b"summary"));
    receipt_rejects(check::RECEIPT_TASK, |job| job.receipt.task = Task::SummaryAbstractive.digest());
    receipt_rejects(check::RECEIPT_TASK, |job| job.receipt.spent = U256::from(1));
    receipt_rejects(check::RECEIPT_TASK, |job| job.receipt.subordinates = Digest::of(b"somebody's receipt"));
    receipt_rejects(check::RECEIPT_MODEL, |job| job.receipt.model_digest = Digest::of(b"abstractive model"));
    receipt_rejects(check::RECEIPT_PARAMETERS, |job| {
        job.receipt.parameters_digest = Digest::of(b"abstractive parameters")
    });
    receipt_rejects(check::RECEIPT_MODEL, |job| {
        let other = Digest::of(b"another model").to_string();
        let result = String::from_utf8(job.result.clone())
            .unwrap()
            .replace(&Digest::of(b"extractive model").to_string(), &other);
        job.set_result(result);
    });
}

#[test]
fn another_request_or_response_is_rejected() {
    receipt_rejects(check::RECEIPT_REQUEST, |job| job.body.push(b' '));
    receipt_rejects(check::RECEIPT_REQUEST, |job| job.path.push_str("?mode=abstractive"));
    receipt_rejects(check::RECEIPT_REQUEST, |job| job.method = "PUT".to_owned());
    receipt_rejects(check::RECEIPT_REQUEST, |job| job.media_type = "text/plain".to_owned());
    receipt_rejects(check::RECEIPT_REQUEST, |job| job.bend_receipt = |signed| signed.salts.request[0] ^= 1);
    receipt_rejects(check::RECEIPT_RESPONSE, |job| job.bend_receipt = |signed| signed.salts.response[0] ^= 1);
    receipt_rejects(check::RECEIPT_RESPONSE, |job| {
        job.result = String::from_utf8(job.result.clone()).unwrap().replace("hard", "soft").into_bytes();
    });
    receipt_rejects(check::RECEIPT_RESPONSE, |job| job.status_code = 201);
}

#[test]
fn a_result_that_is_not_strict_is_rejected() {
    receipt_rejects(check::RECEIPT_PARSE, |job| {
        let result = String::from_utf8(job.result.clone()).unwrap().replacen('{', r#"{"verbatim":true,"#, 1);
        job.set_result(result);
    });
    receipt_rejects(check::RECEIPT_PARSE, |job| job.set_result("{}".to_owned()));
}

#[test]
fn a_payment_other_than_the_authorized_one_is_rejected() {
    let changes: [fn(&mut Job); 8] = [
        |job| job.authorized.as_mut().unwrap().network = "eip155:1".to_owned(),
        |job| job.authorized.as_mut().unwrap().asset = Address::repeat_byte(1),
        |job| job.authorized.as_mut().unwrap().pay_to = Address::repeat_byte(1),
        |job| job.authorized.as_mut().unwrap().amount += U256::from(1),
        |job| job.authorized.as_mut().unwrap().payer = Address::repeat_byte(1),
        |job| job.authorized.as_mut().unwrap().nonce = B256::repeat_byte(1),
        |job| job.authorized.as_mut().unwrap().nonce_salt = None,
        |job| job.authorized.as_mut().unwrap().nonce_salt = Some([1; 32]),
    ];
    for change in changes {
        receipt_rejects(check::RECEIPT_PAYMENT, change);
    }
}

#[test]
fn a_payment_that_the_price_list_does_not_ask_is_rejected() {
    receipt_rejects(check::RECEIPT_PAYMENT, |job| {
        job.payment.as_mut().unwrap().amount = U256::from(2001);
        job.authorized = None;
    });
    receipt_rejects(check::RECEIPT_PAYMENT, |job| {
        job.payment.as_mut().unwrap().pay_to = Address::repeat_byte(1);
        job.authorized = None;
    });
    receipt_rejects(check::RECEIPT_PAYMENT, |job| job.payment.as_mut().unwrap().transaction = B256::ZERO);
    receipt_rejects(check::RECEIPT_PAYMENT, |job| job.payment = None);
}

#[test]
fn a_status_or_channel_that_does_not_fit_is_rejected() {
    receipt_rejects(check::RECEIPT_STATUS, |job| job.channel = Some(Channel::Https));
    receipt_rejects(check::RECEIPT_STATUS, |job| job.receipt.status = ReceiptStatus::FailedUncharged);
    receipt_rejects(check::RECEIPT_STATUS, |job| {
        job.status_code = 500;
        job.receipt.response_digest = response_digest(&job.salts.response, 500, &job.result);
    });
}

#[test]
fn a_summary_of_half_the_document_is_rejected() {
    receipt_rejects(check::RECEIPT_COVERAGE, |job| job.receipt.tokens_read = 600);
    receipt_rejects(check::RECEIPT_COVERAGE, |job| job.receipt.output_tokens = 9);
    receipt_rejects(check::RECEIPT_COVERAGE, |job| {
        let result =
            String::from_utf8(job.result.clone()).unwrap().replace(r#""complete":true"#, r#""complete":false"#);
        job.set_result(result);
    });
    receipt_rejects(check::RECEIPT_COVERAGE, |job| {
        let result =
            String::from_utf8(job.result.clone()).unwrap().replace(r#""tokensRead":1200"#, r#""tokensRead":600"#);
        job.set_result(result);
        job.receipt.tokens_read = 600;
    });
}

#[test]
fn a_receipt_outside_the_keysets_period_or_from_the_future_is_rejected() {
    receipt_rejects(check::RECEIPT_TIME, |job| job.receipt.issued_at = NOW - 3_601);
    receipt_rejects(check::RECEIPT_TIME, |job| job.receipt.issued_at = NOW + 86_401);
    receipt_rejects(check::RECEIPT_TIME, |job| job.receipt.issued_at = NOW + 400);
}

#[test]
fn a_sentence_that_does_not_stand_in_the_document_is_rejected() {
    receipt_rejects(check::RECEIPT_VERBATIM, |job| {
        job.document = Some(DOCUMENT.replace("Birch", "Beech").into_bytes())
    });
    receipt_rejects(check::RECEIPT_VERBATIM, |job| job.document = Some(b"Oak is hard.".to_vec()));
    for (from, to) in [
        (r#""start":27"#, r#""start":26"#),
        (r#""end":42"#, r#""end":18446744073709551615"#),
        (r#""verbatim":true"#, r#""verbatim":false"#),
    ] {
        receipt_rejects(check::RECEIPT_VERBATIM, |job| {
            let result = String::from_utf8(job.result.clone()).unwrap().replace(from, to);
            job.set_result(result);
        });
    }
    // Offsets inside a character are no panic.
    receipt_rejects(check::RECEIPT_VERBATIM, |job| job.document = Some("é".repeat(30).into_bytes()));
    let mut job = Job::new();
    job.document = None;
    let transcript = job.check();
    assert!(transcript.is_verified(), "{transcript}");
    assert_eq!(transcript.outcome(check::RECEIPT_VERBATIM).unwrap().status, Status::NotEvaluated);
}

#[test]
fn a_summary_that_is_not_its_sentences_in_the_style_asked_for_is_rejected() {
    let said = |job: &mut Job, text: &str| {
        let result = String::from_utf8(job.result.clone()).unwrap();
        job.set_result(result.replace(r#""summary":"Oak is hard. Birch is white.""#, text));
    };
    let styled = |options: &str| {
        Job::asking("application/json", format!(r#"{{"document":"{DOCUMENT}","options":{options}}}"#).as_bytes())
    };
    let (lines, other) =
        (r#""summary":"- Oak is hard.\n- Birch is white.""#, r#""summary":"Oak is soft. Birch is white.""#);
    for style in ["bullets", "decisions"] {
        let mut job = styled(&format!(r#"{{"style":"{style}"}}"#));
        assert_fails(&job.check(), check::RECEIPT_PARSE);
        said(&mut job, lines);
        job.summary = Some("- Oak is hard.\n- Birch is white.".to_owned());
        assert!(job.check().is_verified(), "{}", job.check());
    }
    assert!(styled(r#"{"style":"tldr"}"#).check().is_verified());
    for text in [lines, other, r#""summary":"Oak is hard.""#, r#""summary":"""#] {
        receipt_rejects(check::RECEIPT_PARSE, |job| said(job, text));
    }
}

#[test]
fn a_failed_job_has_a_receipt_that_says_nothing_was_charged() {
    let failed = |transaction| {
        let mut job = Job::new();
        job.status_code = 500;
        job.summary = None;
        job.set_result(r#"{"code":"model_failed"}"#.to_owned());
        job.receipt.status = ReceiptStatus::FailedUncharged;
        job.payment.as_mut().unwrap().transaction = transaction;
        job.check()
    };
    assert!(failed(B256::ZERO).is_verified(), "{}", failed(B256::ZERO));
    assert_fails(&failed(B256::repeat_byte(1)), check::RECEIPT_PAYMENT);
}

#[test]
fn a_saved_receipt_verifies_alone_and_long_after() {
    let file = serde_json::to_vec(&Job::new().file()).unwrap();
    let years_later = NOW + 5 * 365 * 86_400;
    let appraisal = verify_receipt_file(&file, &World::policy(), years_later, &given(DOCUMENT.as_bytes()));
    assert_eq!(appraisal.transcript.verdict(), Verdict::Verified, "{}", appraisal.transcript);
    assert!(appraisal.transcript.insecure());
    assert_eq!(appraisal.transcript.outcome(check::CHALLENGE_NONCE).unwrap().status, Status::NotEvaluated);
    assert_eq!(appraisal.facts.enclave_identity, Some(*Job::new().service.enclave_identity()));
}

#[test]
fn a_bent_saved_receipt_is_rejected() {
    let judge = |bytes: &[u8], at| verify_receipt_file(bytes, &World::policy(), at, &Beside::default()).transcript;
    let mut file = Job::new().file();
    file.result[200] ^= 1;
    assert_fails(&judge(&serde_json::to_vec(&file).unwrap(), NOW + 9), check::RECEIPT_RESPONSE);
    let mut file = Job::new().file();
    file.request.body_digest = Digest::of(b"another document");
    assert_fails(&judge(&serde_json::to_vec(&file).unwrap(), NOW + 9), check::RECEIPT_REQUEST);
    let file = serde_json::to_vec(&Job::new().file()).unwrap();
    assert_fails(&judge(&file, NOW - 1_000), check::RECEIPT_TIME);
    assert_fails(&judge(&[file.as_slice(), b"x"].concat(), NOW + 9), check::RECEIPT_PARSE);
    assert_fails(
        &verify_receipt_file(&file, &World::policy(), NOW + 9, &given(&[0xff])).transcript,
        check::RECEIPT_VERBATIM,
    );

    // Evidence of another boot: its keyset has another receipt key.
    let mut other = World::new();
    other.receipt = k256::ecdsa::SigningKey::from_slice(&[45; 32]).unwrap();
    other.keyset = crate::common::keyset(&other.identity, &other.receipt);
    let mut file = Job::new().file();
    file.attestation = other.attestation();
    assert_fails(&judge(&serde_json::to_vec(&file).unwrap(), NOW + 9), check::RECEIPT_SIGNATURE);

    // At the ends of time: refused, and no arithmetic overflows.
    for issued_at in [0, u64::MAX] {
        let mut job = Job::new();
        job.receipt.issued_at = issued_at;
        assert_fails(&judge(&serde_json::to_vec(&job.file()).unwrap(), u64::MAX), check::RECEIPT_TIME);
    }

    // Under Intel's root the evidence does not hold.
    let mut policy = World::policy();
    policy.root = TrustedRoot::Intel;
    let bytes = serde_json::to_vec(&Job::new().file()).unwrap();
    assert_fails(&verify_receipt_file(&bytes, &policy, NOW + 9, &Beside::default()).transcript, check::QUOTE_ROOT);
}
