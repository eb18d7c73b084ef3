//! The verdict as an EAT Attestation Result, for relying parties that consume those (draft-ietf-rats-ear-04, AR4SI).
//!
//! A claims set in JSON, not signed: whoever runs the verifier signs it as a JWT with a key of their own, if others are to believe it.
//! A claim rests only on checks that passed: one that was not evaluated leaves it without a claim, required or not. A mock root is
//! never affirmed, whatever the verdict.

use precis_protocol::encoding::base64_encode;
use serde_json::{Map, Value, json};

use crate::appraise::Appraisal;
use crate::check::{self, CheckId, Status};
use crate::policy::EvidenceKind;
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

/// A trustworthiness claim, by the checks with the value that a failure of each gives.
struct Claim {
    name: &'static str,
    /// The claim rests on these: all of them passed, or there is no claim.
    rests_on: &'static [(CheckId, i8)],
    /// Of the registration, which plain TDX evidence does not have; else as above.
    registered: &'static [(CheckId, i8)],
    /// Only lower the claim: whoever asked a node knows more, nobody who did not is told less.
    lowered_by: &'static [(CheckId, i8)],
}

const CLAIMS: [Claim; 4] = [
    Claim {
        name: "instance-identity",
        rests_on: &[
            (check::DOCUMENT_PARSE, CRYPTO_FAILED),
            (check::CHALLENGE_NONCE, CRYPTO_FAILED),
            (check::CHALLENGE_SIGNATURE, CRYPTO_FAILED),
            (check::CHALLENGE_FRESH, CONTRAINDICATED),
            (check::QUOTE_REPORT_DATA, CRYPTO_FAILED),
            (check::REGISTER_APP, UNRECOGNIZED),
            (check::KEYSET_TIME, CONTRAINDICATED),
        ],
        registered: &[(check::REGISTER_SIGNATURE, CRYPTO_FAILED), (check::REGISTER_METADATA, CRYPTO_FAILED)],
        lowered_by: &[(check::REGISTRATION_EPOCH, CONTRAINDICATED), (check::CHALLENGE_BLOCK, CONTRAINDICATED)],
    },
    Claim {
        name: "configuration",
        rests_on: &[
            (check::KEYSET_WELL_FORMED, CONTRAINDICATED),
            (check::QUOTE_ATTRIBUTES, CONTRAINDICATED),
            (check::MODEL_ALLOWED, CONTRAINDICATED),
            (check::PAYMENT_ALLOWED, CONTRAINDICATED),
            (check::CHANNEL_KEY, CONTRAINDICATED),
        ],
        registered: &[],
        lowered_by: &[],
    },
    Claim {
        name: "executables",
        rests_on: &[(check::EVIDENCE_PARSE, CRYPTO_FAILED), (check::IDENTITY_ALLOWED, UNRECOGNIZED)],
        registered: &[],
        lowered_by: &[],
    },
    Claim {
        name: "hardware",
        rests_on: &[
            (check::QUOTE_CHAIN, CRYPTO_FAILED),
            (check::QUOTE_ROOT, UNRECOGNIZED),
            (check::QUOTE_TCB, CONTRAINDICATED),
            (check::QUOTE_COLLATERAL, CONTRAINDICATED),
        ],
        registered: &[],
        lowered_by: &[],
    },
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
    let registered = appraisal.facts.evidence != Some(EvidenceKind::TdxQuote);
    let vector: Map<String, Value> =
        CLAIMS.iter().map(|claim| (claim.name.to_owned(), json!(claim.value(transcript, registered)))).collect();
    let affirmed = vector.values().all(|value| *value == AFFIRMED);
    let checks: Map<String, Value> =
        transcript.checks().iter().map(|o| (o.check.id.to_owned(), json!(o.status))).collect();
    let mut result = json!({
        "eat_profile": PROFILE,
        "iat": context.issued_at,
        "ear_verifier_id": { "developer": "precis", "build": concat!("precis-verify ", env!("CARGO_PKG_VERSION")) },
        "ear_raw_evidence": base64url(context.attestation),
        "submods": { SUBMODULE: {
            "ear_status": status(transcript, affirmed),
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

impl Claim {
    /// The worst of what the checks say.
    fn value(&self, transcript: &Transcript, registered: bool) -> i8 {
        if self.name == "hardware" && transcript.insecure() {
            return UNRECOGNIZED;
        }
        let status = |check: CheckId| transcript.outcome(check).map_or(Status::NotEvaluated, |outcome| outcome.status);
        let of_registration: &[_] = if registered { self.registered } else { &[] };
        let needed = || self.rests_on.iter().chain(of_registration);
        let failed = needed().chain(self.lowered_by).filter(|(check, _)| status(*check) == Status::Fail);
        match failed.map(|(_, value)| *value).max() {
            Some(worst) => worst,
            None if needed().all(|(check, _)| status(*check) == Status::Pass) => AFFIRMED,
            None => NO_CLAIM,
        }
    }
}

/// The tier, never better than the vector: `affirming` needs every claim affirmed.
fn status(transcript: &Transcript, affirmed: bool) -> &'static str {
    match transcript.verdict() {
        Verdict::Rejected => "contraindicated",
        Verdict::Verified if transcript.insecure() => "contraindicated",
        Verdict::Verified if affirmed => "affirming",
        Verdict::Verified | Verdict::Incomplete => "none",
    }
}

/// RFC 4648 section 5 without padding, as EAT's JSON has binary data.
fn base64url(bytes: &[u8]) -> String {
    base64_encode(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}
