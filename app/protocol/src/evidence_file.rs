//! A saved bundle of evidence: what a service presented to one caller, so that it can be judged again without network (SPEC 8.2).

use serde::{Deserialize, Serialize};

use crate::attestation::Collateral;
use crate::encoding::{base64_vec, hex_array};
use crate::limits::MAX_EVIDENCE_FILE_BYTES;
use crate::{strict, tags};

/// What a service presented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EvidenceFile {
    /// [`tags::EVIDENCE_FILE`].
    pub version: String,
    /// Origin of the service, as the caller named it. A note of the saver's, vouched for by nothing.
    pub service: String,
    /// Unix seconds of the caller's clock when the bundle was fetched. A note, too.
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
    /// Collateral of the saver's own, which the bundle is judged by. Absent: the verdict rests on what the service presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_collateral: Option<OwnCollateral>,
}

/// Collateral that did not come from the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnCollateral {
    /// Its source: a URL or a file name. A note of the saver's: what Intel signed is judged by Intel's signatures.
    pub source: String,
    /// The collateral.
    pub collateral: Box<Collateral>,
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
    /// The same contents written another way.
    #[error("evidence file: not the compact encoding with members in the order of SPEC 8.2")]
    NotCompact,
}

impl EvidenceFile {
    /// Parses a saved bundle.
    ///
    /// # Errors
    /// [`EvidenceFileError`] when the bytes are not the one encoding of a document of this shape and version.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceFileError> {
        let file: Self = strict::from_slice(bytes, MAX_EVIDENCE_FILE_BYTES)?;
        if file.version != tags::EVIDENCE_FILE {
            return Err(EvidenceFileError::Version);
        }
        if !strict::is_compact(&file, bytes) {
            return Err(EvidenceFileError::NotCompact);
        }
        Ok(file)
    }
}
