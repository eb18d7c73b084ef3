//! Payers that are contract accounts (EIP-1271). Their code answers anew at each execution, so that no simulation proves
//! what a block will show: each is asked as the transaction will be sent, and one that made the wallet pay for a reverted
//! transaction is refused for a day.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use alloy_primitives::{Address, Bytes, U64};
use tokio::time::Instant;

use super::{LocalFacilitator, MAX_SETTLE_GAS, fees::Fees};
use crate::{
    chain::{CallAsSent, RpcError, token},
    exact::{Authorized, Invalid, SignatureKind},
    facilitator::Unavailable,
};

/// How long an account is refused.
const REFUSED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Accounts that are remembered, count. Each has cost somebody a deployment; the oldest make room.
const MAX_REVERTERS: usize = 16_384;

/// Accounts that made the wallet pay for nothing.
#[derive(Default)]
pub(super) struct Reverters(Mutex<HashMap<Address, Instant>>);

impl Reverters {
    /// Refuses a contract account that is remembered.
    pub(super) fn check(&self, authorized: &Authorized) -> Result<(), Invalid> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = known.get(&authorized.payer()).is_some_and(|since| since.elapsed() < REFUSED_FOR);
        if refused && authorized.signature_kind() == SignatureKind::Contract {
            return Err(Invalid::AccountReverts);
        }
        Ok(())
    }

    fn remember(&self, account: Address, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_REVERTERS && !known.contains_key(&account) {
            known.retain(|_, since| now.saturating_duration_since(*since) < REFUSED_FOR);
            if known.len() >= MAX_REVERTERS
                && let Some(oldest) = known.iter().min_by_key(|(_, since)| **since).map(|(account, _)| *account)
            {
                known.remove(&oldest);
            }
        }
        known.insert(account, now);
    }
}

impl LocalFacilitator {
    /// Refuses contract accounts where they are not taken, and those that are refused for a time.
    pub(super) fn admit_account(&self, authorized: &Authorized) -> Result<(), Invalid> {
        if authorized.signature_kind() == SignatureKind::Contract && !self.options.contract_accounts {
            return Err(Invalid::ContractAccount);
        }
        self.reverters.check(authorized)
    }

    /// Remembers the payer of a transaction that was mined in vain, unless it is known to be no contract account.
    pub(super) async fn reverted(&self, payer: Address) {
        if !self.chain.rpc().code(payer).await.is_ok_and(|code| code.is_empty()) {
            self.reverters.remember(payer, Instant::now());
        }
    }

    /// Executes the transfer on the latest state without a transaction; for a contract account as it would be sent.
    pub(super) async fn simulate(&self, authorized: &Authorized) -> Result<(), Unavailable> {
        match authorized.signature_kind() {
            SignatureKind::Key => Ok(self.chain.simulate(authorized, self.wallet.address).await?),
            SignatureKind::Contract => {
                let fees = self.wallet.market().await?.offer(self.options.max_fee_per_gas)?;
                self.estimate_as_sent(&token::transfer_call(authorized), fees).await?;
                Ok(())
            }
        }
    }

    /// Gas of the call with sender, fees and gas limit of the transaction that would carry it. It is executed twice: the
    /// estimate tries several gas limits, and the account could tell them from the one of the transaction.
    pub(super) async fn estimate_as_sent(&self, input: &Bytes, fees: Fees) -> Result<u64, RpcError> {
        let (from, to) = (self.wallet.address, self.chain.asset().address);
        let call = |gas| CallAsSent { from, to, input, gas, fees: fees.members() };
        let gas = self.chain.rpc().estimate_as_sent(call(None)).await?;
        if gas <= MAX_SETTLE_GAS {
            let limit = (gas + gas / 4).min(MAX_SETTLE_GAS);
            self.chain.rpc().call_as_sent(call(Some(U64::from(limit)))).await?;
        }
        Ok(gas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_accounts_that_revert_is_bounded_and_forgets_the_oldest() {
        let (reverters, start) = (Reverters::default(), Instant::now());
        let account = |number: usize| Address::left_padding_from(&number.to_be_bytes());
        for number in 0..=MAX_REVERTERS {
            reverters.remember(account(number), start + Duration::from_millis(number as u64));
        }
        let known = reverters.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(known.len(), MAX_REVERTERS);
        assert!(!known.contains_key(&account(0)) && known.contains_key(&account(MAX_REVERTERS)));
    }
}
