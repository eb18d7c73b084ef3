//! Attestations of a mock platform: one that verifies, and every way of bending it that must not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use crate::common::{METADATA_KEY, NONCE, NOW, World, assert_fails, judge, rejects};
use alloy_primitives::B256;
use precis_devnet::oasis::mock::{CollateralSpec, InstanceKeys, MockPki, PkiSpec};
use precis_protocol::encoding::base64_encode;
use precis_protocol::{Digest, Task};
use precis_verify::check::{self, Status};
use precis_verify::policy::{EvidenceKind, TrustedRoot};
use precis_verify::{
    Account, AppState, ChainBlock, MAX_BLOCK_AGE_SECONDS, Online, Policy, Presented, Transcript, Verdict,
    enclave_identity_of, verify,
};

#[test]
fn a_genuine_service_is_verified_and_every_output_says_insecure_under_a_mock_root() {
    let mut world = World::new();
    world.metadata.insert("net.oasis.tls.pk".to_owned(), base64_encode(b"key of the proxy"));
    let config = world.keyset.ohttp_config.clone();
    let attestation = world.attestation();
    let state = world.app_state();
    let presented = Presented {
        attestation: &attestation,
        nonce: Some(NONCE),
        ohttp_config: Some(&config),
        epoch: Online::Known(99),
        app: Online::Known(&state),
        tls_key: Some(b"key of the proxy"),
        block: Online::Known(Some(ChainBlock { hash: B256::repeat_byte(0xb1), timestamp: NOW - 20 })),
        ..Presented::default()
    };
    let mut policy = World::policy();
    policy.admin = Some(Account([0; 21]).to_string());
    let appraisal = verify(&presented, &policy, NOW);
    assert_eq!(appraisal.transcript.verdict(), Verdict::Verified, "{}", appraisal.transcript);
    assert!(
        appraisal.transcript.checks().iter().all(|outcome| outcome.status == Status::Pass),
        "{}",
        appraisal.transcript
    );
    assert!(appraisal.transcript.insecure());
    assert!(appraisal.transcript.render(true).contains("\nINSECURE: the policy trusts a mock root."));
    let service = appraisal.service.unwrap();
    assert!(service.insecure());
    assert_eq!(service.keyset_digest(), world.keyset_digest());
    assert_eq!(*service.enclave_identity(), world.quote.measurements.identity());
    assert_eq!(service.ohttp_config(), config);
    assert_eq!(service.attestation_bytes(), attestation);
    assert_eq!(enclave_identity_of(&attestation).unwrap(), world.quote.measurements.identity());
    let json = serde_json::to_value(&appraisal.transcript).unwrap();
    assert_eq!(json["verdict"], "VERIFIED");
    assert_eq!(json["insecure"], true);
}

#[test]
fn plain_tdx_evidence_is_verified_when_the_policy_accepts_it() {
    let world = World::new();
    let attestation = serde_json::to_vec(&world.document(vec![world.tdx_evidence()])).unwrap();
    let presented = Presented { attestation: &attestation, nonce: Some(NONCE), ..Presented::default() };
    assert_fails(&verify(&presented, &World::policy(), NOW).transcript, check::EVIDENCE_PARSE);
    let mut policy = World::policy();
    policy.evidence = [EvidenceKind::TdxQuote].into();
    let appraisal = verify(&presented, &policy, NOW);
    assert_eq!(appraisal.transcript.verdict(), Verdict::Verified, "{}", appraisal.transcript);

    // The same evidence under another challenge: REPORTDATA no longer fits.
    let mut later = World::new();
    later.challenge_nonce = [0x4f; 32];
    let replayed = serde_json::to_vec(&later.document(vec![world.tdx_evidence()])).unwrap();
    let presented = Presented { attestation: &replayed, nonce: Some([0x4f; 32]), ..Presented::default() };
    assert_fails(&verify(&presented, &policy, NOW).transcript, check::QUOTE_REPORT_DATA);
    // A digest in the wrong half.
    let mut world = World::new();
    world.quote.report_data.rotate_left(32);
    assert_fails(&world.appraise().transcript, check::QUOTE_REPORT_DATA);
}

