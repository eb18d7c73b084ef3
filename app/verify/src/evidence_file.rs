//! Saved bundles of evidence (SPEC 8.2): what one caller was shown, judged again without network.

use precis_protocol::evidence_file::EvidenceFile;

use crate::appraise::{Appraisal, refuse, verify};
use crate::policy::Policy;
use crate::presented::Presented;

/// Judges a saved bundle against `policy` as at `at` (Unix seconds). The nonce is the one that whoever saved the bundle sent: it is
/// worth what that person's word is worth. What only an online source can tell is not evaluated.
#[must_use]
pub fn verify_evidence_file(bytes: &[u8], policy: &Policy, at: u64) -> Appraisal {
    match EvidenceFile::parse(bytes) {
        Ok(file) => {
            let presented = Presented {
                attestation: &file.attestation,
                nonce: Some(file.nonce),
                ohttp_config: Some(&file.ohttp_keys),
                collateral: file.own_collateral.as_ref().map(|own| &*own.collateral),
                ..Presented::default()
            };
            verify(&presented, policy, at)
        }
        Err(error) => refuse(policy, error.to_string()),
    }
}
