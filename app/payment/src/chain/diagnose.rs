//! Why a payment does not settle: every question at one block, and an answer only where that block gives one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy_primitives::{Address, B256, U256};
use tokio::time::Instant;

use super::{ChainView, Pinned, Reconciled, RpcError, reconcile::MAX_FREE_LOG_WINDOWS};
use crate::{
    chain::FRONT_RUN_WINDOW_SECONDS,
    exact::{Authorized, Invalid, SignatureKind},
    facilitator::{Standing, VerifyError},
};

/// Judgements that are remembered.
const MAX_REMEMBERED: usize = 1_024;
/// How long it is remembered that an authorization ended without paying us.
const ENDED_MEMORY: Duration = Duration::from_secs(60);
/// How long it is remembered that the node could not tell: half as long as callers are told to wait.
const UNKNOWN_MEMORY: Duration = Duration::from_secs(1);

/// Why a transfer reverts, as one block shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Diagnosis {
    /// The authorization has ended, or nobody can tell.
    Ended(Reconciled),
    /// It would settle after that block.
    Payable,
    /// It is unspent after that block, and the token would not carry it out.
    Refused(Invalid),
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

    /// How long the same question gets the same answer, at whatever time it is asked: a payment counts only for a while.
    const fn memory(self) -> Option<Duration> {
        match self {
            Self::Ended(Reconciled::SpentElsewhere(_) | Reconciled::Cancelled(_) | Reconciled::Expired(_)) => {
                Some(ENDED_MEMORY)
            }
            Self::Ended(Reconciled::Unknown(RpcError::NotIndexed | RpcError::HistoryTooLong)) => Some(UNKNOWN_MEMORY),
            _ => None,
        }
    }
}

/// What was found out shortly before about payments that nobody has claimed. Bounded; shared by every view of one chain.
#[derive(Clone, Default)]
pub(super) struct Remembered(Arc<Mutex<HashMap<B256, (Diagnosis, Instant)>>>);

impl Remembered {
    fn get(&self, key: &B256) -> Option<Diagnosis> {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(key).filter(|(_, until)| Instant::now() < *until).map(|(diagnosis, _)| *diagnosis)
    }

    fn put(&self, key: B256, diagnosis: Diagnosis) {
        let Some(memory) = diagnosis.memory() else { return };
        let now = Instant::now();
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.retain(|_, (_, until)| now < *until);
        }
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(key, (diagnosis, now + memory));
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded_and_forgotten_in_time() {
        let (remembered, unknown) =
            (Remembered::default(), Diagnosis::Ended(Reconciled::Unknown(RpcError::NotIndexed)));
        let name = |number: usize| B256::from(U256::from(number));
        remembered.put(name(1), unknown);
        assert_eq!(remembered.get(&name(1)), Some(unknown));
        tokio::time::advance(UNKNOWN_MEMORY).await;
        assert_eq!(remembered.get(&name(1)), None, "the node is asked again");
        remembered.put(name(2), Diagnosis::Refused(Invalid::InsufficientFunds));
        assert_eq!(remembered.get(&name(2)), None, "it may have changed");
        (0..3 * MAX_REMEMBERED).for_each(|number| remembered.put(name(number), unknown));
        assert!(remembered.0.lock().is_ok_and(|kept| kept.len() <= MAX_REMEMBERED));
    }
}
