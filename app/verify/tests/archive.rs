//! What is kept and judged later: saved evidence, chains of receipts, attestation results, policies made from releases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use crate::common::{Job, NONCE, NOW, World, assert_fails};
use precis_devnet::oasis::mock::{CollateralSpec, Revoked};
use precis_protocol::evidence_file::{EvidenceFile, OwnCollateral};
use precis_protocol::receipt::SignedReceipt;
use precis_protocol::release::Release;
use precis_protocol::{Digest, PerTask, Task, tags};
use precis_verify::check::{self, CHALLENGE_FRESH, CHALLENGE_NONCE, DOCUMENT_PARSE};
use precis_verify::ear::{Context, attestation_result};
use precis_verify::policy::AllowedModels;
use precis_verify::release::policy_toml;
use precis_verify::{
    Beside, Policy, Presented, Transcript, Verdict, check_receipt_chain, verify, verify_evidence_file,
    verify_receipt_file,
};
use serde_json::{Value, json};

fn saved(world: &World) -> EvidenceFile {
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

fn bytes(file: &EvidenceFile) -> Vec<u8> {
    serde_json::to_vec(file).unwrap()
}

#[test]
fn saved_evidence_is_judged_at_the_time_that_is_given() {
    let file = bytes(&saved(&World::new()));
    let at = |at| verify_evidence_file(&file, &World::policy(), at);
    let then = at(NOW);
    assert_eq!(then.transcript.verdict(), Verdict::Verified, "{}", then.transcript);
    assert!(then.service.is_some());
    assert_fails(&at(NOW + 301).transcript, CHALLENGE_FRESH);
    assert_fails(&at(NOW + 100 * 86_400).transcript, check::QUOTE_CHAIN);
}

#[test]
fn saved_evidence_with_another_nonce_key_or_version_is_rejected() {
    let judged = |change: fn(&mut EvidenceFile)| {
        let mut file = saved(&World::new());
        change(&mut file);
        verify_evidence_file(&bytes(&file), &World::policy(), NOW).transcript
    };
    assert_fails(&judged(|file| file.nonce[0] ^= 1), CHALLENGE_NONCE);
    assert_fails(&judged(|file| file.ohttp_keys[4] ^= 1), check::CHANNEL_KEY);
    assert_fails(&judged(|file| file.version.push('0')), DOCUMENT_PARSE);
    assert_fails(&judged(|file| file.attestation.truncate(100)), DOCUMENT_PARSE);
    assert_fails(&verify_evidence_file(b"", &World::policy(), NOW).transcript, DOCUMENT_PARSE);
    let padded = [bytes(&saved(&World::new())), vec![b' '; 9 * 1024 * 1024]].concat();
    assert_fails(&verify_evidence_file(&padded, &World::policy(), NOW).transcript, DOCUMENT_PARSE);
}

/// `count` receipts of one boot, each naming the one before.
fn chain(count: u64) -> Vec<SignedReceipt> {
    let mut job = Job::new();
    let mut receipts: Vec<SignedReceipt> = Vec::new();
    for sequence in 1..=count {
        job.receipt.sequence = sequence;
        job.receipt.issued_at += 1;
        if let Some(last) = receipts.last() {
            job.receipt.previous_receipt = last.digest();
        }
        receipts.push(job.signed());
    }
    receipts
}

#[test]
fn a_whole_chain_of_receipts_verifies_in_any_order() {
    let mut receipts = chain(5);
    receipts.reverse();
    receipts.push(receipts[2].clone());
    let transcript = check_receipt_chain(&receipts, false);
    assert!(transcript.is_verified(), "{transcript}");
    assert!(transcript.checks()[0].detail.starts_with("5 receipts of 1 boots"), "{transcript}");
}

#[test]
fn a_gap_is_not_evaluated_and_never_passes() {
    let receipts = chain(5);
    let transcript = check_receipt_chain(&[receipts[0].clone(), receipts[3].clone()], false);
    assert_eq!(transcript.verdict(), Verdict::Incomplete, "{transcript}");
    assert_ne!(transcript.verdict().exit_code(), 0);
}

#[test]
fn a_fork_or_a_receipt_with_another_predecessor_is_rejected() {
    let receipts = chain(4);
    let mut job = Job::new();
    job.receipt = receipts[2].receipt.clone();
    job.receipt.output_tokens += 1;
    let forked = [receipts.as_slice(), &[job.signed()]].concat();
    assert_fails(&check_receipt_chain(&forked, false), check::RECEIPT_CHAIN);
    job.receipt = receipts[2].receipt.clone();
    job.receipt.previous_receipt = receipts[0].digest();
    let relinked = [receipts[0].clone(), receipts[1].clone(), job.signed()];
    assert_fails(&check_receipt_chain(&relinked, false), check::RECEIPT_CHAIN);
    job.receipt = receipts[3].receipt.clone();
    job.receipt.issued_at = receipts[2].receipt.issued_at - 301;
    let out_of_time = [receipts[2].clone(), job.signed()];
    assert_fails(&check_receipt_chain(&out_of_time, false), check::RECEIPT_CHAIN);
}

#[test]
fn a_receipt_is_judged_by_other_evidence_for_its_keyset_and_by_no_other_keysets() {
    let job = Job::new();
    let mut file = job.file();
    file.attestation.clear();
    let without = serde_json::to_vec(&file).unwrap();
    let judged = |attestation: Option<&[u8]>| {
        verify_receipt_file(&without, &World::policy(), NOW + 9, &Beside { attestation, ..Beside::default() })
            .transcript
    };
    assert_fails(&judged(None), DOCUMENT_PARSE);
    assert!(judged(Some(&World::new().attestation())).is_verified());
    let mut other = World::new();
    other.keyset.instance_id = [66; 16];
    assert_fails(&judged(Some(&other.attestation())), check::RECEIPT_KEYSET);
}

fn result_of(world: &World, policy: &Policy) -> Value {
    let appraisal = verify_evidence_file(&bytes(&saved(world)), policy, NOW);
    let attestation = world.attestation();
    let context = Context { attestation: &attestation, nonce: Some(NONCE), policy_id: "sha256:policy", issued_at: NOW };
    attestation_result(&appraisal, &context)
}

#[test]
fn an_attestation_result_never_affirms_a_mock_root() {
    let result = result_of(&World::new(), &World::policy());
    assert_eq!(result["eat_profile"], "tag:ietf.org,2026:rats/ear#04");
    assert_eq!(result["iat"], NOW);
    assert_eq!(result["eat_nonce"], hex::encode(NONCE));
    let submodule = &result["submods"]["precis"];
    assert_eq!(submodule["precis_verdict"], "VERIFIED");
    assert_eq!(submodule["ear_status"], "contraindicated");
    assert_eq!(
        submodule["ear_trustworthiness_vector"],
        json!({"configuration": 2, "executables": 2, "hardware": 97, "instance-identity": 2})
    );
    assert_eq!(submodule["ear_appraisal_policy_ids"], json!(["sha256:policy"]));
    assert_eq!(submodule["precis_checks"]["registration.epoch"], "not evaluated");
    assert!(
        result["ear_raw_evidence"].as_str().unwrap().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    );
}

#[test]
fn a_claim_rests_only_on_checks_that_passed() {
    let world = World::new();
    let vector = |policy: &Policy, nonce: Option<[u8; 32]>| {
        let attestation = world.attestation();
        let config = world.keyset.ohttp_config.clone();
        let presented =
            Presented { attestation: &attestation, nonce, ohttp_config: Some(&config), ..Presented::default() };
        let appraisal = verify(&presented, policy, NOW);
        let context = Context { attestation: &attestation, nonce, policy_id: "p", issued_at: NOW };
        let vector = &attestation_result(&appraisal, &context)["submods"]["precis"]["ear_trustworthiness_vector"];
        ["configuration", "executables", "instance-identity"].map(|claim| vector[claim].as_i64().unwrap())
    };
    assert_eq!(vector(&World::policy(), Some(NONCE)), [2, 2, 2]);
    let mut any_model = World::policy();
    any_model.tasks.insert(Task::SummaryExtractive, AllowedModels::Any);
    assert_eq!(vector(&any_model, Some(NONCE)), [0, 2, 2], "no model was named");
    let mut any_payee = World::policy();
    any_payee.payments.clear();
    assert_eq!(vector(&any_payee, Some(NONCE)), [0, 2, 2], "no payee was pinned");
    assert_eq!(vector(&World::policy(), None), [2, 2, 0], "no nonce was sent");
}

#[test]
fn what_intel_learned_later_applies_to_an_old_receipt() {
    const LATER: u64 = NOW + 60 * 86_400;
    let world = World::new();
    let file = serde_json::to_vec(&Job::new().file()).unwrap();
    let judged = |beside: Beside<'_>| verify_receipt_file(&file, &World::policy(), LATER + 9_999, &beside).transcript;
    let later = |change: fn(&mut CollateralSpec)| {
        let mut spec = CollateralSpec::fresh(&world.pki, LATER);
        change(&mut spec);
        spec
    };
    let by_collateral = |change: fn(&mut CollateralSpec)| {
        let own = crate::common::to_protocol(&later(change).sign(&world.pki).unwrap());
        judged(Beside { collateral: Some(&own), ..Beside::default() })
    };
    let by_evidence = |change: fn(&mut CollateralSpec)| {
        let mut later_world = World::new();
        later_world.collateral_spec = later(change);
        let attestation = later_world.attestation();
        judged(Beside { attestation: Some(&attestation), ..Beside::default() })
    };
    assert!(judged(Beside::default()).is_verified(), "by what was known then it holds");
    for judged in [&by_collateral as &dyn Fn(fn(&mut CollateralSpec)) -> Transcript, &by_evidence] {
        let still = judged(|_| {});
        assert!(still.is_verified(), "{still}");
        let detail = &still.outcome(check::QUOTE_COLLATERAL).unwrap().detail;
        assert!(detail.contains(&format!("judged as at {}", LATER - 3_600)), "{detail}");
        assert_fails(&judged(|spec| spec.revoked = Revoked::Pck), check::QUOTE_CHAIN);
        assert_fails(&judged(|spec| spec.tcb_status = "OutOfDate"), check::QUOTE_TCB);
        // Collateral from after the caller's time proves nothing.
        assert_ne!(judged(|spec| spec.issued = LATER + 20_000).verdict(), Verdict::Verified);
    }
}

#[test]
fn an_honest_chain_survives_a_clock_that_steps_back() {
    let mut job = Job::new();
    let first = job.signed();
    (job.receipt.sequence, job.receipt.previous_receipt) = (2, first.digest());
    job.receipt.issued_at = first.receipt.issued_at - 1;
    let transcript = check_receipt_chain(&[first, job.signed()], false);
    assert!(transcript.is_verified(), "{transcript}");
}

#[test]
fn saved_evidence_is_judged_by_the_collateral_that_was_saved_with_it() {
    let world = World::new();
    let judged = |spec: &CollateralSpec| {
        let collateral = Box::new(crate::common::to_protocol(&spec.sign(&world.pki).unwrap()));
        let own = OwnCollateral { source: "https://pcs.example/".to_owned(), collateral };
        let file = EvidenceFile { own_collateral: Some(own), ..saved(&world) };
        verify_evidence_file(&bytes(&file), &World::policy(), NOW).transcript
    };
    assert!(judged(&world.collateral_spec).is_verified(), "{}", judged(&world.collateral_spec));
    assert_fails(
        &judged(&CollateralSpec { revoked: Revoked::Pck, ..world.collateral_spec.clone() }),
        check::QUOTE_CHAIN,
    );
}

#[test]
fn an_attestation_result_says_what_failed() {
    let vector = |change: fn(&mut World)| {
        let mut world = World::new();
        change(&mut world);
        let result = result_of(&world, &World::policy());
        assert_eq!(result["submods"]["precis"]["ear_status"], "contraindicated");
        result["submods"]["precis"]["ear_trustworthiness_vector"].clone()
    };
    assert_eq!(vector(|w| w.quote.measurements.mr_td[0] ^= 1)["executables"], 97);
    assert_eq!(vector(|w| w.quote.td_attributes[0] ^= 1)["configuration"], 96);
    assert_eq!(vector(|w| w.challenge_issued_at = NOW - 400)["instance-identity"], 96);
    assert_eq!(vector(|w| w.identity = ed25519_dalek::SigningKey::from_bytes(&[77; 32]))["instance-identity"], 99);
}

#[test]
fn a_policy_made_from_a_release_accepts_that_release_and_no_other() {
    let world = World::new();
    let policy = World::policy();
    let chain = policy.chain.unwrap();
    let identity = hex::encode(world.quote.measurements.identity());
    let statement = |identity: &str, revoked: &[&str]| {
        let text = json!({
            "version": tags::RELEASE, "release": "0.1.0\n[root]", "commit": "ab".repeat(20),
            "image": format!("registry.example/precis@sha256:{}", "cd".repeat(32)),
            "files": {"rofl.yaml": Digest::of(b"1"), "compose.yaml": Digest::of(b"2")},
            "appId": policy.app_id.to_string(),
            "chain": {"runtimeId": hex::encode(chain.runtime_id), "chainContext": hex::encode(chain.chain_context)},
            "enclaveIdentities": [identity], "revokedEnclaveIdentities": revoked,
            "tasks": world.keyset.tasks.iter().map(|(task, terms)| (*task, terms.model)).collect::<PerTask<_>>(),
            "payments": [{"network": world.keyset.payments[0].network, "asset": world.keyset.payments[0].asset}],
            "minEvaluationNumber": 18
        });
        Release::parse(text.to_string().as_bytes()).unwrap()
    };
    let made = |release: &Release| Policy::parse(&policy_toml(release), |_| panic!("a mock root is named")).unwrap();
    let mut accepting = made(&statement(&identity, &[]));
    // The only thing a release cannot say for a mock platform.
    accepting.root = policy.root.clone();
    assert_eq!(accepting, Policy { tcb: accepting.tcb.clone(), ..policy.clone() });
    let judged = |policy: &Policy| verify_evidence_file(&bytes(&saved(&world)), policy, NOW).transcript;
    assert!(judged(&accepting).is_verified(), "{}", judged(&accepting));
    let mut other = made(&statement(&"ee".repeat(32), &[&identity]));
    other.root = policy.root;
    assert_fails(&judged(&other), check::IDENTITY_ALLOWED);
}

fn judged_by(policy: &Policy) -> Transcript {
    let attestation = World::new().attestation();
    verify(&Presented { attestation: &attestation, nonce: Some(NONCE), ..Presented::default() }, policy, NOW).transcript
}

#[test]
fn a_policy_that_accepts_any_model_is_told_so() {
    let mut policy = World::policy();
    policy.tasks.insert(Task::SummaryExtractive, AllowedModels::Any);
    let transcript = judged_by(&policy);
    let outcome = transcript.outcome(check::MODEL_ALLOWED).unwrap();
    assert_eq!(outcome.status, check::Status::NotEvaluated);
    assert!(outcome.detail.contains("accepts any model"));
    assert!(transcript.is_verified());
}

#[test]
fn a_task_that_the_policy_does_not_allow_is_not_judged_and_its_receipt_is_rejected() {
    let mut policy = World::policy();
    policy.tasks.remove(&Task::SummaryExtractive);
    assert!(judged_by(&policy).is_verified(), "the other task is sold and allowed");
    let transcript =
        verify_receipt_file(&serde_json::to_vec(&Job::new().file()).unwrap(), &policy, NOW + 2, &Beside::default());
    assert_fails(&transcript.transcript, check::RECEIPT_TASK);
    policy.tasks = [(Task::Rerank, AllowedModels::Any)].into();
    assert_fails(&judged_by(&policy), check::MODEL_ALLOWED);
}
