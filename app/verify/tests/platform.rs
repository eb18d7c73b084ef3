//! Quotes and collateral of a mock platform: which machine, in which state, running which code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use crate::common::{NONCE, NOW, World, assert_fails, rejects};
use alloy_primitives::U256;
use precis_devnet::oasis::mock::{CollateralSpec, Revoked};
use precis_verify::check;
use precis_verify::{Policy, Presented, Verdict, verify};

#[test]
fn a_debuggable_migratable_or_configured_td_is_rejected() {
    for bit in [0, 1, 4, 5, 6, 7, 8, 15, 17, 18, 22, 23, 26, 28, 29, 31, 32, 61, 62] {
        rejects(check::QUOTE_ATTRIBUTES, |world| world.quote.td_attributes[bit / 8] ^= 1 << (bit % 8));
    }
    rejects(check::QUOTE_ATTRIBUTES, |world| world.quote.mr_signer_seam[0] = 1);
    rejects(check::QUOTE_ATTRIBUTES, |world| world.quote.mr_config_id[0] = 1);
    rejects(check::QUOTE_ATTRIBUTES, |world| world.quote.mr_owner[0] = 1);
    rejects(check::QUOTE_ATTRIBUTES, |world| world.quote.mr_owner_config[0] = 1);
}

#[test]
fn every_measurement_decides() {
    rejects(check::IDENTITY_ALLOWED, |world| world.quote.measurements.mr_td[0] ^= 1);
    for index in 0..4 {
        rejects(check::IDENTITY_ALLOWED, |world| world.quote.measurements.rt_mr[index][47] ^= 1);
    }
}

#[test]
fn an_identity_that_is_not_released_or_is_revoked_is_rejected() {
    let attestation = World::new().attestation();
    let judged = |policy: &Policy| {
        let presented = Presented { attestation: &attestation, nonce: Some(NONCE), ..Presented::default() };
        verify(&presented, policy, NOW).transcript
    };
    let mut policy = World::policy();
    policy.enclave_identities = [[7; 32]].into();
    assert_fails(&judged(&policy), check::IDENTITY_ALLOWED);
    // Named and revoked: revoked.
    let mut policy = World::policy();
    policy.revoked_enclave_identities = policy.enclave_identities.clone();
    assert_fails(&judged(&policy), check::IDENTITY_ALLOWED);
}

#[test]
fn a_platform_that_is_not_up_to_date_is_rejected() {
    for status in [
        "OutOfDate",
        "OutOfDateConfigurationNeeded",
        "ConfigurationNeeded",
        "ConfigurationAndSWHardeningNeeded",
        "SWHardeningNeeded",
    ] {
        rejects(check::QUOTE_TCB, |world| world.collateral_spec.tcb_status = status);
    }
    rejects(check::QUOTE_TCB, |world| {
        world.collateral_spec.tcb_status = "SWHardeningNeeded";
        world.collateral_spec.advisories = vec!["INTEL-SA-00001".to_owned(), "INTEL-SA-00002".to_owned()];
    });
    rejects(check::QUOTE_TCB, |world| world.collateral_spec.qe_status = "OutOfDate");
    rejects(check::QUOTE_TCB, |world| world.collateral_spec.qe_status = "ConfigurationNeeded");
    rejects(check::QUOTE_CHAIN, |world| world.collateral_spec.tcb_status = "Revoked");
    rejects(check::QUOTE_CHAIN, |world| world.collateral_spec.qe_status = "Revoked");
    rejects(check::QUOTE_CHAIN, |world| world.quote.tee_tcb_svn[2] = 0);
    let mut world = World::new();
    world.collateral_spec.tcb_status = "SWHardeningNeeded";
    world.collateral_spec.advisories = vec!["INTEL-SA-00001".to_owned()];
    assert_eq!(world.appraise().transcript.verdict(), Verdict::Verified, "{}", world.appraise().transcript);
}

#[test]
fn stale_expired_or_foreign_collateral_is_rejected() {
    const DAY: u64 = 86_400;
    rejects(check::QUOTE_COLLATERAL, |world| world.collateral_spec.evaluation_number = 17);
    rejects(check::QUOTE_COLLATERAL, |world| {
        world.collateral_spec.issued = NOW - 31 * DAY;
        world.collateral_spec.next_update = NOW + DAY;
    });
    rejects(check::QUOTE_COLLATERAL, |world| world.collateral_spec.pce_id = [1, 0]);
    rejects(check::QUOTE_CHAIN, |world| world.collateral_spec.next_update = NOW - 1);
    rejects(check::QUOTE_CHAIN, |world| world.collateral_spec.crl_next_update = NOW - 1);
    rejects(check::QUOTE_CHAIN, |world| world.collateral_spec.issued = NOW + 301);
    rejects(check::QUOTE_CHAIN, |world| world.collateral_spec.fmspc = [9; 6]);
}

