//! The in-process facilitator: a wallet of this service submits the payers' authorizations and pays the gas.
//!
//! Guarantees: broadcasts of one wallet leave one after another, each with the next account nonce; every transfer is
//! simulated before it is signed; a settlement counts only when a block shows success, the use of the authorization and
//! the transfer of exactly the amount to the payee; gas per transaction and its price are capped. A transaction that
//! waits for too long is replaced by the same call for more: whichever is mined, the authorization works only once.

mod fees;
mod follow;
mod send;
mod transaction;
mod turn;

use std::{sync::Arc, time::Duration};

use alloy_primitives::{Address, U256};
use async_trait::async_trait;
use k256::ecdsa::SigningKey;
use tokio::{sync::Mutex, time::Instant};

use crate::{
    authorize::address_of,
    chain::{Asset, ChainView, Reconciled, RpcError, token},
    exact::{Authorized, Invalid, Transfer},
    facilitator::{Facilitator, Prepared, Settlement, SignedTransaction, Standing, Unavailable, VerifyError},
};
use send::Sent;
use transaction::{Body, Call};
pub use turn::Turn;

/// Most gas that one settlement may use. A transfer of USDC needs about 80 000 to 100 000; a contract account's check of
/// its signature comes on top, at our expense.
pub const MAX_SETTLE_GAS: u64 = 400_000;

/// Limits of a [`LocalFacilitator`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocalOptions {
    /// How long a broadcast waits for its block.
    pub confirm_timeout: Duration,
    /// Most that one unit of gas may cost, in wei.
    pub max_fee_per_gas: u128,
    /// How long a transaction waits for its block before the same call is offered for more, and again after as long. The
    /// whole wait stays within `confirm_timeout`.
    pub replace_after: Duration,
    /// Blocks that must show a settlement, its own included: 1 (or 0) is the block itself.
    pub confirmations: u64,
}

impl Default for LocalOptions {
    /// 20 seconds (ten Base blocks); 100 gwei; 8 seconds; one block.
    fn default() -> Self {
        Self {
            confirm_timeout: Duration::from_secs(20),
            max_fee_per_gas: 100_000_000_000,
            replace_after: Duration::from_secs(8),
            confirmations: 1,
        }
    }
}

/// Settles with a wallet of this process.
pub struct LocalFacilitator {
    chain: ChainView,
    key: SigningKey,
    address: Address,
    options: LocalOptions,
    turn: Arc<Mutex<Turn>>,
}

impl LocalFacilitator {
    /// A facilitator for the token of `chain`, whose transactions `key` signs and pays for.
    pub fn new(chain: ChainView, key: SigningKey, options: LocalOptions) -> Self {
        let address = address_of(&key);
        Self { chain, key, address, options, turn: Arc::default() }
    }

    /// The wallet that pays for gas.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// The chain it settles on.
    pub const fn chain(&self) -> &ChainView {
        &self.chain
    }

    /// What to answer when the transfer reverts in simulation.
    async fn refused(&self, authorized: &Authorized) -> Settlement {
        match self.chain.diagnose(authorized).await {
            Ok(Standing::Paid(paid)) => self.settled(authorized.transfer(), paid).await,
            // The chain moved on between simulation and diagnosis.
            Ok(Standing::Payable) => Settlement::Deferred(Unavailable::Chain(RpcError::Reverted)),
            Err(VerifyError::Invalid(reason)) => Settlement::Rejected { reason, transaction: None },
            Err(VerifyError::Unavailable(cause)) => Settlement::Deferred(cause),
        }
    }
}

