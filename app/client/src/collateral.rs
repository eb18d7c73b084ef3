//! Collateral of the verifier's own. What Intel publishes is signed by Intel, so that it can come from the judged service; but only who
//! asks Intel, or a cache of its own choice, learns what the service would rather keep: that a platform was revoked since.

use std::path::Path;

use precis_protocol::attestation::Collateral;
use precis_protocol::evidence_file::OwnCollateral;
use precis_protocol::limits::MAX_EVIDENCE_FILE_BYTES;
use precis_rofl::CollateralSource;
use precis_verify::{Policy, quote_of};

use crate::error::ClientError;
use crate::text::printable;

/// Fetches today's collateral for the quote in `attestation` from the PCS API at `url`. Only the platform's family and CA are sent.
///
/// # Errors
/// [`ClientError::Unavailable`] when the service does not have it, [`ClientError::CannotVerify`] when the evidence names no platform.
pub async fn fetch_collateral(attestation: &[u8], policy: &Policy, url: &str) -> Result<OwnCollateral, ClientError> {
    let quote = quote_of(attestation, policy)
        .map_err(|error| ClientError::CannotVerify(format!("collateral cannot be asked for: {error}")))?;
    let unavailable = |error: &dyn std::fmt::Display| {
        ClientError::Unavailable(format!(
            "the collateral service gave nothing ({}); try again, or give another",
            printable(&error.to_string())
        ))
    };
    let http = precis_rofl::http_client().map_err(|error| unavailable(&error))?;
    let collateral = CollateralSource::new(url).fetch(&http, &quote).await.map_err(|error| unavailable(&error))?;
    Ok(OwnCollateral { source: url.to_owned(), collateral: Box::new(collateral) })
}

/// Reads collateral from a file: JSON with the members of SPEC 3.1, in any writing of it.
///
/// # Errors
/// [`ClientError::Input`] when the bytes are no collateral.
pub fn read_collateral(bytes: &[u8], path: &Path) -> Result<OwnCollateral, ClientError> {
    let collateral: Collateral = precis_protocol::strict::from_slice(bytes, MAX_EVIDENCE_FILE_BYTES)
        .map_err(|error| ClientError::Input(format!("{} holds no collateral: {error}", path.display())))?;
    Ok(OwnCollateral { source: path.display().to_string(), collateral: Box::new(collateral.canonical()) })
}
