//! What a verdict of the chain means: for who wants to pay, and for a settlement that was begun.

use std::time::Duration;

use alloy_primitives::B256;
use tokio::time::Instant;

use crate::{
    chain::{ChainView, Diagnosis, Paid, Reconciled, RpcError},
    exact::{Invalid, Transfer},
    facilitator::{Settlement, Standing, VerifyError},
};

/// Wait between two looks at a payment that is not deep enough yet.
const DEPTH_POLL: Duration = Duration::from_millis(500);

/// How many blocks must show a settlement, and how long they are waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Depth {
    /// Blocks, its own included: 1 (or 0) is the block itself.
    pub confirmations: u64,
    /// Longest wait.
    pub timeout: Duration,
}

impl Diagnosis {
    /// The same as an answer to who wants to pay with it.
    pub(crate) const fn standing(self) -> Result<Standing, VerifyError> {
        match self {
            Self::Payable => Ok(Standing::Payable),
            Self::Refused(reason) => Err(VerifyError::Invalid(reason)),
            Self::Ended(Reconciled::PaidUs(paid)) => Ok(Standing::Paid(paid)),
            // It does not count, and nobody may say that nothing was charged.
            Self::Ended(Reconciled::SpentElsewhere(spent)) if spent.perhaps_paid => {
                Err(VerifyError::Unknown(RpcError::HistoryTooLong))
            }
            Self::Ended(Reconciled::SpentElsewhere(_) | Reconciled::Cancelled(_)) => {
                Err(VerifyError::Invalid(Invalid::NonceUsed))
            }
            Self::Ended(Reconciled::Expired(_)) => Err(VerifyError::Invalid(Invalid::ExpiresTooSoon)),
            // `diagnose` goes on from there; alone it tells nothing.
            Self::Ended(Reconciled::Unspent(_)) => Err(VerifyError::Unknown(RpcError::Contradicted)),
            Self::Ended(Reconciled::Unknown(why)) => Err(VerifyError::Unknown(why)),
        }
    }
}

impl ChainView {
    /// The settlement that a verdict amounts to, once it is deep enough; `transaction` is one of ours that did not pay. A
    /// payment that vanishes from the chain meanwhile is unknown again.
    pub(crate) async fn conclude(
        &self,
        transfer: &Transfer,
        verdict: Reconciled,
        transaction: Option<B256>,
        depth: Depth,
    ) -> Settlement {
        match verdict {
            Reconciled::PaidUs(paid) => self.deepened(transfer, paid, depth).await,
            Reconciled::SpentElsewhere(spent) | Reconciled::Cancelled(spent) => {
                match self.is_deep(spent.block, depth.confirmations).await {
                    Ok(true) => Settlement::Rejected { reason: Invalid::NonceUsed, transaction },
                    Ok(false) | Err(_) => Settlement::Unknown { transaction },
                }
            }
            Reconciled::Expired(_) => Settlement::Rejected { reason: Invalid::ExpiresTooSoon, transaction },
            Reconciled::Unspent(_) | Reconciled::Unknown(_) => Settlement::Unknown { transaction },
        }
    }

    async fn deepened(&self, transfer: &Transfer, paid: Paid, depth: Depth) -> Settlement {
        let deadline = Instant::now() + depth.timeout;
        let mut seen = Some(paid);
        loop {
            if let Some(paid) = seen
                && self.is_deep(paid.block, depth.confirmations).await.unwrap_or(false)
            {
                return Settlement::Settled(paid);
            }
            if Instant::now() + DEPTH_POLL > deadline {
                return Settlement::Unknown { transaction: Some(paid.transaction) };
            }
            tokio::time::sleep(DEPTH_POLL).await;
            seen = self.paid_by(paid.transaction, transfer).await.unwrap_or(None);
        }
    }
}