#[async_trait]
impl Facilitator for LocalFacilitator {
    async fn verify(&self, authorized: &Authorized) -> Result<Standing, VerifyError> {
        self.chain.check_account(authorized).await?;
        match self.chain.simulate(authorized, self.address).await {
            Ok(()) => Ok(Standing::Payable),
            Err(RpcError::Reverted) => {
                let standing = self.chain.diagnose(authorized).await?;
                self.chain.vouched(authorized, standing).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn prepare(&self, authorized: &Authorized) -> Result<Prepared, Settlement> {
        let deferred = |cause: RpcError| Settlement::Deferred(cause.into());
        let input = token::transfer_call(authorized);
        // The estimate executes the transfer: it is the simulation, and the fees can be asked for meanwhile.
        let (gas, fees) = tokio::join!(
            self.chain.rpc().estimate_gas(self.address, self.chain.asset().address, &input),
            fees::quote(self.chain.rpc(), self.options.max_fee_per_gas),
        );
        let gas = match gas {
            Ok(gas) if gas > MAX_SETTLE_GAS => {
                return Err(Settlement::Rejected { reason: Invalid::TooMuchGas, transaction: None });
            }
            // Room for storage that other transfers touch first, up to the cap.
            Ok(gas) => (gas + gas / 4).min(MAX_SETTLE_GAS),
            Err(RpcError::Reverted) => return Err(self.refused(authorized).await),
            Err(error) => return Err(deferred(error)),
        };
        let fees = fees.map_err(Settlement::Deferred)?;
        let turn = tokio::time::timeout(self.options.confirm_timeout, self.turn.clone().lock_owned()).await;
        let mut turn = turn.map_err(|_| Settlement::Deferred(Unavailable::Busy))?;
        let pending = self.chain.rpc().pending_nonce(self.address).await.map_err(deferred)?;
        let nonce = turn.nonce(pending, Instant::now());
        let Asset { network, address: to, .. } = *self.chain.asset();
        let call = Call { chain_id: network.chain_id(), to, input, gas_limit: gas, nonce };
        let transaction = Body::new(call, fees).sign(&self.key).ok_or(Settlement::Deferred(Unavailable::Signing))?;
        Ok(Prepared { transaction: Some(transaction), turn: Some((turn, nonce)) })
    }

    async fn broadcast(&self, authorized: &Authorized, prepared: Prepared) -> Settlement {
        let Prepared { transaction: Some(transaction), turn: Some((mut turn, nonce)) } = prepared else {
            return Settlement::Deferred(Unavailable::Signing);
        };
        let sent = self.send(&transaction).await;
        turn.used(nonce, sent == Sent::Accepted, Instant::now());
        drop(turn);
        match sent {
            // It never left, so nothing has to be waited for.
            Sent::Rival => return Settlement::Deferred(Unavailable::Displaced),
            Sent::TooCheap => return Settlement::Deferred(RpcError::FeeTooLow.into()),
            Sent::Accepted | Sent::Perhaps | Sent::NonceUsed | Sent::Not(_) => {}
        }
        match self.follow(authorized.transfer(), &transaction, sent, authorized.verified_at()).await {
            // A transfer that reverted although nobody used the authorization: name the reason.
            Settlement::Rejected { reason: Invalid::Transaction, transaction } => {
                match self.refused(authorized).await {
                    Settlement::Rejected { reason, .. } => Settlement::Rejected { reason, transaction },
                    Settlement::Deferred(_) => Settlement::Rejected { reason: Invalid::Transaction, transaction },
                    other => other,
                }
            }
            other => other,
        }
    }

    async fn resume(&self, transfer: &Transfer, stored: Option<&SignedTransaction>, since: u64) -> Settlement {
        let hash = stored.map(|stored| stored.hash);
        let unknown = Settlement::Unknown { transaction: hash };
        // The time first: a use in a block after it would otherwise look like none until too late.
        let Ok(block) = self.chain.recent_block().await else { return unknown };
        match self.reconcile(transfer, since).await {
            Ok(Reconciled::Unspent) if U256::from(block.timestamp) >= transfer.valid_before => {
                return Settlement::Rejected { reason: Invalid::ExpiresTooSoon, transaction: hash };
            }
            Ok(Reconciled::Unspent) => {}
            Ok(ended) => return self.ended(transfer, ended, hash).await,
            Err(_) => return unknown,
        }
        let Some(stored) = stored else { return Settlement::Deferred(Unavailable::Displaced) };
        match self.send(stored).await {
            // It may have left before this process began.
            Sent::Not(_) => unknown,
            sent => self.follow(transfer, stored, sent, since).await,
        }
    }

    async fn ready(&self) -> Result<(), Unavailable> {
        let rpc = self.chain.rpc();
        if rpc.chain_id().await? != self.chain.asset().network.chain_id() {
            return Err(Unavailable::WrongChain);
        }
        let (fees, balance) = tokio::join!(fees::quote(rpc, self.options.max_fee_per_gas), rpc.balance(self.address));
        let needed = U256::from(fees?.most_per_gas()).saturating_mul(U256::from(MAX_SETTLE_GAS));
        if balance? < needed { Err(Unavailable::NoGas) } else { Ok(()) }
    }
}
