//! Is a quote genuine, and what does Intel say about its platform? The trait, and the one implementation, on dcap-qvl.
//!
//! dcap-qvl checks signatures, chains, revocation, QE identity and TCB levels, and is satisfied by every status but Revoked; the
//! gates on what it reports are [`crate::verify`]'s.

#[cfg(feature = "ring")]
use dcap_qvl::configs::RingConfig as Backend;
#[cfg(all(feature = "rustcrypto", not(feature = "ring")))]
use dcap_qvl::configs::RustCryptoConfig as Backend;
use precis_protocol::attestation::Collateral;

use super::collateral::{CollateralError, Times};

#[cfg(not(any(feature = "ring", feature = "rustcrypto")))]
compile_error!("precis-verify needs one of its features `ring` and `rustcrypto` to check signatures with");

/// Tolerance between our clock and Intel's, seconds: collateral issued just now must not be refused by a clock that is late.
pub const CLOCK_TOLERANCE_SECONDS: u64 = 300;

/// Whether Intel considers a part of the platform current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TcbStatus {
    /// Nothing known against it.
    UpToDate,
    /// Current, if the software does what the advisories ask.
    SwHardeningNeeded,
    /// Anything else: refused always.
    Other(String),
}

impl std::fmt::Display for TcbStatus {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::UpToDate => "UpToDate",
            Self::SwHardeningNeeded => "SWHardeningNeeded",
            Self::Other(name) => name,
        })
    }
}

/// What a genuine quote and Intel's signed collateral say about the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteClaims {
    /// Status of each part: the merged verdict, the launch TCB, the current TCB of a TD 1.5, the quoting enclave.
    pub statuses: Vec<(&'static str, TcbStatus)>,
    /// Advisories that apply, of any part.
    pub advisories: Vec<String>,
    /// The lower of the TCB info's and the QE identity's evaluation data numbers.
    pub evaluation_number: u32,
    /// Periods of all items of collateral, and the PCEID in the TCB info.
    pub times: Times,
    /// When the first item of collateral expires, Unix seconds.
    pub expires: u64,
    /// PCEID in the PCK certificate.
    pub pck_pce_id: Vec<u8>,
    /// Family, model, stepping, platform, custom SKU of the platform.
    pub fmspc: [u8; 6],
}

/// Why a quote is not genuine, or could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenuineError {
    /// The chain of signatures and levels does not hold.
    #[error("{0}")]
    Refused(String),
    /// The collateral cannot be read.
    #[error(transparent)]
    Collateral(#[from] CollateralError),
}

/// Decides whether a quote is genuine under one root at one time.
pub trait QuoteVerifier {
    /// Verifies `quote` with `collateral` at `now` (Unix seconds) under the root certificate `root_der`.
    ///
    /// # Errors
    /// [`GenuineError`] when any signature, certificate, CRL or level does not hold.
    fn verify(
        &self,
        quote: &[u8],
        collateral: &Collateral,
        now: u64,
        root_der: &[u8],
    ) -> Result<QuoteClaims, GenuineError>;
}

/// dcap-qvl, with ring unless only RustCrypto was chosen.
#[derive(Debug, Clone, Copy, Default)]
pub struct DcapVerifier;

impl QuoteVerifier for DcapVerifier {
    fn verify(
        &self,
        quote: &[u8],
        collateral: &Collateral,
        now: u64,
        root_der: &[u8],
    ) -> Result<QuoteClaims, GenuineError> {
        let times = Times::of(collateral)?;
        let issued = times.tcb_info.issued.max(times.qe_identity.issued);
        let at = if issued > now && issued - now <= CLOCK_TOLERANCE_SECONDS { issued } else { now };
        let claims = dcap_qvl::verify::QuoteVerifier::<Backend>::new_with_config(root_der.to_vec())
            .verify_with_policy(quote, to_dcap(collateral), at, &dcap_qvl::QuotePolicy::claims_only(at))
            .map_err(|error| GenuineError::Refused(format!("{error:#}")))?;
        let mut statuses =
            vec![("platform", status(claims.tcb.status)), ("launch TCB", status(claims.platform.tcb_level.tcb_status))];
        let mut advisories = claims.tcb.advisory_ids;
        // The merged status does not say so when only the current TCB of a TD 1.5, or a lesser fault of the QE, is the problem.
        if let Some(level) = &claims.platform.current_tcb_level {
            statuses.push(("current TCB", status(level.tcb_status)));
            advisories.extend(level.advisory_ids.iter().cloned());
        }
        statuses.push(("quoting enclave", status(claims.qe.tcb_level.tcb_status)));
        advisories.sort();
        advisories.dedup();
        Ok(QuoteClaims {
            statuses,
            advisories,
            evaluation_number: claims.tcb.eval_data_number,
            times,
            expires: claims.earliest_expiration_date,
            pck_pce_id: claims.platform.pck.pce_id,
            fmspc: claims.platform.pck.fmspc,
        })
    }
}

fn status(status: dcap_qvl::TcbStatus) -> TcbStatus {
    match status {
        dcap_qvl::TcbStatus::UpToDate => TcbStatus::UpToDate,
        dcap_qvl::TcbStatus::SWHardeningNeeded => TcbStatus::SwHardeningNeeded,
        other => TcbStatus::Other(other.to_string()),
    }
}

fn to_dcap(collateral: &Collateral) -> dcap_qvl::QuoteCollateralV3 {
    let collateral = collateral.clone();
    dcap_qvl::QuoteCollateralV3 {
        pck_crl_issuer_chain: collateral.pck_crl_issuer_chain,
        root_ca_crl: collateral.root_ca_crl,
        pck_crl: collateral.pck_crl,
        tcb_info_issuer_chain: collateral.tcb_info_issuer_chain,
        tcb_info: collateral.tcb_info,
        tcb_info_signature: collateral.tcb_info_signature,
        qe_identity_issuer_chain: collateral.qe_identity_issuer_chain,
        qe_identity: collateral.qe_identity,
        qe_identity_signature: collateral.qe_identity_signature,
        pck_certificate_chain: collateral.pck_certificate_chain,
    }
}
