//! What is appraised: what a service presented, what the caller knows besides, and how fresh it must be.

use precis_protocol::attestation::Collateral;

use crate::app_state::AppState;
use crate::online::{ChainBlock, Online};

/// What a service presented, and what the caller knows besides.
#[derive(Debug, Clone, Copy, Default)]
pub struct Presented<'a> {
    /// The attestation document, exact bytes.
    pub attestation: &'a [u8],
    /// The nonce that was sent; without it the verdict is INCOMPLETE.
    pub nonce: Option<[u8; 32]>,
    /// The OHTTP key configuration that the client fetched or uses, bare or as an `application/ohttp-keys` list of one.
    pub ohttp_config: Option<&'a [u8]>,
    /// The chain's current epoch.
    pub epoch: Online<'a, u64>,
    /// What the chain has of the app and of this instance.
    pub app: Online<'a, &'a AppState>,
    /// What the payment chain has at the height that the challenge names.
    pub block: Online<'a, Option<ChainBlock>>,
    /// The TLS key that plain requests would travel to, DER of its SubjectPublicKeyInfo; none if they travel encrypted.
    pub tls_key: Option<&'a [u8]>,
    /// Collateral of the caller's own, in the place of what the service presented.
    pub collateral: Option<&'a Collateral>,
}

/// Whether the attestation answers a caller now, or is kept beside a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Nonce and age of the challenge count.
    Live,
    /// Whoever kept it sent the nonce; it was fresh for them.
    Archived {
        /// Intel's word of later than what was signed applies, up to the caller's time (Unix seconds). Without, the evidence is judged
        /// as at the time of what was signed.
        later: Option<u64>,
    },
}
