//! Fetches what Intel publishes about the machine behind a TDX quote: certificate revocation lists,
//! TCB info and QE identity with their issuer chains (Intel PCS API, version 4).
//!
//! Everything fetched is signed by Intel and is checked where it is used, so it does not matter who
//! serves it: Intel, a caching service of the same API, or the devnet.

use dcap_qvl::{intel, quote::Quote};
use precis_protocol::attestation::Collateral;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::http::{Answer, HttpError, get};

/// Intel's own service.
pub const INTEL_PCS_URL: &str = "https://api.trustedservices.intel.com";
/// The root CRL's distribution point, as Intel's root certificate names it.
const INTEL_ROOT_CRL_URL: &str = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

/// Longest TCB info or QE identity; Intel's are below 40 kB.
const MAX_DOCUMENT_BYTES: usize = 512 * 1024;
/// Longest revocation list; Intel's largest is a few 100 kB.
const MAX_CRL_BYTES: usize = 4 * 1024 * 1024;
/// Longest issuer chain: two certificates of about 1 kB.
const MAX_CHAIN_BYTES: usize = 32 * 1024;

/// Why there is no collateral.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollateralError {
    /// The quote does not say what to ask for: it cannot be parsed or carries no PCK certificate.
    #[error("cannot read the platform from the quote: {0}")]
    Quote(String),
    /// The service was not reached or refused. A 404 means that it does not know the platform.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The service answered something else than the API says.
    #[error("the collateral service answered without {0}")]
    Malformed(&'static str),
}

/// Where collateral comes from.
#[derive(Clone, Debug)]
pub struct CollateralSource {
    /// Base URL of the PCS API, [`INTEL_PCS_URL`] or a service like it, without the `/sgx` part.
    pub base_url: String,
    /// URL of the root CA's revocation list. None: Intel's distribution point for Intel's service,
    /// and the `rootcacrl` route that caching services have for any other.
    pub root_crl_url: Option<String>,
}

impl CollateralSource {
    /// Collateral from `base_url`, with the root CRL where that service usually has it.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), root_crl_url: None }
    }

    /// Fetches the collateral for a TDX quote, in the `standard` TCB evaluation set (the one that
    /// Intel enforces, not the early preview).
    ///
    /// The PCK certificate chain is left out of it: verifiers take the one inside the quote. What comes back is in the one encoding that
    /// they accept.
    ///
    /// # Errors
    /// [`CollateralError`].
    pub async fn fetch(&self, http: &reqwest::Client, quote: &[u8]) -> Result<Collateral, CollateralError> {
        let Platform { fmspc, ca } = platform(quote)?;
        let base = self.base_url.trim_end_matches('/');
        let crl_url = format!("{base}/sgx/certification/v4/pckcrl?ca={ca}&encoding=der");
        let tcb_url = format!("{base}/tdx/certification/v4/tcb?fmspc={fmspc}&update=standard");
        let qe_url = format!("{base}/tdx/certification/v4/qe/identity?update=standard");
        let root_url = self.root_crl_url();

        let pck_crl = get(http, &crl_url, MAX_CRL_BYTES).await?;
        let pck_crl_issuer_chain = chain(&pck_crl, &["SGX-PCK-CRL-Issuer-Chain"])?;
        let tcb = get(http, &tcb_url, MAX_DOCUMENT_BYTES).await?;
        let tcb_info_issuer_chain = chain(&tcb, &["TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"])?;
        let qe = get(http, &qe_url, MAX_DOCUMENT_BYTES).await?;
        let qe_identity_issuer_chain = chain(&qe, &["SGX-Enclave-Identity-Issuer-Chain"])?;
        let root_crl = get(http, &root_url, MAX_CRL_BYTES).await?;

        let tcb: SignedTcbInfo<'_> =
            serde_json::from_slice(&tcb.body).map_err(|_| CollateralError::Malformed("TCB info"))?;
        let qe: SignedQeIdentity<'_> =
            serde_json::from_slice(&qe.body).map_err(|_| CollateralError::Malformed("a QE identity"))?;
        let collateral = Collateral {
            pck_crl_issuer_chain,
            root_ca_crl: der(root_crl.body, "a root revocation list")?,
            pck_crl: der(pck_crl.body, "a PCK revocation list")?,
            tcb_info_issuer_chain,
            tcb_info: tcb.tcb_info.get().to_owned(),
            tcb_info_signature: signature(tcb.signature)?,
            qe_identity_issuer_chain,
            qe_identity: qe.enclave_identity.get().to_owned(),
            qe_identity_signature: signature(qe.signature)?,
            pck_certificate_chain: None,
        };
        Ok(collateral.canonical())
    }

    fn root_crl_url(&self) -> String {
        let base = self.base_url.trim_end_matches('/');
        match &self.root_crl_url {
            Some(url) => url.clone(),
            None if base == INTEL_PCS_URL => INTEL_ROOT_CRL_URL.to_owned(),
            None => format!("{base}/sgx/certification/v4/rootcacrl"),
        }
    }
}

