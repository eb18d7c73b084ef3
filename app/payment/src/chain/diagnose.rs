//! Why a payment does not settle: every question at one block, and an answer only where that block gives one.

use alloy_primitives::{Address, B256, U256};

use super::{
    ChainView, Diagnosis, Pinned, Reconciled, RpcError,
    reconcile::{FRONT_RUN_WINDOW_SECONDS, MAX_FREE_LOG_WINDOWS},
};
use crate::exact::{Authorized, Invalid, SignatureKind};

impl ChainView {
    /// What was found out about the payment shortly before, if it cannot have changed since or is not worth asking again.
    pub(crate) fn remembered(&self, authorized: &Authorized) -> Option<Diagnosis> {
        self.remembered.get(&self.name_of(authorized))
    }

    /// [`ChainView::diagnose`] for a payment that nobody has claimed: its answer is remembered for a while.
    pub(crate) async fn diagnose_unclaimed(&self, authorized: &Authorized, submitter: Address) -> Diagnosis {
        if let Some(known) = self.remembered(authorized) {
            return known;
        }
        let diagnosis = self.diagnose(authorized, submitter).await;
        self.remembered.put(self.name_of(authorized), diagnosis);
        diagnosis
    }

    /// Finds out why the transfer reverts when `submitter` sends it: it has paid us already, or the first reason that the
    /// state of one block shows.
    pub(crate) async fn diagnose(&self, authorized: &Authorized, submitter: Address) -> Diagnosis {
        let unknown = |why| Diagnosis::Ended(Reconciled::Unknown(why));
        let at = match self.pin().await {
            Ok(at) => at,
            Err(why) => return unknown(why),
        };
        let transfer = authorized.transfer();
        // The chain's clock bounds the host's: a clock that runs ahead must not shorten what is searched.
        let since = authorized.verified_at().min(at.timestamp).saturating_sub(FRONT_RUN_WINDOW_SECONDS);
        match self.reconcile_at(&at, transfer, since, MAX_FREE_LOG_WINDOWS).await {
            Reconciled::Unspent(_) => self.refusal(&at, authorized, submitter).await.unwrap_or_else(unknown),
            ended => Diagnosis::Ended(ended),
        }
    }

    /// Why an unspent authorization reverts after the pinned block.
    async fn refusal(&self, at: &Pinned, authorized: &Authorized, submitter: Address) -> Result<Diagnosis, RpcError> {
        let transfer = authorized.transfer();
        Ok(Diagnosis::Refused(if U256::from(at.timestamp) <= transfer.valid_after {
            Invalid::NotYetValid
        } else if self.balance_at(at, transfer.from).await? < transfer.value.get() {
            Invalid::InsufficientFunds
        } else if authorized.signature_kind() == SignatureKind::Contract {
            // It may answer otherwise to a call than to the transaction that was simulated.
            Invalid::Signature
        } else {
            match self.simulate_at(at, authorized, submitter).await {
                Ok(()) => return Ok(Diagnosis::Payable),
                Err(RpcError::Reverted) => Invalid::Transaction,
                Err(why) => return Err(why),
            }
        }))
    }

    fn name_of(&self, authorized: &Authorized) -> B256 {
        authorized.transfer().signing_hash(&self.asset.domain)
    }
}
