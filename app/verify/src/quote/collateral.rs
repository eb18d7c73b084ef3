//! Collateral shape: which bytes dcap-qvl does not look at, and the rules that leave none of them free.
//!
//! dcap-qvl verifies signatures and validity, but ignores `pck_crl_issuer_chain`, accepts superfluous certificates, lets a chain in
//! the collateral stand in for the one in the quote, and does not compare PCEIDs or ages. [`check_shape`] and [`Times`] close that.

use precis_protocol::attestation::Collateral;
use precis_protocol::limits::MAX_COLLATERAL_ITEM_BYTES;
use serde::Deserialize;

use super::Quote;
use super::pem::{PemError, parse_chain};
use crate::time::unix_seconds;

/// Raw ECDSA P-256 signature r ‖ s, bytes.
const SIGNATURE_BYTES: usize = 64;

/// Why collateral is not of the one shape we accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CollateralError {
    /// An item is over the limit.
    #[error("`{0}` is over {MAX_COLLATERAL_ITEM_BYTES} bytes")]
    TooLarge(&'static str),
    /// A chain is not canonical PEM.
    #[error("`{item}`: {error}")]
    Pem {
        /// Which chain.
        item: &'static str,
        /// What is wrong.
        error: PemError,
    },
    /// A chain does not have exactly the certificates it needs.
    #[error("`{item}` has {found} certificates, expected {expected}")]
    Length {
        /// Which chain.
        item: &'static str,
        /// Certificates found.
        found: usize,
        /// Certificates expected.
        expected: usize,
    },
    /// A signature is not r ‖ s.
    #[error("`{0}` is not 64 bytes")]
    Signature(&'static str),
    /// A chain disagrees with the chain in the quote.
    #[error("`{0}` differs from the PCK chain in the quote")]
    Differs(&'static str),
    /// The chains end in different roots.
    #[error("`{0}` does not end in the root of the PCK chain")]
    Root(&'static str),
    /// Intel's JSON is not readable.
    #[error("`{0}` is not the JSON that Intel signs")]
    Json(&'static str),
}

/// Checks the shape of collateral against a quote, and returns the root certificate (DER) that all chains end in.
///
/// # Errors
/// [`CollateralError`] on the first rule that is broken.
pub fn check_shape(quote: &Quote, collateral: &Collateral) -> Result<Vec<u8>, CollateralError> {
    for (item, length) in [
        ("pck_crl_issuer_chain", collateral.pck_crl_issuer_chain.len()),
        ("root_ca_crl", collateral.root_ca_crl.len()),
        ("pck_crl", collateral.pck_crl.len()),
        ("tcb_info_issuer_chain", collateral.tcb_info_issuer_chain.len()),
        ("tcb_info", collateral.tcb_info.len()),
        ("qe_identity_issuer_chain", collateral.qe_identity_issuer_chain.len()),
        ("qe_identity", collateral.qe_identity.len()),
        ("pck_certificate_chain", collateral.pck_certificate_chain.as_ref().map_or(0, String::len)),
    ] {
        if length > MAX_COLLATERAL_ITEM_BYTES {
            return Err(CollateralError::TooLarge(item));
        }
    }
    if collateral.tcb_info_signature.len() != SIGNATURE_BYTES {
        return Err(CollateralError::Signature("tcb_info_signature"));
    }
    if collateral.qe_identity_signature.len() != SIGNATURE_BYTES {
        return Err(CollateralError::Signature("qe_identity_signature"));
    }
    let [_, issuers @ ..] = quote.pck_chain.as_slice() else {
        return Err(CollateralError::Length { item: "PCK chain in the quote", found: 0, expected: 3 });
    };
    let [_, root] = issuers else {
        return Err(CollateralError::Length {
            item: "PCK chain in the quote",
            found: quote.pck_chain.len(),
            expected: 3,
        });
    };
    if chain("pck_crl_issuer_chain", &collateral.pck_crl_issuer_chain, 2)? != issuers {
        return Err(CollateralError::Differs("pck_crl_issuer_chain"));
    }
    if let Some(text) = &collateral.pck_certificate_chain
        && chain("pck_certificate_chain", text, 3)? != quote.pck_chain
    {
        return Err(CollateralError::Differs("pck_certificate_chain"));
    }
    for (item, text) in [
        ("tcb_info_issuer_chain", &collateral.tcb_info_issuer_chain),
        ("qe_identity_issuer_chain", &collateral.qe_identity_issuer_chain),
    ] {
        if chain(item, text, 2)?.last() != Some(root) {
            return Err(CollateralError::Root(item));
        }
    }
    Ok(root.clone())
}

fn chain(item: &'static str, text: &str, expected: usize) -> Result<Vec<Vec<u8>>, CollateralError> {
    let certificates = parse_chain(text).map_err(|error| CollateralError::Pem { item, error })?;
    if certificates.len() == expected {
        Ok(certificates)
    } else {
        Err(CollateralError::Length { item, found: certificates.len(), expected })
    }
}

/// When TCB info and QE identity were issued, Unix seconds, and the PCEID that the TCB info is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// `issueDate` of the TCB info.
    pub tcb_info_issued: u64,
    /// `issueDate` of the QE identity.
    pub qe_identity_issued: u64,
    /// `pceId` of the TCB info.
    pub pce_id: [u8; 2],
}

impl Times {
    /// Reads both JSON documents. Their signatures are not checked here.
    ///
    /// # Errors
    /// [`CollateralError::Json`].
    pub fn of(collateral: &Collateral) -> Result<Self, CollateralError> {
        let tcb_info: Dated =
            serde_json::from_str(&collateral.tcb_info).map_err(|_| CollateralError::Json("tcb_info"))?;
        let qe_identity: Dated =
            serde_json::from_str(&collateral.qe_identity).map_err(|_| CollateralError::Json("qe_identity"))?;
        let mut pce_id = [0; 2];
        hex::decode_to_slice(tcb_info.pce_id, &mut pce_id).map_err(|_| CollateralError::Json("tcb_info"))?;
        Ok(Self {
            tcb_info_issued: unix_seconds(&tcb_info.issue_date).ok_or(CollateralError::Json("tcb_info"))?,
            qe_identity_issued: unix_seconds(&qe_identity.issue_date).ok_or(CollateralError::Json("qe_identity"))?,
            pce_id,
        })
    }
}

/// The members of Intel's signed JSON that we read; Intel may add others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dated {
    issue_date: String,
    #[serde(default)]
    pce_id: String,
}
