//! Handing one transaction to the node. Sending the same bytes again is harmless: they have one hash and one account
//! nonce.

use std::time::Duration;

use tokio::time::Instant;

use super::{LocalFacilitator, sent::Sent};
use crate::{
    chain::RpcError,
    facilitator::{SignedTransaction, Unavailable},
};

/// Attempts to hand a transaction to the node before its receipt is looked for anyway.
const SEND_ATTEMPTS: u32 = 3;
/// Wait between two attempts.
const SEND_PAUSE: Duration = Duration::from_millis(300);

impl LocalFacilitator {
    /// Hands the transaction to the node.
    pub(super) async fn send(&self, transaction: &SignedTransaction) -> Sent {
        let mut perhaps = false;
        for attempt in 0..SEND_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(SEND_PAUSE).await;
            }
            match self.chain.rpc().send_raw(&transaction.raw).await {
                Ok(()) | Err(RpcError::AlreadyKnown) => return Sent::Accepted,
                Err(RpcError::NonceTooLow) => return Sent::NonceUsed,
                Err(RpcError::NotSent) => {}
                Err(RpcError::Lost | RpcError::Malformed) => perhaps = true,
                // An earlier attempt may have gone through, and this answer be about it.
                Err(_) if perhaps => return Sent::Perhaps,
                Err(RpcError::ReplacementUnderpriced) => return Sent::Rival,
                Err(RpcError::FeeTooLow) => return Sent::TooCheap,
                Err(error) => return Sent::Not(self.why_refused(error).await),
            }
        }
        if perhaps { Sent::Perhaps } else { Sent::Not(RpcError::NotSent.into()) }
    }

    /// As [`Self::send`], of a transaction that the keeper follows from now on. What does not arrive leaves its nonce.
    pub(super) async fn send_followed(&self, transaction: &SignedTransaction) -> Sent {
        let nonce = self.wallet.follow(transaction);
        let sent = self.send(transaction).await;
        let (Some(nonce), hash, now) = (nonce, transaction.hash, Instant::now()) else { return sent };
        let mut nonces = self.wallet.nonces();
        match sent {
            Sent::Accepted | Sent::Perhaps | Sent::NonceUsed => {}
            Sent::Rival => nonces.lost(nonce, hash, now),
            Sent::TooCheap | Sent::Not(_) => nonces.not_sent(nonce, hash, now),
        }
        sent
    }

    /// A node refuses mostly because the wallet is empty; only then the operator can help.
    async fn why_refused(&self, error: RpcError) -> Unavailable {
        match self.chain.rpc().balance(self.wallet.address).await {
            Ok(balance) if balance.is_zero() => Unavailable::NoGas,
            _ => error.into(),
        }
    }
}
