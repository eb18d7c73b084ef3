use precis_protocol::attestation::{Attestation, Collateral, Evidence};
use precis_protocol::limits::MAX_ATTESTATION_BYTES;
use precis_verify::check::{DOCUMENT_PARSE, Status};
use precis_verify::{enclave_identity_of, verify};

use crate::honest;
use crate::script::{Edit, edits};

/// `Attestation::parse` and `verify` of a document, or of an honest one with the edits that `bytes` describe: nothing but the honest
/// documents is VERIFIED, byte for byte, up to items of evidence after the first of an accepted kind, which nobody judges (SPEC 8).
pub fn attestation(bytes: &[u8]) {
    match bytes.split_first() {
        Some((b'{', _)) | None => judge(bytes),
        Some((which, script)) => judge(&edited(usize::from(*which), script)),
    }
}

fn judge(bytes: &[u8]) {
    let parsed = Attestation::parse(bytes);
    if let Ok(parsed) = &parsed {
        assert!(bytes.len() <= MAX_ATTESTATION_BYTES);
        let encoded = serde_json::to_vec(parsed).unwrap();
        assert_eq!(Attestation::parse(&encoded).unwrap(), *parsed);
    }
    let _ = enclave_identity_of(bytes);

    let appraisal = verify(&honest::presented(bytes), &honest::TRUST, honest::NOW);
    let transcript = &appraisal.transcript;
    let status = transcript.outcome(DOCUMENT_PARSE).map(|outcome| outcome.status);
    let mut parsed = parsed.ok();
    if status == Some(Status::Pass) {
        assert_eq!(serde_json::to_vec(parsed.as_ref().unwrap()).unwrap(), bytes, "a document with two encodings");
    }
    assert_eq!(appraisal.service.is_some(), transcript.is_verified());
    assert!(transcript.insecure(), "a mock root without its banner");
    if transcript.is_verified() {
        let judged = parsed.as_mut().unwrap();
        judged.evidence.truncate(1);
        assert!(honest::ATTESTATIONS.contains(judged), "forged evidence is VERIFIED: {transcript}");
    }
}

fn edited(which: usize, script: &[u8]) -> Vec<u8> {
    let mut document = honest::ATTESTATIONS[which % honest::ATTESTATIONS.len()].clone();
    for edit in edits(script) {
        spoil(&mut document, edit);
    }
    serde_json::to_vec(&document).unwrap()
}

fn spoil(document: &mut Attestation, edit: Edit) {
    let Some(item) = document.evidence.first_mut() else { return };
    match edit.part % 24 {
        0 => edit.apply(&mut document.keyset),
        1 => edit.apply_in_place(&mut document.challenge.nonce),
        2 => edit.apply_in_place(&mut document.challenge.signature),
        3 => edit.apply_in_place(document.challenge.block.hash.as_mut_slice()),
        4 => edit.apply_to_text(&mut document.challenge.block.network),
        5 => document.challenge.block.number ^= 1,
        6 => {
            let again = item.clone();
            document.evidence.push(again);
        }
        7 => document.evidence.clear(),
        part => match item {
            Evidence::RoflRegister { runtime_id, .. } if part == 8 => edit.apply_in_place(runtime_id),
            Evidence::RoflRegister { chain_context, .. } if part == 9 => edit.apply_in_place(chain_context),
            Evidence::RoflRegister { transaction: bytes, .. } | Evidence::TdxQuote { quote: bytes, .. }
                if part < 14 =>
            {
                edit.apply(bytes);
            }
            Evidence::RoflRegister { collateral, .. } | Evidence::TdxQuote { collateral, .. } => {
                spoil_collateral(collateral, part, edit);
            }
        },
    }
}

fn spoil_collateral(collateral: &mut Collateral, part: usize, edit: Edit) {
    match part {
        14 => edit.apply_to_text(&mut collateral.pck_crl_issuer_chain),
        15 => edit.apply(&mut collateral.root_ca_crl),
        16 => edit.apply(&mut collateral.pck_crl),
        17 => edit.apply_to_text(&mut collateral.tcb_info_issuer_chain),
        18 => edit.apply_to_text(&mut collateral.tcb_info),
        19 => edit.apply(&mut collateral.tcb_info_signature),
        20 => edit.apply_to_text(&mut collateral.qe_identity_issuer_chain),
        21 => edit.apply_to_text(&mut collateral.qe_identity),
        22 => edit.apply(&mut collateral.qe_identity_signature),
        _ => edit.apply_to_text(collateral.pck_certificate_chain.get_or_insert_default()),
    }
}
