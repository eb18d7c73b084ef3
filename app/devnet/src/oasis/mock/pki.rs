//! A certificate hierarchy of the shape of Intel's: a root, a PCK platform CA with one machine's
//! PCK certificate, and a TCB signing certificate. Named so that nobody mistakes it.

use p256::ecdsa::{DerSignature, Signature, SigningKey, signature::Signer};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType, IsCa, Issuer,
    KeyIdMethod, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, RevokedCertParams, SerialNumber,
    SignatureAlgorithm,
};
use sha2::{Digest, Sha256};

use super::{MockError, der, offset_date_time};

/// OID of Intel's extension in PCK certificates.
const SGX_EXTENSION: [u64; 7] = [1, 2, 840, 113_741, 1, 13, 1];
/// Subject of the root.
pub const ROOT_NAME: &str = "Precis Devnet Mock SGX Root CA - INSECURE";
/// Subject of the PCK CA. Verifiers tell platform from processor CAs by the word in the name.
const PCK_CA_NAME: &str = "Precis Devnet Mock PCK Platform CA - INSECURE";
const PCK_NAME: &str = "Precis Devnet Mock PCK Certificate - INSECURE";
const TCB_NAME: &str = "Precis Devnet Mock TCB Signing - INSECURE";

const ROOT_SERIAL: u64 = 0x10;
/// Serial of the PCK CA's certificate.
pub(super) const PCK_CA_SERIAL: u64 = 0x11;
/// Serial of the machine's PCK certificate.
pub(super) const PCK_SERIAL: u64 = 0x12;
/// Serial of the TCB signing certificate.
pub(super) const TCB_SERIAL: u64 = 0x13;

/// What the PCK certificate says of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Platform {
    /// Family-model-stepping-platform-custom SKU.
    pub fmspc: [u8; 6],
    /// Provisioning certification enclave id.
    pub pce_id: [u8; 2],
    /// Provisioning certification enclave version.
    pub pce_svn: u16,
    /// Versions of the sixteen SGX TCB components.
    pub cpu_svn: [u8; 16],
    /// Platform provisioning id.
    pub ppid: [u8; 16],
    /// Whether packages can be added to the platform.
    pub dynamic_platform: bool,
    /// Whether Intel keeps the platform's root keys.
    pub cached_keys: bool,
    /// Whether hyperthreading is on.
    pub smt_enabled: bool,
}

impl Default for Platform {
    fn default() -> Self {
        Self {
            fmspc: [0xde, 0x7e, 0x70, 0x00, 0x00, 0x00],
            pce_id: [0, 0],
            pce_svn: 13,
            cpu_svn: [3, 3, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0],
            ppid: *b"precis devnet 01",
            dynamic_platform: true,
            cached_keys: true,
            smt_enabled: true,
        }
    }
}

/// How to make the hierarchy.
#[derive(Clone, Copy, Debug)]
pub struct PkiSpec {
    /// All keys follow from it.
    pub seed: [u8; 32],
    /// Unix seconds from which the certificates are valid.
    pub not_before: u64,
    /// Unix seconds until which they are valid.
    pub not_after: u64,
    /// The machine.
    pub platform: Platform,
}

impl PkiSpec {
    /// Certificates valid from a day before to ten years after `now`.
    #[must_use]
    pub fn fresh(seed: [u8; 32], now: u64) -> Self {
        const DAY: u64 = 86_400;
        Self { seed, not_before: now.saturating_sub(DAY), not_after: now + 3_650 * DAY, platform: Platform::default() }
    }
}

/// The hierarchy, with all its private keys.
pub struct MockPki {
    root: Issuer<'static, CertKey>,
    pck_ca: Issuer<'static, CertKey>,
    root_der: Vec<u8>,
    root_pem: String,
    pck_ca_pem: String,
    pck_pem: String,
    tcb_pem: String,
    pub(super) pck_key: SigningKey,
    pub(super) tcb_key: SigningKey,
    pub(super) attestation_key: SigningKey,
    /// The machine's parameters.
    pub platform: Platform,
}

impl MockPki {
    /// Makes keys and certificates.
    ///
    /// # Errors
    /// [`MockError`] for dates out of range.
    pub fn new(spec: &PkiSpec) -> Result<Self, MockError> {
        let fault = |error: rcgen::Error| MockError::new("certificate", error);
        let key = |role: &str| derive_key(&spec.seed, role);
        let root_params = certificate(spec, ROOT_NAME, ROOT_SERIAL, Some(1))?;
        let root_key = CertKey::new(key("root")?);
        let root_cert = root_params.self_signed(&root_key).map_err(fault)?;
        let root = Issuer::new(root_params, root_key);

        let ca_params = certificate(spec, PCK_CA_NAME, PCK_CA_SERIAL, Some(0))?;
        let ca_key = CertKey::new(key("pck-ca")?);
        let ca_cert = ca_params.signed_by(&ca_key, &root).map_err(fault)?;
        let pck_ca = Issuer::new(ca_params, ca_key);

        let pck_key = key("pck")?;
        let mut pck_params = certificate(spec, PCK_NAME, PCK_SERIAL, None)?;
        let extension = sgx_extension(&spec.platform);
        pck_params.custom_extensions.push(CustomExtension::from_oid_content(&SGX_EXTENSION, extension));
        let pck_cert = pck_params.signed_by(&CertKey::new(pck_key.clone()), &pck_ca).map_err(fault)?;

        let tcb_key = key("tcb")?;
        let tcb_params = certificate(spec, TCB_NAME, TCB_SERIAL, None)?;
        let tcb_cert = tcb_params.signed_by(&CertKey::new(tcb_key.clone()), &root).map_err(fault)?;
        Ok(Self {
            root_der: root_cert.der().to_vec(),
            root_pem: root_cert.pem(),
            pck_ca_pem: ca_cert.pem(),
            pck_pem: pck_cert.pem(),
            tcb_pem: tcb_cert.pem(),
            root,
            pck_ca,
            pck_key,
            tcb_key,
            attestation_key: key("attestation")?,
            platform: spec.platform,
        })
    }

