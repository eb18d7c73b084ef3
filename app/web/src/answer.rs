//! One request, one answer. An answer holds a verdict only if everything in the request could be read; else it holds an error.

use precis_protocol::encoding::{base64_decode, lower_hex};
use precis_protocol::evidence_file::EvidenceFile;
use precis_protocol::strict;
use precis_verify::policy::TrustedRoot;
use precis_verify::{Beside, Facts, Policy, Presented, Transcript, verify, verify_evidence_file, verify_receipt_file};
use serde::{Deserialize, Serialize};

/// Longest request, bytes: the largest attestation in base64, its policy and a document beside it fit.
pub const MAX_REQUEST_BYTES: usize = 48 * 1024 * 1024;

/// What is to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    /// An attestation document, SPEC 3.
    Attestation,
    /// A saved receipt, SPEC 7.5.
    Receipt,
    /// A saved bundle of evidence, SPEC 8.2.
    EvidenceFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    what: What,
    /// The policy's TOML text.
    policy: String,
    /// DER of the mock root that the policy names, base64.
    mock_root: Option<String>,
    /// The caller's time, Unix seconds: there is no clock here.
    now: u64,
    /// What is to be judged, base64 of its exact bytes.
    data: String,
    /// Attestation: the nonce that was sent, hex.
    nonce: Option<String>,
    /// Attestation: the OHTTP key configuration in use, base64.
    ohttp_keys: Option<String>,
    /// Receipt: the document, exact bytes in base64; for a JSON request also its whole body.
    document: Option<String>,
    /// Receipt: the summary, base64 of UTF-8.
    summary: Option<String>,
    /// Receipt: a saved bundle of evidence for the same keyset, in the place of what is inside, base64.
    evidence: Option<String>,
}

#[derive(Serialize)]
struct Judged<'a> {
    #[serde(flatten)]
    transcript: &'a Transcript,
    facts: &'a Facts,
}

#[derive(Serialize)]
struct Failed<'a> {
    error: &'a str,
}

/// Judges one request: JSON `{"verdict","insecure","checks":[…],"facts":{…}}` and true, or `{"error"}` and false.
#[must_use]
pub fn answer(request: &[u8]) -> (Vec<u8>, bool) {
    match judge(request) {
        Ok(judged) => (judged, true),
        // A text alone always has an encoding; an empty answer would be refused as unreadable.
        Err(error) => (serde_json::to_vec(&Failed { error: &error }).unwrap_or_default(), false),
    }
}

fn judge(request: &[u8]) -> Result<Vec<u8>, String> {
    let request: Request =
        strict::from_slice(request, MAX_REQUEST_BYTES).map_err(|error| format!("the request: {error}"))?;
    request.has_only_its_own()?;
    let policy = request.policy()?;
    let data = binary("data", &request.data)?;
    let (transcript, facts) = match request.what {
        What::Attestation => {
            let nonce = request.nonce.as_deref().map(lower_hex).transpose().map_err(|error| at("nonce", error))?;
            let keys = optional("ohttpKeys", request.ohttp_keys.as_deref())?;
            let presented =
                Presented { attestation: &data, nonce, ohttp_config: keys.as_deref(), ..Presented::default() };
            let appraisal = verify(&presented, &policy, request.now);
            (appraisal.transcript, appraisal.facts)
        }
        What::Receipt => {
            let document = optional("document", request.document.as_deref())?;
            let summary = optional("summary", request.summary.as_deref())?;
            let evidence = optional("evidence", request.evidence.as_deref())?;
            let evidence =
                evidence.as_deref().map(EvidenceFile::parse).transpose().map_err(|error| at("evidence", error))?;
            let beside = Beside {
                document: document.as_deref(),
                summary: summary.as_deref(),
                attestation: evidence.as_ref().map(|evidence| evidence.attestation.as_slice()),
                collateral: evidence.as_ref().and_then(|evidence| Some(&*evidence.own_collateral.as_ref()?.collateral)),
                ..Beside::default()
            };
            let appraisal = verify_receipt_file(&data, &policy, request.now, &beside);
            (appraisal.transcript, appraisal.facts)
        }
        What::EvidenceFile => {
            let appraisal = verify_evidence_file(&data, &policy, request.now);
            (appraisal.transcript, appraisal.facts)
        }
    };
    serde_json::to_vec(&Judged { transcript: &transcript, facts: &facts }).map_err(|error| at("the answer", error))
}

impl Request {
    /// A member that this kind of request would ignore is a mistake of the caller's, who may count on its being checked.
    fn has_only_its_own(&self) -> Result<(), String> {
        for (name, present, of) in [
            ("nonce", self.nonce.is_some(), What::Attestation),
            ("ohttpKeys", self.ohttp_keys.is_some(), What::Attestation),
            ("document", self.document.is_some(), What::Receipt),
            ("summary", self.summary.is_some(), What::Receipt),
            ("evidence", self.evidence.is_some(), What::Receipt),
        ] {
            if present && self.what != of {
                return Err(format!("`{name}` has no meaning here"));
            }
        }
        Ok(())
    }

    fn policy(&self) -> Result<Policy, String> {
        let root = optional("mockRoot", self.mock_root.as_deref())?;
        let given = root.is_some();
        let read = |_: &str| root.ok_or_else(|| "the policy trusts a mock root, and none was given".to_owned());
        let policy = Policy::parse(&self.policy, read).map_err(|error| error.to_string())?;
        if given && policy.root == TrustedRoot::Intel {
            return Err("a mock root was given, and the policy trusts none".to_owned());
        }
        Ok(policy)
    }
}

fn at(place: &str, error: impl std::fmt::Display) -> String {
    format!("{place}: {error}")
}

fn binary(name: &str, text: &str) -> Result<Vec<u8>, String> {
    base64_decode(text).map_err(|error| at(name, error))
}

fn optional(name: &str, text: Option<&str>) -> Result<Option<Vec<u8>>, String> {
    text.map(|text| binary(name, text)).transpose()
}

#[cfg(test)]
mod tests;
