//! The in-process facilitator: a wallet of this service submits the payers' authorizations and pays the gas.
//!
//! Guarantees: each transaction has an account nonce of its own ([`wallet`]) and several are under way side by side; every
//! transfer is simulated before it is signed; a settlement counts only when a block shows success, the use of the
//! authorization and the transfer of exactly the amount to the payee; gas per transaction and its price are capped. A
//! transaction that waits for too long is replaced by the same call for more, also after its caller has gone: whichever is
//! mined, the authorization works only once.

mod accounts;
mod fees;
mod follow;
mod keeper;
mod leases;
mod nonces;
mod options;
mod reverters;
mod send;
mod sent;
mod transaction;
mod wallet;

use std::sync::Arc;

use alloy_primitives::{Address, U256};
use async_trait::async_trait;
use k256::ecdsa::SigningKey;
use tokio::task::JoinHandle;

use crate::{
    AtomicUnits,
    chain::{Asset, ChainView, Diagnosis, Outcome, Reconciled, RpcError, token},
    conclude::Depth,
    exact::{Authorized, Invalid, SignatureKind, Transfer},
    facilitator::{Facilitator, Prepared, Settlement, SignedTransaction, Standing, Unavailable, VerifyError},
};
pub use fees::{GasBudget, SETTLEMENT_GAS};
pub use leases::{LeaseError, NonceLeases, SoleOwner};
pub use nonces::{MAX_IN_FLIGHT, MAX_WORK};
pub use options::{LocalOptions, MAX_SETTLE_GAS};
use reverters::Reverters;
use sent::Sent;
use transaction::{Body, Call};
use wallet::Wallet;

/// Settles with a wallet of this process.
pub struct LocalFacilitator {
    chain: ChainView,
    wallet: Arc<Wallet>,
    options: LocalOptions,
    reverters: Reverters,
    keeper: JoinHandle<()>,
}

impl Drop for LocalFacilitator {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl LocalFacilitator {
    /// A facilitator for the token of `chain`, whose transactions `key` signs and pays for, and which nobody else uses.
    /// Needs a runtime: what is sent is followed in the background.
    pub fn new(chain: ChainView, key: SigningKey, options: LocalOptions) -> Self {
        Self::sharing(chain, key, options, Arc::new(SoleOwner))
    }

    /// As [`Self::new`], for a wallet that other processes use, too: `leases` says which nonces are theirs.
    pub fn sharing(chain: ChainView, key: SigningKey, options: LocalOptions, leases: Arc<dyn NonceLeases>) -> Self {
        let chain_id = chain.asset().network.chain_id();
        let wallet = Arc::new(Wallet::new(chain.rpc().clone(), chain_id, key, options, leases));
        let keeper = tokio::spawn(keeper::keep(Arc::downgrade(&wallet)));
        Self { chain, wallet, options, reverters: Reverters::default(), keeper }
    }

    /// Follows a transaction that an earlier life stored, or a replica that is gone, until it is mined.
    pub fn adopt(&self, stored: &SignedTransaction) {
        self.wallet.follow(stored);
    }

    /// The wallet that pays for gas.
    pub fn address(&self) -> Address {
        self.wallet.address
    }

    /// The chain it settles on.
    pub const fn chain(&self) -> &ChainView {
        &self.chain
    }

    /// What to answer when the transfer reverts in simulation: a refusal only for a reason that a block shows.
    async fn refused(&self, authorized: &Authorized) -> Settlement {
        match self.chain.diagnose(authorized, self.wallet.address).await {
            Diagnosis::Ended(ended) => self.chain.conclude(authorized.transfer(), ended, None, self.depth()).await,
            // The chain moved on between simulation and diagnosis.
            Diagnosis::Payable => Settlement::Deferred(Unavailable::Chain(RpcError::Reverted)),
            Diagnosis::Refused(reason) => Settlement::Rejected { reason, transaction: None },
        }
    }

