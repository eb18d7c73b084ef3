use precis_protocol::evidence_file::EvidenceFile;
use precis_protocol::limits::MAX_EVIDENCE_FILE_BYTES;
use precis_verify::verify_evidence_file;

use crate::honest;

/// `EvidenceFile::parse` and `verify_evidence_file`: only a bundle of the honest service is ever VERIFIED, whatever it says of itself.
pub fn evidence_file(bytes: &[u8]) {
    let appraisal = verify_evidence_file(bytes, &honest::TRUST, honest::NOW);
    assert_eq!(appraisal.service.is_some(), appraisal.transcript.is_verified());
    let Ok(file) = EvidenceFile::parse(bytes) else {
        assert!(!appraisal.transcript.is_verified());
        return;
    };
    assert!(bytes.len() <= MAX_EVIDENCE_FILE_BYTES);
    assert_eq!(serde_json::to_vec(&file).unwrap(), bytes, "a second encoding");
    if appraisal.transcript.is_verified() {
        assert_eq!(file.nonce, honest::NONCE);
        assert!(
            file.attestation == honest::REGISTERED || file.attestation == honest::QUOTED,
            "a forged bundle is VERIFIED"
        );
        let used = &honest::keyset().ohttp_config;
        assert!(file.ohttp_keys.ends_with(used) && [0, 2].contains(&(file.ohttp_keys.len() - used.len())));
    }
}