#[test]
fn without_a_nonce_the_verdict_is_incomplete_and_there_is_no_service() {
    let attestation = World::new().attestation();
    let appraisal = verify(&Presented { attestation: &attestation, ..Presented::default() }, &World::policy(), NOW);
    assert_eq!(appraisal.transcript.verdict(), Verdict::Incomplete, "{}", appraisal.transcript);
    assert_ne!(appraisal.transcript.verdict().exit_code(), 0);
    assert!(appraisal.service.is_none());
}

#[test]
fn a_mock_root_is_never_accepted_under_intels() {
    let attestation = World::new().attestation();
    let mut policy = World::policy();
    policy.root = TrustedRoot::Intel;
    let appraisal =
        verify(&Presented { attestation: &attestation, nonce: Some(NONCE), ..Presented::default() }, &policy, NOW);
    assert_fails(&appraisal.transcript, check::QUOTE_ROOT);
    assert_fails(&appraisal.transcript, check::QUOTE_CHAIN);
    assert!(!appraisal.transcript.insecure());
    rejects(check::QUOTE_ROOT, |world| {
        world.pki = MockPki::new(&PkiSpec::fresh([66; 32], NOW)).unwrap();
        world.collateral_spec = CollateralSpec::fresh(&world.pki, NOW);
    });
}

#[test]
fn another_nonce_or_a_stale_challenge_is_rejected() {
    rejects(check::CHALLENGE_NONCE, |world| world.challenge_nonce[31] ^= 1);
    rejects(check::CHALLENGE_FRESH, |world| world.challenge_issued_at = NOW - 301);
    rejects(check::CHALLENGE_FRESH, |world| world.challenge_issued_at = NOW + 301);
    rejects(check::CHALLENGE_SIGNATURE, |world| world.identity = ed25519_dalek::SigningKey::from_bytes(&[77; 32]));
    rejects(check::CHALLENGE_SIGNATURE, |world| world.challenge_network = "eip155:1".to_owned());
}

#[test]
fn a_challenge_over_a_block_that_the_chain_does_not_have_is_rejected() {
    let attestation = World::new().attestation();
    let judged = |block| {
        let presented = Presented { attestation: &attestation, nonce: Some(NONCE), block, ..Presented::default() };
        verify(&presented, &World::policy(), NOW).transcript
    };
    let issued_at = NOW - 2;
    let at = |byte, timestamp| Online::Known(Some(ChainBlock { hash: B256::repeat_byte(byte), timestamp }));
    assert!(judged(at(0xb1, issued_at)).is_verified());
    assert_fails(&judged(Online::Known(None)), check::CHALLENGE_BLOCK);
    assert_fails(&judged(at(0xb2, issued_at)), check::CHALLENGE_BLOCK);
    assert_fails(&judged(at(0xb1, issued_at + 301)), check::CHALLENGE_BLOCK);
    assert_fails(&judged(at(0xb1, issued_at - MAX_BLOCK_AGE_SECONDS - 1)), check::CHALLENGE_BLOCK);
}

#[test]
fn an_online_source_that_was_asked_in_vain_leaves_the_verdict_incomplete() {
    let attestation = World::new().attestation();
    let base = Presented { attestation: &attestation, nonce: Some(NONCE), ..Presented::default() };
    let unasked = verify(&base, &World::policy(), NOW).transcript;
    assert!(unasked.is_verified());
    for (check, presented) in [
        (check::REGISTRATION_EPOCH, Presented { epoch: Online::Unanswered("timed out"), ..base }),
        (check::CHALLENGE_BLOCK, Presented { block: Online::Unanswered("timed out"), ..base }),
    ] {
        let appraisal = verify(&presented, &World::policy(), NOW);
        assert_eq!(appraisal.transcript.verdict(), Verdict::Incomplete, "{}", appraisal.transcript);
        assert!(appraisal.service.is_none());
        assert!(appraisal.transcript.outcome(check).unwrap().detail.contains("timed out"));
    }
}

