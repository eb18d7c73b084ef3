//! TDX quotes, version 4, signed with the mock machine's keys (Intel TDX DCAP Quoting Library API,
//! quote format version 4). Every field can be set, so every wrong quote can be properly signed.

use sha2::{Digest, Sha256};

use super::{
    identity::Measurements,
    pki::{MockPki, public_key, sign},
};

/// TEE type of TDX.
const TEE_TDX: u32 = 0x81;
/// Attestation key type: ECDSA with curve P-256.
const ECDSA_P256: u16 = 2;
/// Certification data: PCK certificate chain.
const CERT_PCK_CHAIN: u16 = 5;
/// Certification data: QE report with its own certification data.
const CERT_QE_REPORT: u16 = 6;
/// Intel's QE vendor id.
const QE_VENDOR: [u8; 16] =
    [0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07];
/// Signer of the mock quoting enclave.
pub(super) const QE_MR_SIGNER: [u8; 32] = *b"precis devnet mock TD QE signer!";
/// Product id of a TD quoting enclave.
pub(super) const QE_ISV_PROD_ID: u16 = 2;
/// Version of the mock quoting enclave.
pub(super) const QE_ISV_SVN: u16 = 6;
/// TDX component versions of the mock machine: module 1.5 (major 1), version 6.
pub(super) const TEE_TCB_SVN: [u8; 16] = [6, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// TD attributes of a production guest: SEPT_VE_DISABLE (bit 28) and nothing else.
pub const TD_ATTRIBUTES: [u8; 8] = [0, 0, 0, 0x10, 0, 0, 0, 0];

/// Length of header and body: what the attestation key signs.
const SIGNED_BYTES: usize = 48 + 584;

/// The quoting enclave's own report.
#[derive(Clone, Copy, Debug)]
pub struct QeReport {
    /// Its attributes; bit 1 of the first byte is debug.
    pub attributes: [u8; 16],
    /// Its signer.
    pub mr_signer: [u8; 32],
    /// Its product id.
    pub isv_prod_id: u16,
    /// Its version.
    pub isv_svn: u16,
}

impl Default for QeReport {
    fn default() -> Self {
        let mut attributes = [0; 16];
        (attributes[0], attributes[8]) = (0x15, 0xe7);
        Self { attributes, mr_signer: QE_MR_SIGNER, isv_prod_id: QE_ISV_PROD_ID, isv_svn: QE_ISV_SVN }
    }
}

/// A TD 1.0 report in a version 4 quote.
#[derive(Clone, Copy, Debug)]
pub struct TdQuote {
    /// Header: quote version.
    pub version: u16,
    /// Header: TEE type.
    pub tee_type: u32,
    /// TDX component versions.
    pub tee_tcb_svn: [u8; 16],
    /// Measurement of the TDX module.
    pub mr_seam: [u8; 48],
    /// Signer of the TDX module; zero for Intel's.
    pub mr_signer_seam: [u8; 48],
    /// Attributes of the TDX module.
    pub seam_attributes: [u8; 8],
    /// TD attributes; bit 0 is debug, bit 28 SEPT_VE_DISABLE, bit 29 migratable.
    pub td_attributes: [u8; 8],
    /// Extended features available to the TD.
    pub xfam: [u8; 8],
    /// MRTD and RTMRs.
    pub measurements: Measurements,
    /// MRCONFIGID; zero on ROFL.
    pub mr_config_id: [u8; 48],
    /// MROWNER; zero on ROFL.
    pub mr_owner: [u8; 48],
    /// MROWNERCONFIG; zero on ROFL.
    pub mr_owner_config: [u8; 48],
    /// REPORTDATA.
    pub report_data: [u8; 64],
    /// The quoting enclave's report.
    pub qe: QeReport,
}

impl TdQuote {
    /// What an up-to-date ROFL machine reports of a TD.
    #[must_use]
    pub fn new(measurements: Measurements, report_data: [u8; 64]) -> Self {
        Self {
            version: 4,
            tee_type: TEE_TDX,
            tee_tcb_svn: TEE_TCB_SVN,
            mr_seam: [0x5e; 48],
            mr_signer_seam: [0; 48],
            seam_attributes: [0; 8],
            td_attributes: TD_ATTRIBUTES,
            xfam: [0xe7, 0x02, 0x06, 0, 0, 0, 0, 0],
            measurements,
            mr_config_id: [0; 48],
            mr_owner: [0; 48],
            mr_owner_config: [0; 48],
            report_data,
            qe: QeReport::default(),
        }
    }

    /// The quote, signed, with its exact length and nothing behind it.
    #[must_use]
    pub fn sign(&self, pki: &MockPki) -> Vec<u8> {
        let attestation_key = public_key(&pki.attestation_key);
        let mut quote = self.signed_part();
        let signature = sign(&pki.attestation_key, &quote);
        let qe = self.qe_certification(pki, &attestation_key);
        let auth: [&[u8]; 4] = [&signature, &attestation_key, &CERT_QE_REPORT.to_le_bytes(), &[]];
        let mut auth = auth.concat();
        put_sized(&mut auth, &qe);
        put_sized(&mut quote, &auth);
        quote
    }

    fn signed_part(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SIGNED_BYTES);
        out.extend(self.version.to_le_bytes());
        out.extend(ECDSA_P256.to_le_bytes());
        out.extend(self.tee_type.to_le_bytes());
        out.extend([0; 4]);
        out.extend(QE_VENDOR);
        out.extend([0; 20]);
        out.extend(self.tee_tcb_svn);
        out.extend(self.mr_seam);
        out.extend(self.mr_signer_seam);
        out.extend(self.seam_attributes);
        out.extend(self.td_attributes);
        out.extend(self.xfam);
        out.extend(self.measurements.mr_td);
        out.extend(self.mr_config_id);
        out.extend(self.mr_owner);
        out.extend(self.mr_owner_config);
        out.extend(self.measurements.rt_mr.concat());
        out.extend(self.report_data);
        debug_assert_eq!(out.len(), SIGNED_BYTES);
        out
    }

    fn qe_certification(&self, pki: &MockPki, attestation_key: &[u8; 64]) -> Vec<u8> {
        let auth_data: [u8; 32] = *b"precis devnet QE auth data 00001";
        let bound = Sha256::new().chain_update(attestation_key).chain_update(auth_data).finalize();
        let report = self.qe_report(pki, &bound.into());
        let mut out = report.clone();
        out.extend(sign(&pki.pck_key, &report));
        out.extend(32u16.to_le_bytes());
        out.extend(auth_data);
        out.extend(CERT_PCK_CHAIN.to_le_bytes());
        put_sized(&mut out, pki.pck_chain().as_bytes());
        out
    }

    /// An SGX enclave report, 384 bytes.
    fn qe_report(&self, pki: &MockPki, bound: &[u8; 32]) -> Vec<u8> {
        let mut out = Vec::with_capacity(384);
        out.extend(pki.platform.cpu_svn);
        out.extend([0; 4 + 28]);
        out.extend(self.qe.attributes);
        out.extend([0x9e; 32]);
        out.extend([0; 32]);
        out.extend(self.qe.mr_signer);
        out.extend([0; 96]);
        out.extend(self.qe.isv_prod_id.to_le_bytes());
        out.extend(self.qe.isv_svn.to_le_bytes());
        out.extend([0; 60]);
        out.extend(bound);
        out.extend([0; 32]);
        debug_assert_eq!(out.len(), 384);
        out
    }
}

/// Appends the length as u32, little-endian, and the bytes.
fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}
