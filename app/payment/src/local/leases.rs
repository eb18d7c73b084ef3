//! Leases of account nonces, for processes that share one wallet.

use std::time::Duration;

use async_trait::async_trait;

/// The register of leases cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the register of the wallet's nonces does not answer")]
pub struct LeaseError;

/// The register of who uses which account nonce of the wallet. A holder that is gone loses its nonces with time.
#[async_trait]
pub trait NonceLeases: Send + Sync {
    /// Takes `nonce` for `time`, or keeps it for longer. `false` if another process has it.
    async fn lease(&self, nonce: u64, time: Duration) -> Result<bool, LeaseError>;

    /// Gives `nonce` back.
    async fn release(&self, nonce: u64);
}

/// The register of a wallet that one process uses: every nonce is its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoleOwner;

#[async_trait]
impl NonceLeases for SoleOwner {
    async fn lease(&self, _: u64, _: Duration) -> Result<bool, LeaseError> {
        Ok(true)
    }

    async fn release(&self, _: u64) {}
}
