//! TDX quotes: exact parsing, the enclave identity (SPEC 3.4), and the attribute rules (SPEC 8 `quote.attributes`).
//!
//! Guarantee: a parsed [`Quote`] accounts for every byte it came from; nothing here decides whether it is genuine, that is
//! [`verifier`]. Layouts: Intel TDX DCAP quoting library API, quote formats 4 and 5; attribute bits: Intel TDX Module ABI, table
//! of TD_ATTRIBUTES.

mod attributes;
pub mod collateral;
pub mod pem;
mod reader;
mod report;
pub mod verifier;

use precis_protocol::limits::MAX_QUOTE_BYTES;
use tiny_keccak::{Hasher as _, TupleHash};

pub use reader::QuoteError;
use reader::Reader;
pub use report::{Extended, Report15};
pub use verifier::{DcapVerifier, QuoteClaims, QuoteVerifier, TcbStatus};

/// Customization string of the enclave identity (Oasis Core, TDX).
const IDENTITY_CUSTOMIZATION: &[u8] = b"oasis-core/tdx: TD enclave identity";

/// Quote header, bytes.
const HEADER_BYTES: usize = 48;
/// `tee_type` of TDX.
const TEE_TYPE_TDX: u32 = 0x81;
/// ECDSA-256-with-P-256 attestation keys.
const ATTESTATION_KEY_ECDSA_P256: u16 = 2;
/// Intel's quoting enclave vendor.
const QE_VENDOR_INTEL: [u8; 16] =
    [0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07];
/// Body of a TD report 1.0, 1.5 and 1.5 extended, bytes, with the body type of quote format 5.
const BODIES: [(u16, usize); 3] = [(2, 584), (3, 648), (4, 885)];
/// Certification data: QE report, and PCK chain in PEM.
const CERTIFICATION_QE_REPORT: u16 = 6;
const CERTIFICATION_PCK_CHAIN: u16 = 5;
/// QE authentication data, bytes: fixed by Intel's quoting enclave.
const QE_AUTHENTICATION_BYTES: usize = 32;

/// The fields of a TDX quote that a verifier judges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Quote format, 4 or 5.
    pub version: u16,
    /// Measurement of the TDX module.
    pub mr_seam: [u8; 48],
    /// Signer of the TDX module, zero for Intel's.
    pub mr_signer_seam: [u8; 48],
    /// TD attributes.
    pub td_attributes: u64,
    /// Extended features the TD may use.
    pub xfam: u64,
    /// Measurement of the TD's initial contents.
    pub mr_td: [u8; 48],
    /// Configuration id chosen by the host.
    pub mr_config_id: [u8; 48],
    /// Owner id chosen by the host.
    pub mr_owner: [u8; 48],
    /// Owner configuration chosen by the host.
    pub mr_owner_config: [u8; 48],
    /// Run-time measurements.
    pub rtmrs: [[u8; 48]; 4],
    /// What the TD put into the quote.
    pub report_data: [u8; 64],
    /// Security versions of the TDX module that launched the TD.
    pub tee_tcb_svn: [u8; 16],
    /// What a TD report 1.5 has besides.
    pub report_15: Option<Report15>,
    /// PCK certificate chain inside the quote, DER, leaf first.
    pub pck_chain: Vec<Vec<u8>>,
}

impl Quote {
    /// Parses a quote of format 4 or 5, all of it.
    ///
    /// # Errors
    /// [`QuoteError`] when the quote is not TDX, not signed with ECDSA P-256, does not carry its own PCK chain, or has a byte
    /// too few or too many anywhere.
    pub fn parse(bytes: &[u8]) -> Result<Self, QuoteError> {
        if bytes.len() > MAX_QUOTE_BYTES {
            return Err(QuoteError::TooLarge(bytes.len()));
        }
        let mut quote = Reader::new(bytes, "quote");
        let version = quote.u16()?;
        accept("quote version", u64::from(version), &[4, 5], "4 or 5")?;
        accept(
            "attestation key type",
            u64::from(quote.u16()?),
            &[u64::from(ATTESTATION_KEY_ECDSA_P256)],
            "2 (ECDSA P-256)",
        )?;
        accept("TEE type", u64::from(quote.u32()?), &[u64::from(TEE_TYPE_TDX)], "129 (TDX)")?;
        quote.take(4)?; // QE SVN and PCE SVN: judged from the QE report and the PCK certificate instead.
        if quote.array()? != QE_VENDOR_INTEL {
            return Err(QuoteError::Vendor);
        }
        quote.take(HEADER_BYTES - 28)?; // user data
        let length = body_length(version, &mut quote)?;
        let body = quote.take(length)?;
        let length = quote.u32()? as usize;
        let authentication = quote.take(length)?;
        quote.finish()?;
        Self::from_body(version, body, pck_chain(authentication)?)
    }

