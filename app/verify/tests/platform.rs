//! Quotes and collateral of a mock platform: which machine, in which state, running which code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{NONCE, NOW, World, assert_fails, rejects};
use precis_devnet::oasis::mock::Revoked;
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
