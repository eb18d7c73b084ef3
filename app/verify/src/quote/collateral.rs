//! Collateral shape: which bytes dcap-qvl does not look at, and the rules that leave none of them free.
//!
//! dcap-qvl verifies signatures and validity, but ignores `pck_crl_issuer_chain`, accepts superfluous certificates, lets a chain in
//! the collateral stand in for the one in the quote, takes either s of a signature, and does not compare PCEIDs, ages or the issue dates
//! of revocation lists. [`check_shape`] and [`Times`] close that.

use precis_protocol::attestation::{Collateral, has_low_s};
use precis_protocol::limits::MAX_COLLATERAL_ITEM_BYTES;
use serde::Deserialize;
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode as _;

use super::Quote;
use super::pem::{PemError, parse_chain};
use crate::time::unix_seconds;

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
    /// A signature is not r ‖ s with the lower s.
    #[error("`{0}` is not 64 bytes with the lower s")]
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
    /// A revocation list is not readable.
    #[error("`{0}` is not a revocation list with both dates")]
    List(&'static str),
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
    for (item, signature) in [
        ("tcb_info_signature", &collateral.tcb_info_signature),
        ("qe_identity_signature", &collateral.qe_identity_signature),
    ] {
        if !has_low_s(signature) {
            return Err(CollateralError::Signature(item));
        }
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

/// Name of the root CA's revocation list, whose age has a bound of its own.
pub const ROOT_CRL: &str = "root CRL";

/// The period of an item of collateral, Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// `issueDate`, or `thisUpdate` of a revocation list.
    pub issued: u64,
    /// `nextUpdate`.
    pub next_update: u64,
}

/// The periods of all items, and the PCEID that the TCB info is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Of the TCB info.
    pub tcb_info: Period,
    /// Of the QE identity.
    pub qe_identity: Period,
    /// Of the PCK CA's revocation list.
    pub pck_crl: Period,
    /// Of the root CA's revocation list.
    pub root_crl: Period,
    /// `pceId` of the TCB info.
    pub pce_id: [u8; 2],
}

impl Times {
    /// Reads all four. No signature is checked here.
    ///
    /// # Errors
    /// [`CollateralError::Json`] and [`CollateralError::List`].
    pub fn of(collateral: &Collateral) -> Result<Self, CollateralError> {
        let (tcb_info, pce_id) = dated("tcb_info", &collateral.tcb_info)?;
        let (qe_identity, _) = dated("qe_identity", &collateral.qe_identity)?;
        let mut bytes = [0; 2];
        hex::decode_to_slice(pce_id, &mut bytes).map_err(|_| CollateralError::Json("tcb_info"))?;
        Ok(Self {
            tcb_info,
            qe_identity,
            pck_crl: list("pck_crl", &collateral.pck_crl)?,
            root_crl: list("root_ca_crl", &collateral.root_ca_crl)?,
            pce_id: bytes,
        })
    }

    /// Every item by name, with its period.
    #[must_use]
    pub const fn items(&self) -> [(&'static str, Period); 4] {
        [
            ("TCB info", self.tcb_info),
            ("QE identity", self.qe_identity),
            ("PCK CRL", self.pck_crl),
            (ROOT_CRL, self.root_crl),
        ]
    }

    /// When the newest item was issued, Unix seconds: what Intel knew by then is in the collateral.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.items().iter().map(|(_, period)| period.issued).max().unwrap_or_default()
    }
}

fn list(item: &'static str, der: &[u8]) -> Result<Period, CollateralError> {
    let list = CertificateList::<Rfc5280>::from_der(der).map_err(|_| CollateralError::List(item))?.tbs_cert_list;
    let next_update = list.next_update.ok_or(CollateralError::List(item))?;
    Ok(Period {
        issued: list.this_update.to_unix_duration().as_secs(),
        next_update: next_update.to_unix_duration().as_secs(),
    })
}

fn dated(item: &'static str, json: &str) -> Result<(Period, String), CollateralError> {
    let unreadable = CollateralError::Json(item);
    let Ok(dated) = serde_json::from_str::<Dated>(json) else { return Err(unreadable) };
    match (unix_seconds(&dated.issue_date), unix_seconds(&dated.next_update)) {
        (Some(issued), Some(next_update)) => Ok((Period { issued, next_update }, dated.pce_id)),
        _ => Err(unreadable),
    }
}

/// The members of Intel's signed JSON that we read; Intel may add others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dated {
    issue_date: String,
    next_update: String,
    #[serde(default)]
    pce_id: String,
}