#[test]
fn a_keyset_that_the_registration_does_not_carry_is_rejected() {
    let swap = |change: fn(&mut World)| {
        let mut world = World::new();
        let mut other = World::new();
        change(&mut other);
        world.presented_keyset = Some(other.keyset_bytes());
        judge(&world.attestation()).transcript
    };
    for change in [
        (|world| world.keyset.keys.channel = [99; 32]) as fn(&mut World),
        |world| world.keyset.not_after += 1,
        |world| world.keyset.payments[0].pay_to = alloy_primitives::Address::repeat_byte(0x66),
        |world| world.keyset.release.version = "0.1.1".to_owned(),
    ] {
        assert_fails(&swap(change), check::REGISTER_METADATA);
    }
    // The same members, other bytes.
    let mut world = World::new();
    world.presented_keyset = Some([world.keyset_bytes().as_slice(), b" "].concat());
    assert_fails(&judge(&world.attestation()).transcript, check::REGISTER_METADATA);
    rejects(check::REGISTER_METADATA, |world| {
        world.metadata_digest = Some(Digest::of(b"another instance").to_string())
    });
    rejects(check::REGISTER_METADATA, |world| {
        world.metadata_digest = Some(world.keyset_digest().to_string().to_uppercase())
    });
}

#[test]
fn a_keyset_that_contradicts_itself_is_rejected_even_when_registered() {
    rejects(check::KEYSET_WELL_FORMED, |world| world.keyset.keys.channel = world.keyset.keys.identity);
    rejects(check::KEYSET_WELL_FORMED, |world| world.keyset.ohttp_config[5] ^= 1);
    rejects(check::KEYSET_WELL_FORMED, |world| world.keyset.tasks.clear());
    rejects(check::KEYSET_WELL_FORMED, |world| world.keyset.payments.clear());
    rejects(check::KEYSET_WELL_FORMED, |world| world.keyset.payments.push(world.keyset.payments[0].clone()));
    rejects(check::KEYSET_WELL_FORMED, |world| world.keyset.payments[0].schemes.clear());
    rejects(check::KEYSET_WELL_FORMED, |world| world.keyset.version = "precis/keyset: v1".to_owned());
    rejects(check::KEYSET_TIME, |world| world.keyset.not_after = NOW - 301);
    rejects(check::KEYSET_TIME, |world| world.keyset.not_before = NOW + 301);
    rejects(check::MODEL_ALLOWED, |world| {
        world.keyset.tasks.get_mut(&Task::SummaryAbstractive).unwrap().model = Some(Digest::of(b"another model"));
    });
    rejects(check::PAYMENT_ALLOWED, |world| {
        world.keyset.payments[0].asset = alloy_primitives::Address::repeat_byte(0x66)
    });
    rejects(check::REGISTER_APP, |world| world.keyset.app_id = precis_verify::AppId::from_bytes([1; 21]).to_string());
    rejects(check::REGISTER_APP, |world| world.keyset.app_id.push('x'));
}

#[test]
fn a_keyset_that_was_replaced_is_vouched_for_beside_its_successor_and_no_other_is() {
    let previous = format!("net.oasis.app.{}", precis_protocol::tags::METADATA_KEYSET_PREVIOUS);
    let mut world = World::new();
    world.metadata_digest = Some(Digest::of(b"the successor").to_string());
    world.metadata.insert(previous.clone(), world.keyset_digest().to_string());
    let transcript = judge(&world.attestation()).transcript;
    assert_eq!(transcript.verdict(), Verdict::Verified, "{transcript}");
    rejects(check::REGISTER_METADATA, |world| {
        world.metadata_digest = Some(Digest::of(b"the successor").to_string());
        world.metadata.insert(
            format!("net.oasis.app.{}", precis_protocol::tags::METADATA_KEYSET_PREVIOUS),
            Digest::of(b"an older one").to_string(),
        );
    });
}