#[test]
fn revocation_lists_have_an_age_and_come_from_no_future() {
    const DAY: u64 = 86_400;
    let aged = |change: fn(&mut World)| {
        let mut world = World::new();
        world.collateral_spec.crl_next_update = NOW + DAY;
        change(&mut world);
        world.appraise().transcript
    };
    assert_fails(&aged(|world| world.collateral_spec.pck_crl_issued = NOW - 31 * DAY), check::QUOTE_COLLATERAL);
    assert_fails(&aged(|world| world.collateral_spec.root_crl_issued = NOW - 381 * DAY), check::QUOTE_COLLATERAL);
    assert_fails(&aged(|world| world.collateral_spec.pck_crl_issued = NOW + 301), check::QUOTE_COLLATERAL);
    assert_fails(&aged(|world| world.collateral_spec.root_crl_issued = NOW + 301), check::QUOTE_COLLATERAL);
    // Intel replaces the root's list once a year: how old it may be is a rule of its own.
    let mut world = World::new();
    (world.collateral_spec.root_crl_issued, world.collateral_spec.crl_next_update) = (NOW - 364 * DAY, NOW + DAY);
    let attestation = world.attestation();
    let judged = |days| {
        let mut policy = World::policy();
        policy.tcb.max_root_crl_age_days = days;
        let presented = Presented { attestation: &attestation, nonce: Some(NONCE), ..Presented::default() };
        verify(&presented, &policy, NOW).transcript
    };
    assert!(judged(364).is_verified(), "{}", judged(364));
    assert_fails(&judged(363), check::QUOTE_COLLATERAL);
}

#[test]
fn collateral_has_one_encoding() {
    rejects(check::EVIDENCE_PARSE, |world| {
        world.bend_collateral = |collateral, _| assert_eq!(collateral.tcb_info_issuer_chain.pop(), Some('\n'));
    });
    rejects(check::EVIDENCE_PARSE, |world| {
        world.bend_collateral = |collateral, _| high_s(&mut collateral.tcb_info_signature);
    });
    rejects(check::EVIDENCE_PARSE, |world| {
        world.bend_collateral = |collateral, _| high_s(&mut collateral.qe_identity_signature);
    });
}

/// The other signature of the same text.
fn high_s(signature: &mut [u8]) {
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order = U256::from_str_radix(order, 16).unwrap();
    let s = U256::from_be_slice(&signature[32..]);
    signature[32..].copy_from_slice(&(order - s).to_be_bytes::<32>());
}

#[test]
fn collateral_of_the_callers_own_decides_in_the_place_of_the_services() {
    let world = World::new();
    let attestation = world.attestation();
    let judged = |own: &CollateralSpec| {
        let own = crate::common::to_protocol(&own.sign(&world.pki).unwrap());
        let presented =
            Presented { attestation: &attestation, nonce: Some(NONCE), collateral: Some(&own), ..Presented::default() };
        verify(&presented, &World::policy(), NOW).transcript
    };
    let fresh = judged(&world.collateral_spec);
    assert!(fresh.is_verified(), "{fresh}");
    assert!(fresh.outcome(check::EVIDENCE_PARSE).unwrap().detail.contains("collateral is the caller's own"));
    // What the service would rather not present.
    assert_fails(
        &judged(&CollateralSpec { revoked: Revoked::Pck, ..world.collateral_spec.clone() }),
        check::QUOTE_CHAIN,
    );
    assert_fails(
        &judged(&CollateralSpec { tcb_status: "OutOfDate", ..world.collateral_spec.clone() }),
        check::QUOTE_TCB,
    );
    // And what it presents does not help a caller whose own is too old.
    assert_fails(
        &judged(&CollateralSpec { evaluation_number: 17, ..world.collateral_spec.clone() }),
        check::QUOTE_COLLATERAL,
    );
}

#[test]
fn a_td_with_features_that_the_policy_does_not_allow_is_rejected() {
    // Processor trace, last-branch records, and a bit that means nothing yet.
    for bit in [8, 15, 40] {
        rejects(check::QUOTE_ATTRIBUTES, |world| world.quote.xfam[bit / 8] |= 1 << (bit % 8));
    }
    let attestation = World::new().attestation();
    let mut policy = World::policy();
    policy.td.allowed_xfam = 0x3;
    let presented = Presented { attestation: &attestation, nonce: Some(NONCE), ..Presented::default() };
    assert_fails(&verify(&presented, &policy, NOW).transcript, check::QUOTE_ATTRIBUTES);
}