/// The signed text is kept byte for byte: the signature is over exactly these bytes.
#[derive(Deserialize)]
struct SignedTcbInfo<'a> {
    #[serde(rename = "tcbInfo", borrow)]
    tcb_info: &'a RawValue,
    signature: &'a str,
}

#[derive(Deserialize)]
struct SignedQeIdentity<'a> {
    #[serde(rename = "enclaveIdentity", borrow)]
    enclave_identity: &'a RawValue,
    signature: &'a str,
}

struct Platform {
    fmspc: String,
    ca: &'static str,
}

fn platform(quote: &[u8]) -> Result<Platform, CollateralError> {
    let wrong = |error: &dyn std::fmt::Display| CollateralError::Quote(error.to_string());
    let quote = Quote::parse(quote).map_err(|error| wrong(&error))?;
    if quote.header.is_sgx() {
        return Err(wrong(&"an SGX quote, not a TDX one"));
    }
    let fmspc = intel::quote_fmspc(&quote).map_err(|error| wrong(&error))?;
    let ca = intel::quote_ca(&quote).map_err(|error| wrong(&error))?.as_id_str();
    Ok(Platform { fmspc: hex::encode_upper(fmspc), ca })
}

/// An issuer chain from a response header: PEM, percent-encoded.
fn chain(answer: &Answer, names: &[&str]) -> Result<String, CollateralError> {
    const WANT: CollateralError = CollateralError::Malformed("an issuer chain");
    let value = names.iter().find_map(|name| answer.headers.get(*name)).ok_or(WANT)?;
    if value.len() > MAX_CHAIN_BYTES {
        return Err(WANT);
    }
    percent_decode(value.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(WANT)
}

/// RFC 3986 percent-decoding. A plus sign stays one: it is a base64 digit here, not a space.
fn percent_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            let mut decoded = [0];
            hex::decode_to_slice(digits, &mut decoded).ok()?;
            out.push(decoded[0]);
            rest = after;
        } else {
            out.push(byte);
            rest = after;
        }
    }
    Some(out)
}

/// A list as DER; caching services send it as hex text.
fn der(body: Vec<u8>, what: &'static str) -> Result<Vec<u8>, CollateralError> {
    const SEQUENCE: u8 = 0x30;
    let decoded = match body.iter().all(u8::is_ascii_hexdigit) {
        true => hex::decode(&body).map_err(|_| CollateralError::Malformed(what))?,
        false => body,
    };
    if decoded.first() == Some(&SEQUENCE) { Ok(decoded) } else { Err(CollateralError::Malformed(what)) }
}

fn signature(text: &str) -> Result<Vec<u8>, CollateralError> {
    const WANT: CollateralError = CollateralError::Malformed("a 64-byte signature");
    let bytes = hex::decode(text).map_err(|_| WANT)?;
    if bytes.len() == 64 { Ok(bytes) } else { Err(WANT) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn percent_decoding_keeps_plus_and_refuses_broken_escapes() {
        assert_eq!(percent_decode(b"a%2Bb+c%0A").unwrap(), b"a+b+c\n");
        assert!(percent_decode(b"%2").is_none());
        assert!(percent_decode(b"%zz").is_none());
    }

    #[test]
    fn lists_come_as_der_or_as_hex_and_nothing_else() {
        assert_eq!(der(vec![0x30, 0x00], "x").unwrap(), [0x30, 0x00]);
        assert_eq!(der(b"3000".to_vec(), "x").unwrap(), [0x30, 0x00]);
        assert!(der(Vec::new(), "x").is_err());
        assert!(der(b"<html>".to_vec(), "x").is_err());
        assert!(der(b"300".to_vec(), "x").is_err());
    }

    #[test]
    fn intels_service_implies_intels_distribution_point_and_others_their_own_route() {
        assert_eq!(CollateralSource::new(INTEL_PCS_URL).root_crl_url(), INTEL_ROOT_CRL_URL);
        assert_eq!(
            CollateralSource::new("http://127.0.0.1:1/").root_crl_url(),
            "http://127.0.0.1:1/sgx/certification/v4/rootcacrl"
        );
    }

    #[test]
    fn what_is_not_a_quote_names_no_platform() {
        assert!(matches!(platform(&[]), Err(CollateralError::Quote(_))));
        assert!(matches!(platform(&[4; 5000]), Err(CollateralError::Quote(_))));
    }
}