    fn from_body(version: u16, body: &[u8], pck_chain: Vec<Vec<u8>>) -> Result<Self, QuoteError> {
        let mut body = Reader::new(body, "TD report");
        let tee_tcb_svn = body.array()?;
        let mr_seam = body.array()?;
        let mr_signer_seam = body.array()?;
        body.take(8)?; // SEAM attributes: compared with the TCB info.
        let quote = Self {
            version,
            mr_seam,
            mr_signer_seam,
            td_attributes: u64::from_le_bytes(body.array()?),
            xfam: u64::from_le_bytes(body.array()?),
            mr_td: body.array()?,
            mr_config_id: body.array()?,
            mr_owner: body.array()?,
            mr_owner_config: body.array()?,
            rtmrs: [body.array()?, body.array()?, body.array()?, body.array()?],
            report_data: body.array()?,
            tee_tcb_svn,
            report_15: if body.rest.is_empty() { None } else { Some(Report15::read(&mut body)?) },
            pck_chain,
        };
        body.finish()?;
        Ok(quote)
    }

    /// TupleHash-256 over MRTD and RTMR0 to RTMR3: which code booted (SPEC 3.4).
    #[must_use]
    pub fn enclave_identity(&self) -> [u8; 32] {
        let mut hash = TupleHash::v256(IDENTITY_CUSTOMIZATION);
        hash.update(&self.mr_td);
        for rtmr in &self.rtmrs {
            hash.update(rtmr);
        }
        let mut identity = [0; 32];
        hash.finalize(&mut identity);
        identity
    }
}

fn body_length(version: u16, quote: &mut Reader<'_>) -> Result<usize, QuoteError> {
    if version == 4 {
        return Ok(BODIES[0].1);
    }
    let body_type = quote.u16()?;
    let size = quote.u32()?;
    let Some((_, length)) = BODIES.iter().find(|(known, _)| *known == body_type) else {
        return Err(QuoteError::Field { field: "quote body type", found: u64::from(body_type), expected: "2, 3 or 4" });
    };
    accept("quote body size", u64::from(size), &[*length as u64], "the size of its type")?;
    Ok(*length)
}

/// Walks the authentication data: signature, attestation key, QE report with its signature and data, PCK chain.
fn pck_chain(authentication: &[u8]) -> Result<Vec<Vec<u8>>, QuoteError> {
    let mut outer = Reader::new(authentication, "authentication data");
    outer.take(64 + 64)?;
    accept("certification data type", u64::from(outer.u16()?), &[u64::from(CERTIFICATION_QE_REPORT)], "6 (QE report)")?;
    let length = outer.u32()? as usize;
    let mut inner = Reader::new(outer.take(length)?, "QE certification data");
    outer.finish()?;
    inner.take(384 + 64)?;
    let length = inner.u16()?;
    accept("QE authentication data length", u64::from(length), &[QE_AUTHENTICATION_BYTES as u64], "32")?;
    inner.take(QE_AUTHENTICATION_BYTES)?;
    accept(
        "QE certification data type",
        u64::from(inner.u16()?),
        &[u64::from(CERTIFICATION_PCK_CHAIN)],
        "5 (PCK chain)",
    )?;
    let length = inner.u32()? as usize;
    let chain = inner.take(length)?;
    inner.finish()?;
    Ok(pem::parse_quote_chain(chain)?)
}

fn accept(field: &'static str, found: u64, allowed: &[u64], expected: &'static str) -> Result<(), QuoteError> {
    if allowed.contains(&found) { Ok(()) } else { Err(QuoteError::Field { field, found, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quote of a TD that nobody configured.
    pub(super) fn quiet() -> Quote {
        Quote {
            version: 4,
            mr_seam: [1; 48],
            mr_signer_seam: [0; 48],
            td_attributes: 1 << 28,
            xfam: 0xe7,
            mr_td: [0; 48],
            mr_config_id: [0; 48],
            mr_owner: [0; 48],
            mr_owner_config: [0; 48],
            rtmrs: [[0; 48]; 4],
            report_data: [0; 64],
            tee_tcb_svn: [6, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            report_15: None,
            pck_chain: Vec::new(),
        }
    }

    #[test]
    fn every_measurement_is_part_of_the_identity() {
        let base = quiet().enclave_identity();
        let mut other = quiet();
        other.mr_td[0] ^= 1;
        assert_ne!(other.enclave_identity(), base);
        for index in 0..4 {
            let mut other = quiet();
            other.rtmrs[index][47] ^= 1;
            assert_ne!(other.enclave_identity(), base, "RTMR{index}");
        }
    }
}
