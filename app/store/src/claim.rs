//! What is claimed: one payment authorization, once.

use std::fmt;

/// The authorization a job is paid with, as far as the ledger needs it. Bytes, not text, so that the letter case of an address
/// cannot make two claims of one authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// CAIP-2 network, for example `eip155:8453`.
    pub network: String,
    /// Token contract.
    pub asset: [u8; 20],
    /// Who is paid.
    pub pay_to: [u8; 20],
    /// Amount in atomic units.
    pub amount: u128,
    /// Who pays.
    pub payer: [u8; 20],
    /// EIP-3009 nonce.
    pub nonce: [u8; 32],
    /// Unix seconds after which the authorization is void (EIP-3009 `validBefore`).
    pub valid_before: u64,
}

impl Authorization {
    /// The claim key (SPEC 6.4). Amount and payee are not part of it: the chain spends a nonce once, whatever it is spent on.
    #[must_use]
    pub fn claim_key(&self) -> ClaimKey {
        ClaimKey(precis_protocol::job::claim_key(&self.network, &self.asset, &self.payer, &self.nonce))
    }
}

/// SHA-256 over network, asset, payer and nonce, each behind its length (u64, big-endian).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClaimKey([u8; 32]);

impl ClaimKey {
    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ClaimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimKey(")?;
        for byte in &self.0[..8] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("…)")
    }
}

/// A job's public name: 16 random bytes, 32 hex digits on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(pub [u8; 16]);
