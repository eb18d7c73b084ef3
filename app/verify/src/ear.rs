//! The verdict as an EAT Attestation Result, for relying parties that consume those (draft-ietf-rats-ear-04, AR4SI).
//!
//! A claims set in JSON, not signed: whoever runs the verifier signs it as a JWT with a key of their own, if others are to believe it.
//! A mock root is never affirmed, whatever the verdict.

use precis_protocol::encoding::base64_encode;
use serde_json::{Map, Value, json};

use crate::appraise::Appraisal;
use crate::check::{self, CheckId, Status};
use crate::transcript::{Transcript, Verdict};

/// The profile of the draft.
const PROFILE: &str = "tag:ietf.org,2026:rats/ear#04";
/// Name of the one attester in the result.
const SUBMODULE: &str = "precis";

/// AR4SI: affirmed, recognized and genuine.
const AFFIRMED: i8 = 2;
/// AR4SI: no claim is made.
const NO_CLAIM: i8 = 0;
/// AR4SI: hardware, instance or executables are not recognized.
const UNRECOGNIZED: i8 = 97;
/// AR4SI: cryptographic validation failed.
const CRYPTO_FAILED: i8 = 99;
/// AR4SI: genuine, with known vulnerabilities or an unsafe configuration.
const CONTRAINDICATED: i8 = 96;

/// Which checks each trustworthiness claim rests on, with the value that a failure of each gives.
const CLAIMS: [(&str, &[(CheckId, i8)]); 4] = [
    (
        "instance-identity",
        &[
            (check::DOCUMENT_PARSE, CRYPTO_FAILED),
            (check::CHALLENGE_NONCE, CRYPTO_FAILED),
            (check::CHALLENGE_SIGNATURE, CRYPTO_FAILED),
            (check::CHALLENGE_FRESH, CONTRAINDICATED),
            (check::REGISTER_SIGNATURE, CRYPTO_FAILED),
            (check::REGISTER_METADATA, CRYPTO_FAILED),
            (check::QUOTE_REPORT_DATA, CRYPTO_FAILED),
            (check::REGISTER_APP, UNRECOGNIZED),
            (check::REGISTRATION_EPOCH, CONTRAINDICATED),
            (check::KEYSET_TIME, CONTRAINDICATED),
        ],
    ),
    (
        "configuration",
        &[
            (check::KEYSET_WELL_FORMED, CONTRAINDICATED),
            (check::QUOTE_ATTRIBUTES, CONTRAINDICATED),
            (check::MODEL_ALLOWED, CONTRAINDICATED),
            (check::PAYMENT_ALLOWED, CONTRAINDICATED),
            (check::CHANNEL_KEY, CONTRAINDICATED),
        ],
    ),
    ("executables", &[(check::EVIDENCE_PARSE, CRYPTO_FAILED), (check::IDENTITY_ALLOWED, UNRECOGNIZED)]),
    (
        "hardware",
        &[
            (check::QUOTE_CHAIN, CRYPTO_FAILED),
            (check::QUOTE_ROOT, UNRECOGNIZED),
            (check::QUOTE_TCB, CONTRAINDICATED),
            (check::QUOTE_COLLATERAL, CONTRAINDICATED),
        ],
    ),
];

/// What an attestation result names besides the verdict.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The attestation document that was judged, exact bytes.
    pub attestation: &'a [u8],
    /// The nonce that was sent, if there was one.
    pub nonce: Option<[u8; 32]>,
    /// Names the policy: the digest of its exact bytes, for instance.
    pub policy_id: &'a str,
    /// When the verdict was reached, Unix seconds.
    pub issued_at: u64,
}

/// The claims set.
#[must_use]
pub fn attestation_result(appraisal: &Appraisal, context: &Context<'_>) -> Value {
    let transcript = &appraisal.transcript;
    let vector: Map<String, Value> =
        CLAIMS.iter().map(|(name, checks)| ((*name).to_owned(), json!(claim(transcript, name, checks)))).collect();
    let checks: Map<String, Value> =
        transcript.checks().iter().map(|o| (o.check.id.to_owned(), json!(o.status))).collect();
    let mut result = json!({
        "eat_profile": PROFILE,
        "iat": context.issued_at,
        "ear_verifier_id": { "developer": "precis", "build": concat!("precis-verify ", env!("CARGO_PKG_VERSION")) },
        "ear_raw_evidence": base64url(context.attestation),
        "submods": { SUBMODULE: {
            "ear_status": status(transcript),
            "ear_trustworthiness_vector": vector,
            "ear_appraisal_policy_ids": [context.policy_id],
            "precis_verdict": transcript.verdict(),
            "precis_checks": checks,
        } },
    });
    if let Some(nonce) = context.nonce {
        result["eat_nonce"] = json!(hex::encode(nonce));
    }
    result
}

/// The worst of what the checks say.
fn claim(transcript: &Transcript, name: &str, checks: &[(CheckId, i8)]) -> i8 {
    if name == "hardware" && transcript.insecure() {
        return UNRECOGNIZED;
    }
    let value = |(check, failed): &(CheckId, i8)| match transcript.outcome(*check) {
        Some(outcome) if outcome.status == Status::Pass => AFFIRMED,
        Some(outcome) if outcome.status == Status::Fail => *failed,
        Some(outcome) if !outcome.required => AFFIRMED,
        _ => NO_CLAIM,
    };
    let values: Vec<i8> = checks.iter().map(value).collect();
    match values.iter().copied().max() {
        Some(worst) if worst > AFFIRMED => worst,
        _ if values.contains(&NO_CLAIM) => NO_CLAIM,
        _ => AFFIRMED,
    }
}

/// The tier, never better than the vector.
fn status(transcript: &Transcript) -> &'static str {
    match transcript.verdict() {
        Verdict::Verified if transcript.insecure() => "contraindicated",
        Verdict::Verified => "affirming",
        Verdict::Rejected => "contraindicated",
        Verdict::Incomplete => "none",
    }
}

/// RFC 4648 section 5 without padding, as EAT's JSON has binary data.
fn base64url(bytes: &[u8]) -> String {
    base64_encode(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}
