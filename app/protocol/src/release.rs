//! The release statement: which source was built into which enclave identities, so that a policy can be made from it (SPEC 11).

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::encoding::hex_array;
use crate::limits::{MAX_PAYMENT_TARGETS, MAX_RELEASE_BYTES};
use crate::task::PerTask;
use crate::{strict, tags};

/// Enclave identities of one release, count: two for each build, a build for each deployment.
const MAX_IDENTITIES: usize = 64;

/// One release, as its maker states it and as anybody can rebuild it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Release {
    /// [`tags::RELEASE`].
    pub version: String,
    /// Version of the software.
    pub release: String,
    /// Git commit, 40 lowercase hex.
    #[serde(with = "hex_array")]
    pub commit: [u8; 20],
    /// Container image by digest, as `compose.yaml` names it.
    pub image: String,
    /// Digests of the measured files of the deployment.
    pub files: ReleaseFiles,
    /// ROFL app id, `rofl1…`.
    pub app_id: String,
    /// Whose registrations count.
    pub chain: ReleaseChain,
    /// What `oasis rofl build` computed: one build gives two.
    pub enclave_identities: Vec<HexIdentity>,
    /// Identities of earlier releases that must not be accepted any more.
    pub revoked_enclave_identities: Vec<HexIdentity>,
    /// Digest of the model manifest of each task that is sold; none where no model works.
    pub tasks: PerTask<Option<Digest>>,
    /// Payment targets of the deployment.
    pub payments: Vec<ReleasePayment>,
    /// Lowest TCB evaluation data number that its policy on chain accepts.
    pub min_evaluation_number: u32,
}

/// A 32-byte identity as 64 lowercase hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HexIdentity(#[serde(with = "hex_array")] pub [u8; 32]);

/// Digests of the measured files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseFiles {
    /// `rofl.yaml`.
    #[serde(rename = "rofl.yaml")]
    pub rofl: Digest,
    /// `compose.yaml`.
    #[serde(rename = "compose.yaml")]
    pub compose: Digest,
}

/// ParaTime and consensus chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReleaseChain {
    /// ParaTime.
    #[serde(with = "hex_array")]
    pub runtime_id: [u8; 32],
    /// Consensus chain context.
    #[serde(with = "hex_array")]
    pub chain_context: [u8; 32],
}

/// Payment network and token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleasePayment {
    /// CAIP-2 network.
    pub network: String,
    /// EIP-3009 token.
    pub asset: Address,
}

/// Why a release statement is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// Not the strict JSON document of SPEC 11.
    #[error("release statement: {0}")]
    Parse(#[from] strict::StrictError),
    /// Another version.
    #[error("release statement: the version is not `{}`", tags::RELEASE)]
    Version,
    /// A statement from which no policy follows.
    #[error("release statement: {0}")]
    Contents(&'static str),
}

impl Release {
    /// Parses a release statement.
    ///
    /// # Errors
    /// [`ReleaseError`] when the bytes are not strict JSON of this shape and version, or when it names no identity, an identity that it
    /// also revokes, or an image without digest.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReleaseError> {
        let release: Self = strict::from_slice(bytes, MAX_RELEASE_BYTES).map_err(|error| {
            if tags::is_another_version(bytes, tags::RELEASE) { ReleaseError::Version } else { error.into() }
        })?;
        if release.version != tags::RELEASE {
            return Err(ReleaseError::Version);
        }
        let refuse = |what| Err(ReleaseError::Contents(what));
        let (allowed, revoked) = (&release.enclave_identities, &release.revoked_enclave_identities);
        if allowed.is_empty() || allowed.len().saturating_add(revoked.len()) > MAX_IDENTITIES {
            return refuse("it must name at least one enclave identity, and no more than 64 in all");
        }
        if allowed.iter().any(|identity| revoked.contains(identity)) {
            return refuse("an enclave identity is both released and revoked");
        }
        if release.tasks.is_empty() || !(1..=MAX_PAYMENT_TARGETS).contains(&release.payments.len()) {
            return refuse("it must name at least one task, and one to eight payment targets");
        }
        let by_digest = release.image.split_once("@sha256:").is_some_and(|(name, digest)| {
            !name.is_empty() && digest.len() == 64 && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        });
        if !by_digest {
            return refuse("the image is not named by digest");
        }
        Ok(release)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn statement() -> Value {
        let digest = |byte: u8| Digest::of(&[byte]).to_string();
        json!({
            "version": tags::RELEASE, "release": "0.1.0", "commit": "ab".repeat(20),
            "image": format!("registry.example/precis@sha256:{}", "cd".repeat(32)),
            "files": {"rofl.yaml": digest(1), "compose.yaml": digest(2)},
            "appId": "rofl1qp55evqls4qg6cjw5fnlv4al9ptc0fsakvxvd9uw",
            "chain": {"runtimeId": "80".repeat(32), "chainContext": "cc".repeat(32)},
            "enclaveIdentities": ["01".repeat(32), "02".repeat(32)], "revokedEnclaveIdentities": ["03".repeat(32)],
            "tasks": {"summary.abstractive": digest(4), "summary.extractive": digest(3)},
            "payments": [{"network": "eip155:84532", "asset": "0x036cbd53842c5426634e7929541ec2318f3dcf7e"}],
            "minEvaluationNumber": 18
        })
    }

    #[test]
    fn a_release_statement_round_trips() {
        let bytes = statement().to_string();
        let release = Release::parse(bytes.as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(&release).unwrap(), statement());
    }

    #[test]
    fn a_statement_from_which_no_policy_follows_is_refused() {
        let refused = |change: fn(&mut Value)| {
            let mut statement = statement();
            change(&mut statement);
            Release::parse(statement.to_string().as_bytes()).is_err()
        };
        assert!(refused(|s| s["enclaveIdentities"] = json!([])));
        assert!(refused(|s| s["enclaveIdentities"] = json!(vec!["01".repeat(32); 65])));
        assert!(refused(|s| s["revokedEnclaveIdentities"] = s["enclaveIdentities"].clone()));
        assert!(refused(|s| s["image"] = json!("registry.example/precis:latest")));
        assert!(refused(|s| s["image"] = json!("registry.example/precis@sha256:NOT-BUILT-YET")));
        assert!(refused(|s| s["commit"] = json!("unknown")));
        assert!(refused(|s| s["version"] = json!("precis/release: v1")));
        let first = br#"{"version":"precis/release: v1","models":{}}"#;
        assert!(matches!(Release::parse(first), Err(ReleaseError::Version)));
        assert!(refused(|s| s["tasks"] = json!({})));
        assert!(refused(|s| s["tasks"] = json!({"poem": null})));
        assert!(refused(|s| s["payments"] = json!([])));
        assert!(refused(|s| s["note"] = json!("unknown members are refused")));
    }
}