    /// The root certificate, DER: the trust root that a policy must name.
    #[must_use]
    pub fn root_der(&self) -> &[u8] {
        &self.root_der
    }

    /// PCK certificate, PCK CA, root: the chain inside a quote, PEM.
    #[must_use]
    pub fn pck_chain(&self) -> String {
        [&*self.pck_pem, &self.pck_ca_pem, &self.root_pem].concat()
    }

    /// PCK CA, root: issuer chain of the PCK revocation list, PEM.
    #[must_use]
    pub fn pck_ca_chain(&self) -> String {
        [&*self.pck_ca_pem, &self.root_pem].concat()
    }

    /// TCB signing certificate, root: issuer chain of TCB info and QE identity, PEM.
    #[must_use]
    pub fn tcb_chain(&self) -> String {
        [&*self.tcb_pem, &self.root_pem].concat()
    }

    /// The root's revocation list, DER.
    pub(super) fn root_crl(&self, dates: (u64, u64), revoked: &[u64]) -> Result<Vec<u8>, MockError> {
        crl(&self.root, dates, revoked)
    }

    /// The PCK CA's revocation list, DER.
    pub(super) fn pck_crl(&self, dates: (u64, u64), revoked: &[u64]) -> Result<Vec<u8>, MockError> {
        crl(&self.pck_ca, dates, revoked)
    }
}

/// ECDSA P-256 over SHA-256, as `r ‖ s`.
pub(super) fn sign(key: &SigningKey, message: &[u8]) -> [u8; 64] {
    let signature: Signature = key.sign(message);
    signature.to_bytes().into()
}

/// The public key as `x ‖ y`.
pub(super) fn public_key(key: &SigningKey) -> [u8; 64] {
    let point = key.verifying_key().to_encoded_point(false);
    let mut out = [0; 64];
    // Uncompressed: one tag byte before the coordinates.
    out.copy_from_slice(&point.as_bytes()[1..]);
    out
}

fn derive_key(seed: &[u8; 32], role: &str) -> Result<SigningKey, MockError> {
    let scalar = Sha256::new().chain_update(seed).chain_update(role).finalize();
    SigningKey::from_bytes(&scalar).map_err(|error| MockError::new("key", error))
}

/// A key that signs certificates as RFC 6979 says, so that one seed always makes the same hierarchy.
struct CertKey {
    key: SigningKey,
    point: Vec<u8>,
}

impl CertKey {
    fn new(key: SigningKey) -> Self {
        let point = key.verifying_key().to_encoded_point(false).as_bytes().to_vec();
        Self { key, point }
    }
}

impl PublicKeyData for CertKey {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for CertKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature: DerSignature = self.key.sign(message);
        Ok(signature.as_bytes().to_vec())
    }
}

fn certificate(
    spec: &PkiSpec,
    name: &str,
    serial: u64,
    ca_path_length: Option<u8>,
) -> Result<CertificateParams, MockError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.distinguished_name.push(DnType::OrganizationName, "Precis Devnet");
    params.not_before = offset_date_time(spec.not_before)?;
    params.not_after = offset_date_time(spec.not_after)?;
    params.serial_number = Some(SerialNumber::from(serial));
    params.use_authority_key_identifier_extension = true;
    match ca_path_length {
        Some(length) => {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length));
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        }
        None => {
            params.is_ca = IsCa::ExplicitNoCa;
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        }
    }
    Ok(params)
}

fn crl(
    issuer: &Issuer<'static, CertKey>,
    (this_update, next_update): (u64, u64),
    revoked: &[u64],
) -> Result<Vec<u8>, MockError> {
    let since = offset_date_time(this_update)?;
    let revoked = revoked.iter().map(|&serial| RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: since,
        reason_code: None,
        invalidity_date: None,
    });
    let params = CertificateRevocationListParams {
        this_update: since,
        next_update: offset_date_time(next_update)?,
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = params.signed_by(issuer).map_err(|e| MockError::new("revocation list", e))?;
    Ok(list.der().to_vec())
}

/// Content of Intel's extension (Intel SGX PCK Certificate and CRL Profile Specification).
fn sgx_extension(platform: &Platform) -> Vec<u8> {
    let mut tcb: Vec<Vec<u8>> = platform
        .cpu_svn
        .iter()
        .zip(1u8..)
        .map(|(svn, index)| der::entry(&[2, index], der::integer(u16::from(*svn))))
        .collect();
    tcb.push(der::entry(&[2, 17], der::integer(platform.pce_svn)));
    tcb.push(der::entry(&[2, 18], der::octets(&platform.cpu_svn)));
    let configuration = [
        der::entry(&[7, 1], der::boolean(platform.dynamic_platform)),
        der::entry(&[7, 2], der::boolean(platform.cached_keys)),
        der::entry(&[7, 3], der::boolean(platform.smt_enabled)),
    ];
    der::sequence(&[
        der::entry(&[1], der::octets(&platform.ppid)),
        der::entry(&[2], der::sequence(&tcb)),
        der::entry(&[3], der::octets(&platform.pce_id)),
        der::entry(&[4], der::octets(&platform.fmspc)),
        der::entry(&[5], der::enumerated(1)),
        der::entry(&[6], der::octets(&platform.ppid)),
        der::entry(&[7], der::sequence(&configuration)),
    ])
}