#[test]
fn revoked_certificates_and_missing_lists_are_rejected() {
    for revoked in [Revoked::Pck, Revoked::PckCa, Revoked::TcbSigning] {
        rejects(check::QUOTE_CHAIN, |world| world.collateral_spec.revoked = revoked);
    }
    rejects(check::QUOTE_CHAIN, |world| world.bend_collateral = |collateral, _| collateral.pck_crl.clear());
    rejects(check::QUOTE_CHAIN, |world| world.bend_collateral = |collateral, _| collateral.root_ca_crl.clear());
    rejects(check::QUOTE_CHAIN, |world| {
        world.bend_collateral = |collateral, _| std::mem::swap(&mut collateral.pck_crl, &mut collateral.root_ca_crl);
    });
    rejects(check::QUOTE_CHAIN, |world| {
        world.bend_collateral = |collateral, _| collateral.pck_crl = collateral.root_ca_crl.clone()
    });
}

#[test]
fn a_substituted_quoting_enclave_is_rejected() {
    rejects(check::QUOTE_CHAIN, |world| world.collateral_spec.qe_id = "QE");
    rejects(check::QUOTE_CHAIN, |world| world.quote.qe.mr_signer = [1; 32]);
    rejects(check::QUOTE_CHAIN, |world| world.quote.qe.isv_prod_id = 1);
    rejects(check::QUOTE_CHAIN, |world| world.quote.qe.isv_svn = 0);
    rejects(check::QUOTE_CHAIN, |world| world.quote.qe.attributes[0] |= 2);
    rejects(check::QUOTE_CHAIN, |world| world.collateral_spec.qe_mr_signer = [1; 32]);
}

#[test]
fn a_quote_bent_after_signing_is_rejected() {
    rejects(check::EVIDENCE_PARSE, |world| world.bend_quote = |quote| quote.push(0));
    rejects(check::EVIDENCE_PARSE, |world| world.bend_quote = |quote| quote.truncate(quote.len() - 1));
    rejects(check::EVIDENCE_PARSE, |world| world.bend_quote = |quote| quote[632..636].copy_from_slice(&[0xff; 4]));
    rejects(check::EVIDENCE_PARSE, |world| world.bend_quote = |quote| quote[764] = 5);
    rejects(check::EVIDENCE_PARSE, |world| world.quote.version = 3);
    rejects(check::EVIDENCE_PARSE, |world| world.quote.tee_type = 0);
    // XFAM: nothing of ours looks at it, only the signature does.
    rejects(check::QUOTE_CHAIN, |world| world.bend_quote = |quote| quote[48 + 128] ^= 1);
}

#[test]
fn collateral_with_a_free_byte_is_rejected() {
    rejects(check::EVIDENCE_PARSE, |world| {
        world.bend_collateral =
            |collateral, _| collateral.tcb_info_issuer_chain = collateral.tcb_info_issuer_chain.replace('\n', "\r\n");
    });
    rejects(check::EVIDENCE_PARSE, |world| {
        world.bend_collateral =
            |collateral, _| collateral.pck_crl_issuer_chain = collateral.tcb_info_issuer_chain.clone();
    });
    rejects(check::EVIDENCE_PARSE, |world| {
        world.bend_collateral =
            |collateral, _| collateral.pck_certificate_chain = Some(collateral.tcb_info_issuer_chain.clone());
    });
    rejects(check::EVIDENCE_PARSE, |world| {
        world.bend_collateral = |collateral, _| collateral.tcb_info_signature.push(0)
    });
    rejects(check::QUOTE_CHAIN, |world| {
        world.bend_collateral =
            |collateral, _| collateral.tcb_info = collateral.tcb_info.replace("\"tcbType\":0", "\"tcbType\":1")
    });
    rejects(check::QUOTE_CHAIN, |world| world.bend_collateral = |collateral, _| collateral.qe_identity.push(' '));
    // The chain in the collateral may repeat the one in the quote.
    let mut world = World::new();
    world.bend_collateral = |collateral, world| collateral.pck_certificate_chain = Some(world.pki.pck_chain());
    assert_eq!(world.appraise().transcript.verdict(), Verdict::Verified, "{}", world.appraise().transcript);
}