#[test]
fn a_registration_of_another_app_chain_or_epoch_is_rejected() {
    rejects(check::REGISTER_APP, |world| world.app[0] ^= 1);
    rejects(check::REGISTER_SIGNATURE, |world| world.chain.runtime_id[0] ^= 1);
    rejects(check::REGISTER_SIGNATURE, |world| world.chain_context[0] ^= 1);
    rejects(check::REGISTER_SIGNATURE, |world| world.chain.chain_context = "dd".repeat(32));
    rejects(check::REGISTRATION_EPOCH, |world| world.expiration = 99);
    // The metadata key itself must be there.
    assert_eq!(METADATA_KEY, format!("net.oasis.app.{}", precis_protocol::tags::METADATA_KEYSET));
}

#[test]
fn a_rak_that_the_quote_does_not_bind_is_rejected() {
    rejects(check::QUOTE_REPORT_DATA, |world| world.rak = InstanceKeys::from_seed([22; 32]).unwrap());
    rejects(check::QUOTE_REPORT_DATA, |world| world.quote.report_data[31] ^= 1);
}

#[test]
fn a_transaction_whose_proofs_do_not_fit_is_rejected() {
    for offset in [1, 40, 80, 100] {
        let mut world = World::new();
        world.bend_transaction = |transaction, _| transaction;
        let mut document = world.document(vec![world.register_evidence()]);
        let precis_protocol::attestation::Evidence::RoflRegister { transaction, .. } = &mut document.evidence[0] else {
            panic!()
        };
        let at = transaction.len() - offset;
        transaction[at] ^= 1;
        let transcript = judge(&serde_json::to_vec(&document).unwrap()).transcript;
        assert_eq!(transcript.verdict(), Verdict::Rejected, "{offset}\n{transcript}");
    }
    rejects(check::EVIDENCE_PARSE, |world| {
        world.bend_transaction = |transaction, _| [transaction.as_slice(), &[0]].concat()
    });
    rejects(check::EVIDENCE_PARSE, |world| {
        world.bend_transaction = |transaction, _| transaction[..transaction.len() - 1].to_vec()
    });
    // A body signed by somebody else's RAK: the signer is not the key that the quote binds.
    rejects(check::REGISTER_SIGNATURE, |world| {
        world.bend_transaction = |_, world| {
            let mut other = World::new();
            other.rak = InstanceKeys::from_seed([23; 32]).unwrap();
            let body = world.with_register(&world.quote_bytes(), |register| {
                precis_devnet::oasis::mock::cbor::encode(&register.body())
            });
            other.with_register(&world.quote_bytes(), |register| register.sign_body(&body))
        };
    });
}

#[test]
fn a_key_configuration_other_than_the_keysets_is_rejected() {
    let world = World::new();
    let attestation = world.attestation();
    let used = |config: &[u8]| {
        let presented = Presented {
            attestation: &attestation,
            nonce: Some(NONCE),
            ohttp_config: Some(config),
            ..Presented::default()
        };
        verify(&presented, &World::policy(), NOW).transcript
    };
    let config = world.keyset.ohttp_config.clone();
    let listed = [&[0, u8::try_from(config.len()).unwrap()], config.as_slice()].concat();
    assert!(used(&listed).is_verified());
    let mut other = config.clone();
    other[4] ^= 1;
    assert_fails(&used(&other), check::CHANNEL_KEY);
    assert_fails(&used(&[listed.as_slice(), &listed].concat()), check::CHANNEL_KEY);
    assert_fails(&used(&[]), check::CHANNEL_KEY);
}

