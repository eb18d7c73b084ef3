//! Domain tags (SPEC 1): every signed or committed byte string starts with one of these. Frozen once released.

/// `version` of the keyset document (SPEC 2).
pub const KEYSET: &str = "precis/keyset: v2";
/// `version` of the attestation document (SPEC 3).
pub const ATTESTATION: &str = "precis/attestation: v1";
/// Challenge statement (SPEC 3.3).
pub const CHALLENGE: &str = "precis/challenge: v1";
/// REPORTDATA of plain TDX evidence (SPEC 3.2).
pub const REPORT_DATA: &str = "precis/report-data: v1";
/// Request commitment (SPEC 6.1).
pub const REQUEST: &str = "precis/request: v1";
/// `requestDigest` of a quote (SPEC 6.2).
pub const QUOTE: &str = "precis/quote: v1";
/// Committed EIP-3009 nonce (SPEC 6.3).
pub const PAYMENT_NONCE: &str = "precis/payment-nonce: v1";
/// What the ledger remembers of a request (SPEC 6.4); also the KMS key id it is keyed with.
pub const FINGERPRINT: &str = "precis/fingerprint: v1";
/// Parameters digest (SPEC 7.3).
pub const PARAMETERS: &str = "precis/parameters: v1";
/// Salted request digest of a receipt (SPEC 7.3).
pub const RECEIPT_REQUEST: &str = "precis/receipt-request: v1";
/// Salted digest of the text that was worked on, in a receipt (SPEC 7.3).
pub const RECEIPT_TEXT: &str = "precis/receipt-text: v1";
/// Salted response digest of a receipt (SPEC 7.3).
pub const RECEIPT_RESPONSE: &str = "precis/receipt-response: v1";
/// `version` of a saved receipt file (SPEC 7.5).
pub const RECEIPT_FILE: &str = "precis/receipt-file: v2";
/// `version` of a saved bundle of evidence (SPEC 8.2).
pub const EVIDENCE_FILE: &str = "precis/evidence-file: v1";
/// `version` of a release statement (SPEC 11).
pub const RELEASE: &str = "precis/release: v2";
/// Bearer token of a job (SPEC 5.8).
pub const JOB_TOKEN: &str = "precis/job-token: v1";
/// Nonce of the authorization that pays back (SPEC 6.8).
pub const REFUND_NONCE: &str = "precis/refund-nonce: v1";
/// Nonce of the authorization that sweeps the wallet (SPEC 6.9).
pub const SWEEP_NONCE: &str = "precis/sweep-nonce: v1";
/// What the ledger remembers of a `payment-identifier` (SPEC 6.7).
pub const PAYMENT_IDENTIFIER: &str = "precis/payment-identifier: v1";

/// KMS key id of the wallet that receives payments and pays gas (secp256k1).
pub const KMS_WALLET: &str = "precis/wallet: v1";
/// KMS key id of the key that seals the ledger (raw-256).
pub const KMS_SEALING: &str = "precis/sealing: v1";

/// Every app-scoped KMS key the service derives, as the keyset lists them (SPEC 2.4).
pub const KMS_KEYS: [&str; 3] = [KMS_WALLET, KMS_SEALING, FINGERPRINT];

/// ROFL metadata key under which the keyset digest is published; on chain it is prefixed with `net.oasis.app.`.
pub const METADATA_KEYSET: &str = "precis.keyset";
/// The same for the keyset before it, which is served until its period is over (SPEC 2.6).
pub const METADATA_KEYSET_PREVIOUS: &str = "precis.keyset.previous";

/// Checks whether `bytes` begin like a document whose `version` comes first and is of the kind of `tag`, but another one.
pub(crate) fn is_another_version(bytes: &[u8], tag: &str) -> bool {
    let Some(kind) = tag.rfind(' ').and_then(|end| tag.get(..=end)) else { return false };
    let Some(version) = bytes.strip_prefix(br#"{"version":""#) else { return false };
    version.starts_with(kind.as_bytes())
        && !version.strip_prefix(tag.as_bytes()).is_some_and(|rest| rest.starts_with(b"\""))
}