    /// The settlement of an authorization that has ended, or of which nobody can tell; none if it can still be used.
    async fn already(&self, transfer: &Transfer, stored: Option<&SignedTransaction>, since: u64) -> Option<Settlement> {
        let hash = stored.map(|stored| stored.hash);
        // Its receipt may be there before the events are indexed.
        let paid = match hash {
            Some(hash) => self.chain.outcome(hash, transfer).await.unwrap_or(None),
            None => None,
        };
        let verdict = match paid {
            Some(Outcome::Paid(paid)) => Reconciled::PaidUs(paid),
            Some(Outcome::Failed { .. }) | None => self.reconcile(transfer, since).await,
        };
        match verdict {
            Reconciled::Unspent(_) => None,
            ended => Some(self.chain.conclude(transfer, ended, hash, self.depth()).await),
        }
    }

    const fn depth(&self) -> Depth {
        Depth { confirmations: self.options.confirmations, timeout: self.options.confirm_timeout }
    }

    /// Whether the transfer would be carried out now; for a contract account as it would be sent.
    async fn would_settle(&self, authorized: &Authorized) -> Result<bool, VerifyError> {
        match authorized.signature_kind() {
            SignatureKind::Key => Ok(self.chain.is_payable(authorized, self.wallet.address).await?),
            SignatureKind::Contract => match self.simulate(authorized).await {
                Ok(()) => Ok(true),
                Err(Unavailable::Chain(RpcError::Reverted)) => Ok(false),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// The call that moves the money, simulated as it will be sent.
    async fn call(&self, authorized: &Authorized) -> Result<(Call, fees::Fees), Settlement> {
        let deferred = |cause: RpcError| Settlement::Deferred(cause.into());
        let Asset { network, address: to, .. } = *self.chain.asset();
        let input = token::transfer_call(authorized);
        let cap = self.options.max_fee_per_gas;
        let offer = async { self.wallet.market().await.and_then(|market| market.offer(cap)) };
        // The estimate executes the transfer: it is the simulation, and the rest can be asked for meanwhile.
        let (gas, fees, seen) = match authorized.signature_kind() {
            SignatureKind::Key => tokio::join!(
                self.chain.rpc().estimate_gas(self.wallet.address, to, &input),
                offer,
                self.wallet.glance(),
            ),
            // A contract can answer by the price of gas, so that price is part of the question.
            SignatureKind::Contract => {
                let (fees, seen) = tokio::join!(offer, self.wallet.glance());
                let fees = fees.map_err(Settlement::Deferred)?;
                (self.estimate_as_sent(&input, fees).await, Ok(fees), seen)
            }
        };
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
        seen.map_err(deferred)?;
        Ok((Call { chain_id: network.chain_id(), to, input, gas_limit: gas, nonce: 0 }, fees))
    }
}

#[async_trait]
impl Facilitator for LocalFacilitator {
    async fn verify(&self, authorized: &Authorized) -> Result<Standing, VerifyError> {
        // A refusal says that nothing was charged. It rests on the chain, too: somebody else may have submitted the payment.
        let account = match self.chain.check_account(authorized).await {
            Err(VerifyError::Invalid(reason)) => Err(reason),
            checked => Ok(checked?),
        };
        if let Err(reason) = account.and_then(|()| self.admit_account(authorized)) {
            return match self.chain.diagnose_unclaimed(authorized, self.wallet.address).await {
                Diagnosis::Payable | Diagnosis::Refused(_) => Err(reason.into()),
                ended => self.chain.vouched(authorized, ended.standing()?).await,
            };
        }
        let standing = match self.chain.remembered(authorized) {
            Some(known) => known.standing()?,
            None if self.would_settle(authorized).await? => return Ok(Standing::Payable),
            None => self.chain.diagnose_unclaimed(authorized, self.wallet.address).await.standing()?,
        };
        self.chain.vouched(authorized, standing).await
    }

    async fn prepare(&self, authorized: &Authorized) -> Result<Prepared, Settlement> {
        self.reverters.check(authorized).map_err(|reason| Settlement::Rejected { reason, transaction: None })?;
        let (call, fees) = self.call(authorized).await?;
        let reserved = self.wallet.reserve().await.map_err(Settlement::Deferred)?;
        let body = Body::new(Call { nonce: reserved.nonce(), ..call }, fees);
        let transaction = body.sign(&self.wallet.key).ok_or(Settlement::Deferred(Unavailable::Signing))?;
        Ok(Prepared { transaction: Some(transaction), reserved: Some(Box::new(reserved)) })
    }

    async fn broadcast(&self, authorized: &Authorized, prepared: Prepared) -> Settlement {
        let Prepared { transaction: Some(transaction), reserved: Some(reserved) } = prepared else {
            return Settlement::Deferred(Unavailable::Signing);
        };
        let sent = self.send_followed(&transaction).await;
        drop(reserved);
        match sent {
            // It never left, so nothing has to be waited for.
            Sent::Rival => return Settlement::Deferred(Unavailable::Displaced),
            Sent::TooCheap => return Settlement::Deferred(RpcError::FeeTooLow.into()),
            Sent::Accepted | Sent::Perhaps | Sent::NonceUsed | Sent::Not(_) => {}
        }
        let settlement = self.follow(authorized.transfer(), &transaction, sent, authorized.verified_at()).await;
        let Settlement::Rejected { reason, transaction: Some(hash) } = settlement else { return settlement };
        self.reverted(authorized.payer()).await;
        if reason != Invalid::Transaction {
            return settlement;
        }
        // A transfer that reverted although nobody used the authorization: name the reason.
        match self.refused(authorized).await {
            Settlement::Rejected { reason, .. } => Settlement::Rejected { reason, transaction: Some(hash) },
            Settlement::Unknown { .. } => Settlement::Unknown { transaction: Some(hash) },
            Settlement::Deferred(_) => settlement,
            other => other,
        }
    }

    async fn resume(&self, transfer: &Transfer, stored: Option<&SignedTransaction>, since: u64) -> Settlement {
        if let Some(settlement) = self.already(transfer, stored, since).await {
            return settlement;
        }
        let Some(stored) = stored else { return Settlement::Deferred(Unavailable::Displaced) };
        match self.send(stored).await {
            // It may have left before this process began.
            Sent::Not(_) => Settlement::Unknown { transaction: Some(stored.hash) },
            sent => {
                let followed = self.wallet.follow(stored);
                if let (Some(nonce), Sent::TooCheap) = (followed, sent) {
                    self.wallet.nonces().hurry(nonce, stored.hash);
                }
                let settlement = self.follow(transfer, stored, sent, since).await;
                if let Settlement::Rejected { transaction: Some(_), .. } = settlement {
                    self.reverted(transfer.from).await;
                }
                settlement
            }
        }
    }

    async fn ended(&self, transfer: &Transfer, stored: Option<&SignedTransaction>, since: u64) -> Settlement {
        let unknown = Settlement::Unknown { transaction: stored.map(|stored| stored.hash) };
        self.already(transfer, stored, since).await.unwrap_or(unknown)
    }

    async fn ready(&self) -> Result<(), Unavailable> {
        let rpc = self.chain.rpc();
        if rpc.chain_id().await? != self.chain.asset().network.chain_id() {
            return Err(Unavailable::WrongChain);
        }
        let (market, balance) = tokio::join!(self.wallet.market(), rpc.balance(self.wallet.address));
        let fees = market?.offer(self.options.max_fee_per_gas)?;
        let needed = U256::from(fees.most_per_gas()).saturating_mul(U256::from(MAX_SETTLE_GAS));
        if balance? < needed { Err(Unavailable::NoGas) } else { Ok(()) }
    }

    fn affordable(&self, price: AtomicUnits) -> Result<(), Unavailable> {
        let budget = self.options.budget.map_or(u128::MAX, |budget| budget.most_per_gas(price.get()));
        let most = budget.min(self.options.max_fee_per_gas);
        match self.wallet.price() {
            Some(now) if now > most => Err(Unavailable::GasPrice),
            _ => Ok(()),
        }
    }
}
