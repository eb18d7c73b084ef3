//! A saved bundle of evidence: what a service presented to one caller, so that it can be judged again without network (SPEC 8.2).

use serde::{Deserialize, Serialize};

use crate::encoding::{base64_vec, hex_array};
use crate::limits::MAX_EVIDENCE_FILE_BYTES;
use crate::{strict, tags};

/// What a service presented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EvidenceFile {
    /// [`tags::EVIDENCE_FILE`].
    pub version: String,
    /// Origin of the service, as the caller named it. Vouched for by nothing.
    pub service: String,
    /// Unix seconds of the caller's clock when the bundle was fetched.
    pub saved_at: u64,
    /// The nonce that the caller sent.
    #[serde(with = "hex_array")]
    pub nonce: [u8; 32],
    /// The OHTTP key configuration list that the gateway handed out, exact bytes.
    #[serde(with = "base64_vec")]
    pub ohttp_keys: Vec<u8>,
    /// The attestation document (SPEC 3), exact bytes.
    #[serde(with = "base64_vec")]
    pub attestation: Vec<u8>,
}

/// Why an evidence file is refused before any check of its contents.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceFileError {
    /// Not the strict JSON document of SPEC 8.2.
    #[error("evidence file: {0}")]
    Parse(#[from] strict::StrictError),
    /// Another version.
    #[error("evidence file: the version is not `{}`", tags::EVIDENCE_FILE)]
    Version,
}

impl EvidenceFile {
    /// Parses a saved bundle.
    ///
    /// # Errors
    /// [`EvidenceFileError`] when the bytes are not strict JSON of this shape and version.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceFileError> {
        let file: Self = strict::from_slice(bytes, MAX_EVIDENCE_FILE_BYTES)?;
        if file.version != tags::EVIDENCE_FILE {
            return Err(EvidenceFileError::Version);
        }
        Ok(file)
    }
}