#[test]
fn a_document_that_two_parsers_could_read_differently_is_rejected() {
    let text = String::from_utf8(World::new().attestation()).unwrap();
    let refused = |text: String| assert_fails(&judge(text.as_bytes()).transcript, check::DOCUMENT_PARSE);
    refused(text.replacen('{', r#"{"version":"precis/attestation: v1","#, 1));
    refused(text.replacen('{', r#"{"extra":1,"#, 1));
    refused(text.replacen(r#""kind":"rofl-register""#, r#""kind":"registry""#, 1));
    refused(text.replacen("v1", "v2", 1));
    refused(format!("\u{feff}{text}"));
    refused(format!("{text} "));
    refused(text.replacen(':', ": ", 1));
    refused(text.replacen(&hex::encode(NONCE), &hex::encode(NONCE).to_uppercase(), 1));
    refused(text.replacen(&"b1".repeat(32), &"B1".repeat(32), 1));
    refused("[".repeat(100_000));
    refused(String::new());
    refused("x".repeat(5 * 1024 * 1024));
    let world = World::new();
    let none = serde_json::to_vec(&world.document(Vec::new())).unwrap();
    assert_fails(&judge(&none).transcript, check::DOCUMENT_PARSE);
    let many = serde_json::to_vec(&world.document(vec![world.tdx_evidence(); 5])).unwrap();
    assert_fails(&judge(&many).transcript, check::DOCUMENT_PARSE);
}

/// The verdict with what a node says of app and instance in `epoch`.
fn on_chain(epoch: u64, policy: &Policy, change: impl FnOnce(&mut AppState)) -> Transcript {
    let world = World::new();
    let (attestation, mut state) = (world.attestation(), world.app_state());
    change(&mut state);
    let (epoch, app) = (Online::Known(epoch), Online::Known(&state));
    verify(
        &Presented { attestation: &attestation, nonce: Some(NONCE), epoch, app, ..Presented::default() },
        policy,
        NOW,
    )
    .transcript
}

#[test]
fn a_registration_that_the_chain_does_not_have_is_rejected() {
    let judged = |epoch, change: fn(&mut AppState)| on_chain(epoch, &World::policy(), change);
    assert!(judged(99, |_| {}).is_verified(), "{}", judged(99, |_| {}));
    assert_fails(&judged(99, |state| state.registered = None), check::REGISTRATION_ON_CHAIN);
    assert_fails(&judged(99, |state| state.registered.as_mut().unwrap().expiration = 99), check::REGISTRATION_ON_CHAIN);
    assert_fails(
        &judged(99, |state| state.registered.as_mut().unwrap().expiration = 103),
        check::REGISTRATION_ON_CHAIN,
    );
    assert_fails(
        &judged(99, |state| state.registered.as_mut().unwrap().node_id = [1; 32]),
        check::REGISTRATION_ON_CHAIN,
    );
    // A registration that expires after the end of days was taken by no chain.
    let mut world = World::new();
    world.expiration = 1 << 62;
    assert_fails(&world.appraise().transcript, check::REGISTRATION_EPOCH);
    // An answer about somebody else is no answer.
    let other = judged(99, |state| state.of.rak = [1; 32]);
    assert_eq!(other.verdict(), Verdict::Incomplete, "{other}");
    let world = World::new();
    let attestation = world.attestation();
    let app = Online::Unanswered("nobody is there");
    let presented = Presented { attestation: &attestation, nonce: Some(NONCE), app, ..Presented::default() };
    assert_eq!(verify(&presented, &World::policy(), NOW).transcript.verdict(), Verdict::Incomplete);
}

#[test]
fn an_app_that_admits_other_code_is_rejected() {
    let judged = on_chain(99, &World::policy(), |state| state.identities.push([7; 32]));
    assert_fails(&judged, check::APP_POLICY);
    let detail = &judged.outcome(check::APP_POLICY).unwrap().detail;
    assert!(detail.contains(&"07".repeat(32)) && detail.ends_with("secrets: LETTERHEAD"), "{detail}");
    // Released once, revoked since, and still admitted.
    let mut policy = World::policy();
    policy.enclave_identities.insert([7; 32]);
    assert!(on_chain(99, &policy, |state| state.identities.push([7; 32])).is_verified());
    policy.revoked_enclave_identities.insert([7; 32]);
    assert_fails(&on_chain(99, &policy, |state| state.identities.push([7; 32])), check::APP_POLICY);
}

#[test]
fn plain_https_goes_to_the_key_that_the_proxy_put_on_chain() {
    let with = |published: Option<&[u8]>, on_chain: Option<&[u8]>, used: &[u8]| {
        let mut world = World::new();
        let pair = |key: &[u8]| ("net.oasis.tls.pk".to_owned(), base64_encode(key));
        world.metadata.extend(published.map(pair));
        let mut state = world.app_state();
        state.registered.as_mut().unwrap().metadata.extend(on_chain.map(pair));
        let (attestation, app) = (world.attestation(), Online::Known(&state));
        let (nonce, tls_key) = (Some(NONCE), Some(used));
        verify(
            &Presented { attestation: &attestation, nonce, app, tls_key, ..Presented::default() },
            &World::policy(),
            NOW,
        )
        .transcript
    };
    let status = |transcript: &Transcript| transcript.outcome(check::CHANNEL_TLS).unwrap().status;
    // The key comes with the second registration: the one judged may lack it, and the one on chain have it.
    for (published, on_chain) in [(Some(&b"a"[..]), None), (None, Some(&b"a"[..])), (Some(b"old"), Some(b"a"))] {
        let right = with(published, on_chain, b"a");
        assert!(right.is_verified() && status(&right) == Status::Pass, "{right}");
        assert_fails(&with(published, on_chain, b"b"), check::CHANNEL_TLS);
    }
    let unnamed = with(None, None, b"a");
    assert!(unnamed.is_verified() && status(&unnamed) == Status::NotEvaluated, "{unnamed}");
}

#[test]
fn the_admin_is_pinned_or_shown() {
    let unpinned = on_chain(99, &World::policy(), |_| {});
    let outcome = unpinned.outcome(check::APP_ADMIN).unwrap();
    let account = Account([0; 21]).to_string();
    assert!(account.starts_with("oasis1") && outcome.detail.starts_with(&account), "{unpinned}");
    assert!(outcome.status == Status::NotEvaluated && !outcome.required && unpinned.is_verified());
    let pinned = |admin: &str| Policy { admin: Some(admin.to_owned()), ..World::policy() };
    assert!(on_chain(99, &pinned(&account), |_| {}).is_verified());
    assert_fails(&on_chain(99, &pinned(&account), |state| state.admin = Some(Account([1; 21]))), check::APP_ADMIN);
    assert_fails(&on_chain(99, &pinned("nobody"), |_| {}), check::APP_ADMIN);
    assert!(on_chain(99, &pinned("nobody"), |state| state.admin = None).is_verified());
}

#[test]
fn no_single_bit_of_an_attestation_is_free() {
    use proptest::prelude::*;
    let attestation = World::new().attestation();
    let policy = World::policy();
    assert!(judge(&attestation).transcript.is_verified());
    let config = ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(bit in 0..attestation.len() * 8)| {
        let mut changed = attestation.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let presented = Presented { attestation: &changed, nonce: Some(NONCE), ..Presented::default() };
        let appraisal = verify(&presented, &policy, NOW);
        prop_assert_eq!(appraisal.transcript.verdict(), Verdict::Rejected, "bit {} of byte {}\n{}", bit % 8, bit / 8, appraisal.transcript);
        prop_assert!(appraisal.service.is_none());
    });
}

#[test]
fn no_single_bit_of_a_registration_or_its_quote_is_free() {
    use proptest::prelude::*;
    let world = World::new();
    let document = world.document(vec![world.register_evidence()]);
    let policy = World::policy();
    let length = world.transaction().len();
    let config = ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(bit in 0..length * 8)| {
        let mut changed = document.clone();
        if let precis_protocol::attestation::Evidence::RoflRegister { transaction, .. } = &mut changed.evidence[0] {
            transaction[bit / 8] ^= 1 << (bit % 8);
        }
        let attestation = serde_json::to_vec(&changed).unwrap();
        let presented = Presented { attestation: &attestation, nonce: Some(NONCE), ..Presented::default() };
        prop_assert_eq!(verify(&presented, &policy, NOW).transcript.verdict(), Verdict::Rejected, "bit {}", bit);
    });
}
