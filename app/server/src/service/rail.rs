//! One network that payments are taken on: its facilitator, its own view of the chain, and whether it can take payments now.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use alloy_primitives::Address;
use precis_payment::chain::ChainView;
use precis_payment::facilitator::{Facilitator, Unavailable};
use precis_payment::{AtomicUnits, Network};
use precis_protocol::challenge::Block;

use super::recent::Recent;
use crate::config::NetworkSettings;
use crate::error::{Class, Failure};

/// Facilitator, view of the chain, state.
pub struct Rail {
    /// Its settings.
    pub settings: NetworkSettings,
    /// Verifies and settles.
    pub facilitator: Arc<dyn Facilitator>,
    /// Reads the chain.
    pub chain: ChainView,
    /// Gets what is paid.
    pub payee: Address,
    /// Set once the chain was seen to have the configured token.
    checked: AtomicBool,
    state: RwLock<State>,
    block: Recent<Block>,
    time: Recent<u64>,
}

/// The latest findings.
struct State {
    /// Reason not to rely on the chain.
    chain: Option<String>,
    settlement: Settlement,
}

/// Ability to settle. Nothing is concluded from an answer that did not come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settlement {
    /// No answer yet.
    Unknown,
    Able,
    Unable(Unavailable),
}

impl Rail {
    /// Puts the parts together; `checked` if the chain was seen to have the configured token.
    pub fn new(
        settings: NetworkSettings,
        facilitator: Arc<dyn Facilitator>,
        chain: ChainView,
        payee: Address,
        checked: bool,
    ) -> Self {
        let chain_state = (!checked).then(|| "it has not answered yet".to_owned());
        let state = RwLock::new(State { chain: chain_state, settlement: Settlement::Unknown });
        let checked = AtomicBool::new(checked);
        Self { settings, facilitator, chain, payee, checked, state, block: Recent::default(), time: Recent::default() }
    }

    /// Its CAIP-2 name.
    pub fn network(&self) -> Network {
        self.settings.network
    }

    /// True once the chain was seen to have the configured token.
    pub fn is_checked(&self) -> bool {
        self.checked.load(Ordering::Relaxed)
    }

    /// Writes down that the chain has the configured token.
    pub fn set_checked(&self) {
        self.checked.store(true, Ordering::Relaxed);
    }

    /// Checks that payments can be taken on it now, by the latest findings.
    ///
    /// # Errors
    /// `chain_unavailable`: its node does not answer or is not in step. `cannot_settle`: work would be done for nothing.
    /// `gas_price`: it costs too much now.
    pub fn is_open(&self) -> Result<(), Failure> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match (&state.chain, state.settlement) {
            (Some(_), _) | (None, Settlement::Unknown) => Err(Failure::new(Class::ChainUnavailable, "")),
            (None, Settlement::Unable(why @ Unavailable::GasPrice)) => {
                Err(Failure::new(Class::GasPrice, why.to_string()))
            }
            (None, Settlement::Unable(why)) => Err(Failure::new(Class::CannotSettle, why.to_string())),
            (None, Settlement::Able) => Ok(()),
        }
    }

    /// True if the chain answers, is in step and is the configured one, by the latest look.
    pub fn has_chain(&self) -> bool {
        self.is_checked() && self.failing().0.is_none()
    }

    /// Reasons not to rely on the chain, and not to settle, for the operator.
    pub fn failing(&self) -> (Option<String>, Option<String>) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let settlement = match state.settlement {
            Settlement::Able => None,
            Settlement::Unable(why) => Some(why.to_string()),
            Settlement::Unknown => Some("its ability to settle is not known yet".to_owned()),
        };
        (state.chain.clone(), settlement)
    }

    /// True once the facilitator said whether it settles.
    pub fn is_settlement_known(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).settlement != Settlement::Unknown
    }

    /// Checks that a payment of `price` is worth its settlement, by what gas cost lately.
    ///
    /// # Errors
    /// `gas_price`: new payments are refused meanwhile. What is claimed already is settled all the same.
    pub fn worth_settling(&self, price: AtomicUnits) -> Result<(), Failure> {
        self.facilitator.affordable(price).map_err(|why| Failure::new(Class::GasPrice, why.to_string()))
    }

    /// Writes down what a look at the chain found.
    pub fn found_chain(&self, outcome: Result<(), String>) {
        let found = outcome.err();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.chain.is_some() != found.is_some() {
            let (network, able) = (self.network(), found.is_none());
            tracing::warn!(event = "network.chain", %network, able, why = found);
        }
        state.chain = found;
    }

    /// Asks whether payments can be settled. Where no answer comes, what was found before stands.
    pub async fn check_settlement(&self) {
        self.found_settlement(self.facilitator.ready().await);
    }

    /// Writes down an answer of the facilitator.
    pub fn found_settlement(&self, answer: Result<(), Unavailable>) {
        let found = match answer {
            Ok(()) => Settlement::Able,
            Err(
                why @ (Unavailable::NoGas
                | Unavailable::GasPrice
                | Unavailable::WrongChain
                | Unavailable::Unsupported
                | Unavailable::Credential
                | Unavailable::Redirected),
            ) => Settlement::Unable(why),
            // It says nothing of what was found before.
            Err(_) => return,
        };
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.settlement != found {
            let network = self.network();
            match found {
                Settlement::Unable(why) => tracing::warn!(event = "settlement.able", %network, able = false, %why),
                _ => tracing::info!(event = "settlement.able", %network, able = true),
            }
        }
        state.settlement = found;
    }

    /// A recent final block, which no reorganization takes back; a little old when the chain does not answer.
    ///
    /// # Errors
    /// `chain_unavailable` when there has been no answer for [`super::recent::STALE`].
    pub async fn recent_block(&self) -> Result<Block, Failure> {
        let ask = async || {
            let block = self.chain.finalized_block().await.ok()?;
            Some(Block { network: self.network().to_string(), number: block.number, hash: block.hash })
        };
        self.block.get(ask).await.ok_or_else(|| Failure::new(Class::ChainUnavailable, ""))
    }

    /// Time of a block that is there by now, Unix seconds.
    ///
    /// # Errors
    /// `chain_unavailable`, as [`Rail::recent_block`].
    pub async fn chain_time(&self) -> Result<u64, Failure> {
        let ask = async || self.chain.recent_block().await.ok().map(|block| block.timestamp);
        self.time.get(ask).await.ok_or_else(|| Failure::new(Class::ChainUnavailable, ""))
    }
}
