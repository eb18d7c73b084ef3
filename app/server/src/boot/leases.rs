//! Account nonces of the enclave wallet, leased in the ledger: where several replicas share a ledger they share the wallet,
//! and no two of them send with one nonce.
//!
//! A lease is a hold ([`Ledger::hold`]) on a key that no payment can have. A replica that is gone loses its nonces with time.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use async_trait::async_trait;
use precis_payment::Network;
use precis_payment::local::{LeaseError, NonceLeases};
use precis_store::{Authorization, ClaimKey, Hold, Holder, Ledger};

/// Stands where a payment has its network. No CAIP-2 network begins so.
const PREFIX: &str = "wallet-nonce/";

/// Leases of one wallet on one chain, for one process.
pub(super) struct LedgerLeases {
    ledger: Arc<dyn Ledger>,
    holder: Holder,
    network: String,
    wallet: Address,
}

impl LedgerLeases {
    /// `holder` names this process.
    pub(super) fn new(ledger: Arc<dyn Ledger>, holder: Holder, network: Network, wallet: Address) -> Self {
        Self { ledger, holder, network: format!("{PREFIX}{network}"), wallet }
    }

    fn key(&self, nonce: u64) -> ClaimKey {
        let reserved = Authorization {
            network: self.network.clone(),
            asset: [0; 20],
            pay_to: [0; 20],
            amount: 0,
            payer: self.wallet.into(),
            nonce: B256::from(U256::from(nonce)).into(),
            valid_before: 0,
        };
        reserved.claim_key()
    }
}

#[async_trait]
impl NonceLeases for LedgerLeases {
    async fn lease(&self, nonce: u64, time: Duration) -> Result<bool, LeaseError> {
        match self.ledger.hold(&self.key(nonce), &self.holder, time).await {
            Ok(hold) => Ok(hold == Hold::Ours),
            Err(why) => {
                tracing::warn!(event = "wallet.not_leased", why = %why);
                Err(LeaseError)
            }
        }
    }

    async fn release(&self, nonce: u64) {
        // It lapses by itself.
        if let Err(why) = self.ledger.release(&self.key(nonce), &self.holder).await {
            tracing::warn!(event = "wallet.not_released", why = %why);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use precis_store::{EmbeddedLedger, SealingKey};

    use super::*;

    #[tokio::test]
    async fn a_nonce_is_leased_to_one_process_and_falls_to_another_when_given_back() {
        let dir = tempfile::tempdir().unwrap();
        let key = SealingKey::new([7; 32]);
        let ledger: Arc<dyn Ledger> = Arc::new(EmbeddedLedger::open(&dir.path().join("ledger"), key).await.unwrap());
        let of = |holder: u8, wallet: u8| {
            LedgerLeases::new(Arc::clone(&ledger), [holder; 16], Network::BASE, Address::repeat_byte(wallet))
        };
        let (one, two, other_wallet) = (of(1, 9), of(2, 9), of(2, 8));
        let time = Duration::from_secs(60);
        assert_eq!(one.lease(5, time).await, Ok(true));
        assert_eq!(two.lease(5, time).await, Ok(false));
        assert_eq!((two.lease(6, time).await, other_wallet.lease(5, time).await), (Ok(true), Ok(true)));
        two.release(5).await;
        assert_eq!(two.lease(5, time).await, Ok(false), "it is not theirs to give back");
        one.release(5).await;
        assert_eq!(two.lease(5, time).await, Ok(true));
    }
}
