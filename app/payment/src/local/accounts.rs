//! Payers that are contract accounts (EIP-1271). Their code answers anew at each execution, so that no simulation proves
//! what a block will show: each is asked as the transaction will be sent, and one that made the wallet pay for a reverted
//! transaction is refused for a day.

use alloy_primitives::{Address, Bytes, U64};
use tokio::time::Instant;

use super::{LocalFacilitator, fees::Fees, options::MAX_SETTLE_GAS};
use crate::{
    chain::{CallAsSent, RpcError, token},
    exact::{Authorized, Invalid, SignatureKind},
    facilitator::Unavailable,
};

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
