//! The one honest service of the corpus: what it presents, and what a caller who trusts it knows.

use std::sync::LazyLock;

use precis_protocol::attestation::Attestation;
use precis_protocol::keyset::Keyset;
use precis_protocol::receipt::ReceiptFile;
use precis_verify::policy::EvidenceKind;
use precis_verify::quote::pem;
use precis_verify::{Policy, Presented};

/// The time at which everything honest is valid, Unix seconds.
pub const NOW: u64 = 1_790_000_000;
/// The nonce that the honest challenge answers.
pub const NONCE: [u8; 32] = [0x4e; 32];

/// The honest attestation with a registration (SPEC 3.1).
pub const REGISTERED: &[u8] = include_bytes!("../corpus/attestation/registered.json");
/// The honest attestation with a quote of its own (SPEC 3.2).
pub const QUOTED: &[u8] = include_bytes!("../corpus/attestation/quoted.json");
/// A saved receipt of the honest service.
pub const RECEIPT_FILE: &[u8] = include_bytes!("../corpus/receipt/file.json");
/// The transaction inside [`REGISTERED`].
pub const TRANSACTION: &[u8] = include_bytes!("../corpus/register/transaction.cbor");
/// A payment that the honest service takes, as JSON.
pub const PAYMENT: &[u8] = include_bytes!("../corpus/payment/payload.json");
/// A quote with the offer that the honest service signed.
pub const OFFERED: &[u8] = include_bytes!("../corpus/payment/offered.json");
const POLICY: &str = include_str!("../corpus/policy/devnet.toml");

/// Both honest attestations, parsed.
pub static ATTESTATIONS: LazyLock<[Attestation; 2]> =
    LazyLock::new(|| [REGISTERED, QUOTED].map(|bytes| Attestation::parse(bytes).unwrap()));

/// The honest receipt file, parsed.
pub static RECEIPT: LazyLock<ReceiptFile> = LazyLock::new(|| ReceiptFile::parse(RECEIPT_FILE).unwrap());

/// A policy that accepts the honest service by either kind of evidence, and nothing else.
pub static TRUST: LazyLock<Policy> = LazyLock::new(|| {
    let mut policy = Policy::parse(POLICY, |_| Ok(root())).unwrap();
    policy.evidence.insert(EvidenceKind::TdxQuote);
    policy
});

/// What a caller presents to the verifier, with the nonce that it sent.
#[must_use]
pub fn presented(attestation: &[u8]) -> Presented<'_> {
    Presented { attestation, nonce: Some(NONCE), ..Presented::default() }
}

/// The keyset of the honest service.
#[must_use]
pub fn keyset() -> Keyset {
    Keyset::parse(&ATTESTATIONS[0].keyset).unwrap()
}

/// The mock root: the last certificate of every chain in the honest collateral.
#[must_use]
pub fn root() -> Vec<u8> {
    use precis_protocol::attestation::Evidence;
    let (Evidence::RoflRegister { collateral, .. } | Evidence::TdxQuote { collateral, .. }) =
        &ATTESTATIONS[0].evidence[0];
    pem::parse_chain(&collateral.pck_crl_issuer_chain).unwrap().pop().unwrap()
}
