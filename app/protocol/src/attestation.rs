//! The attestation document (SPEC 3): exact keyset bytes, evidence of one or more kinds, and the challenge.

use serde::{Deserialize, Serialize};

use crate::challenge::Challenge;
use crate::encoding::{base64_vec, hex_array};
use crate::limits::MAX_ATTESTATION_BYTES;
use crate::{strict, tags};

/// The document served at `/v1/attestation`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// [`tags::ATTESTATION`].
    pub version: String,
    /// The exact keyset bytes.
    #[serde(with = "base64_vec")]
    pub keyset: Vec<u8>,
    /// What vouches for the keyset's digest.
    pub evidence: Vec<Evidence>,
    /// Live possession of the keys.
    pub challenge: Challenge,
}

/// One item of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Evidence {
    /// A raw `rofl.Register` transaction (SPEC 3.1).
    #[serde(rename_all = "camelCase")]
    RoflRegister {
        /// CBOR `[body, proofs]`, exact bytes.
        #[serde(with = "base64_vec")]
        transaction: Vec<u8>,
        /// ParaTime whose registration it is.
        #[serde(with = "hex_array")]
        runtime_id: [u8; 32],
        /// Consensus chain context, 64 hex.
        #[serde(with = "hex_array")]
        chain_context: [u8; 32],
        /// Intel collateral for the quote inside.
        collateral: Box<Collateral>,
    },
    /// A TDX quote with our own REPORTDATA (SPEC 3.2).
    TdxQuote {
        /// Raw quote, exact length.
        #[serde(with = "base64_vec")]
        quote: Vec<u8>,
        /// Intel collateral for the quote.
        collateral: Box<Collateral>,
    },
}

impl Evidence {
    /// The `kind` as policies name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RoflRegister { .. } => "rofl-register",
            Self::TdxQuote { .. } => "tdx-quote",
        }
    }
}

/// Intel collateral in the member names of dcap-qvl's `QuoteCollateralV3`: PEM chains, DER as lowercase hex, signed JSON verbatim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collateral {
    /// PEM.
    pub pck_crl_issuer_chain: String,
    /// DER.
    #[serde(with = "crate::encoding::hex_vec")]
    pub root_ca_crl: Vec<u8>,
    /// DER.
    #[serde(with = "crate::encoding::hex_vec")]
    pub pck_crl: Vec<u8>,
    /// PEM.
    pub tcb_info_issuer_chain: String,
    /// JSON text exactly as signed.
    pub tcb_info: String,
    /// r ‖ s.
    #[serde(with = "crate::encoding::hex_vec")]
    pub tcb_info_signature: Vec<u8>,
    /// PEM.
    pub qe_identity_issuer_chain: String,
    /// JSON text exactly as signed.
    pub qe_identity: String,
    /// r ‖ s.
    #[serde(with = "crate::encoding::hex_vec")]
    pub qe_identity_signature: Vec<u8>,
    /// PEM, only for quotes that do not carry their own chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pck_certificate_chain: Option<String>,
}

/// Why an attestation document is refused before any check of its contents.
#[derive(Debug, thiserror::Error)]
pub enum AttestationError {
    /// Not the strict JSON document of SPEC 3.
    #[error("attestation: {0}")]
    Parse(#[from] strict::StrictError),
    /// Another version.
    #[error("attestation: the version is not `{}`", tags::ATTESTATION)]
    Version,
}

impl Attestation {
    /// Parses an attestation document.
    ///
    /// # Errors
    /// [`AttestationError`] when the bytes are not strict JSON of this shape and version.
    pub fn parse(bytes: &[u8]) -> Result<Self, AttestationError> {
        let document: Self = strict::from_slice(bytes, MAX_ATTESTATION_BYTES)?;
        if document.version != tags::ATTESTATION {
            return Err(AttestationError::Version);
        }
        Ok(document)
    }
}
