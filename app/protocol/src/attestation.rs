//! The attestation document (SPEC 3): exact keyset bytes, evidence of one or more kinds, and the challenge.

use alloy_primitives::U256;
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

/// Order of the curve P-256: (r, s) and (r, order − s) are signatures of the same text.
const P256_ORDER: U256 = U256::from_be_bytes([
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
]);

/// The s of a raw P-256 signature r ‖ s, if it has 64 bytes.
fn s_of(signature: &[u8]) -> Option<U256> {
    (signature.len() == 64).then(|| U256::from_be_slice(signature.get(32..).unwrap_or_default()))
}

/// Whether a raw P-256 signature has 64 bytes and the lower of its two possible s: the one form that is accepted (SPEC 3.1).
pub fn has_low_s(signature: &[u8]) -> bool {
    s_of(signature).is_some_and(|s| s <= P256_ORDER >> 1)
}

impl Collateral {
    /// The same collateral in its one accepted encoding: chains that end in a newline, signatures with the lower s. Sources differ in
    /// the former, and Intel signs with either s; whoever presents collateral brings it into this form.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        let chains = [
            Some(&mut self.pck_crl_issuer_chain),
            Some(&mut self.tcb_info_issuer_chain),
            Some(&mut self.qe_identity_issuer_chain),
            self.pck_certificate_chain.as_mut(),
        ];
        for chain in chains.into_iter().flatten().filter(|chain| !chain.ends_with('\n')) {
            chain.push('\n');
        }
        for signature in [&mut self.tcb_info_signature, &mut self.qe_identity_signature] {
            if let Some(s) = s_of(signature).filter(|s| *s > P256_ORDER >> 1 && *s < P256_ORDER) {
                signature.truncate(32);
                signature.extend((P256_ORDER - s).to_be_bytes::<32>());
            }
        }
        self
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collateral_signature_has_one_s_and_a_chain_one_end() {
        let signature = |s: U256| [[7; 32], s.to_be_bytes::<32>()].concat();
        let half = P256_ORDER >> 1;
        let collateral = |s| Collateral {
            pck_crl_issuer_chain: "a".into(),
            root_ca_crl: Vec::new(),
            pck_crl: Vec::new(),
            tcb_info_issuer_chain: "b\n".into(),
            tcb_info: String::new(),
            tcb_info_signature: signature(s),
            qe_identity_issuer_chain: String::new(),
            qe_identity: String::new(),
            qe_identity_signature: vec![1; 63],
            pck_certificate_chain: None,
        };
        for (s, low) in [(half, half), (half + U256::ONE, half), (P256_ORDER - U256::ONE, U256::ONE)] {
            let canonical = collateral(s).canonical();
            assert_eq!(canonical.tcb_info_signature, signature(low));
            assert_eq!(has_low_s(&signature(s)), s == low);
            assert_eq!(
                (canonical.pck_crl_issuer_chain.as_str(), canonical.tcb_info_issuer_chain.as_str()),
                ("a\n", "b\n")
            );
            // What is no signature stays none.
            assert_eq!(canonical.qe_identity_signature, [1; 63]);
            assert_eq!(canonical.clone().canonical(), canonical);
        }
        assert!(!has_low_s(&[1; 63]) && !has_low_s(&signature(P256_ORDER)));
    }
}
