//! What verifies and settles payments: [`Facilitator`], in this process ([`crate::local`]) or elsewhere
//! ([`crate::remote`]).
//!
//! Settling has two steps, so that the caller can write the transaction down before it leaves: [`Facilitator::prepare`]
//! makes it, [`Facilitator::broadcast`] sends it and waits. After a restart [`Facilitator::resume`] ends what was begun.
//! Every outcome that is not known for certain is [`Settlement::Unknown`], never a refusal.

use alloy_primitives::{B256, Bytes};
use async_trait::async_trait;

use crate::{
    AtomicUnits,
    chain::RpcError,
    exact::{Authorized, Invalid, Transfer},
    wire::SettleResponse,
};

/// The reason of a settlement that is neither confirmed nor refused (x402 v2, section 9).
pub const SETTLEMENT_PENDING: &str = "settlement_pending";
/// The reason of a settlement that could not be tried.
pub const UNEXPECTED_SETTLE_ERROR: &str = "unexpected_settle_error";

pub use crate::chain::Paid;

/// How a payment stands before it is settled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It would settle now.
    Payable,
    /// Somebody submitted it already, within [`crate::chain::FRONT_RUN_WINDOW_SECONDS`], and it paid us. It may be
    /// honoured once: the caller's claim decides.
    Paid(Paid),
}

/// Why a payment was not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The payer must act: 402.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Chain or facilitator could not be asked: 503, nothing was charged.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// It does not settle, and the chain does not show why: it may have been taken already. 503, the same payment again.
    #[error("{0}")]
    Unknown(RpcError),
}

impl From<RpcError> for VerifyError {
    fn from(error: RpcError) -> Self {
        Self::Unavailable(Unavailable::Chain(error))
    }
}

/// Something that settling needs does not work. The operator must act, or time heals it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The node.
    #[error("{0}")]
    Chain(#[from] RpcError),
    /// The node serves another chain than the configured one.
    #[error("the chain's RPC endpoint serves another chain than the configured one")]
    WrongChain,
    /// The remote facilitator.
    #[error("the facilitator did not answer usably")]
    Facilitator,
    /// The remote facilitator wants another credential.
    #[error("the facilitator refuses the credential, or asks for one: see payment.facilitator.credential")]
    Credential,
    /// The remote facilitator redirects to another origin, or in a way that loses the request.
    #[error(
        "the facilitator redirects to another origin, or otherwise than by 307 or 308: payment.facilitator.url has to be where it is"
    )]
    Redirected,
    /// The remote facilitator does not settle this scheme on this network.
    #[error("the facilitator does not support exact payments on this network")]
    Unsupported,
    /// The wallet cannot pay for gas.
    #[error("the settlement wallet has too little of the chain's currency to pay for gas")]
    NoGas,
    /// Gas costs more than the configured most, or than the price allows.
    #[error("the chain's gas price is above what a settlement may cost")]
    GasPrice,
    /// The wallet's transaction was overtaken by another of the same wallet, for instance of a replica with the same key:
    /// it cannot be mined any more, or never left.
    #[error("the settlement transaction was displaced by another one of the same wallet")]
    Displaced,
    /// Too many transactions of the wallet wait, or the register of its nonces does not answer.
    #[error("the settlement wallet is busy")]
    Busy,
    /// The key did not sign.
    #[error("the settlement transaction could not be signed")]
    Signing,
}

/// How a settlement ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settlement {
    /// The money is ours: status, authorization and transfer were seen in a block.
    Settled(Paid),
    /// It will not become ours by this authorization, as a block shows. Not charged.
    Rejected {
        /// Why.
        reason: Invalid,
        /// The transaction that failed, if one was mined.
        transaction: Option<B256>,
    },
    /// Nothing was sent, or what was sent has no effect any more. Preparing again is safe.
    Deferred(Unavailable),
    /// Sent and not confirmed, or lost on the way: ask the chain later, never the payer for another authorization.
    Unknown {
        /// The transaction, if it is known.
        transaction: Option<B256>,
    },
}

impl Settlement {
    /// The settlement as `PAYMENT-RESPONSE` tells it.
    pub fn response(&self, transfer: &Transfer) -> SettleResponse {
        let failed =
            |code, transaction| SettleResponse::failed(transfer.network, Some(transfer.from), code, transaction);
        match *self {
            Self::Settled(paid) => {
                SettleResponse::settled(transfer.network, transfer.from, transfer.value, paid.transaction)
            }
            Self::Rejected { reason, transaction } => failed(reason.code(), transaction),
            Self::Deferred(_) => failed(UNEXPECTED_SETTLE_ERROR, None),
            Self::Unknown { transaction } => failed(SETTLEMENT_PENDING, transaction),
        }
    }
}

/// A signed transaction, to be stored before it is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedTransaction {
    /// Its hash.
    pub hash: B256,
    /// Its EIP-2718 bytes.
    pub raw: Bytes,
}

/// A settlement that is ready to be sent. Holds an account nonce of the wallet: drop it or broadcast it soon.
pub struct Prepared {
    pub(crate) transaction: Option<SignedTransaction>,
    /// Given back when dropped.
    pub(crate) reserved: Option<Box<dyn Send + Sync>>,
}

impl Prepared {
    /// The transaction to store; none with a remote facilitator, which makes its own.
    pub const fn transaction(&self) -> Option<&SignedTransaction> {
        self.transaction.as_ref()
    }
}

/// Verifies and settles payments.
#[async_trait]
pub trait Facilitator: Send + Sync {
    /// Asks the chain whether the payment would settle now. Read-only.
    async fn verify(&self, authorized: &Authorized) -> Result<Standing, VerifyError>;

    /// First step: simulates and signs. Nothing leaves. An `Err` is the end of this attempt.
    async fn prepare(&self, authorized: &Authorized) -> Result<Prepared, Settlement>;

    /// Second step: sends what was prepared and waits until it is confirmed, refused, or time is up.
    async fn broadcast(&self, authorized: &Authorized, prepared: Prepared) -> Settlement;

    /// Ends a settlement whose payment was claimed at the Unix time `since` and whose end was not seen. `stored` is what
    /// the caller wrote down before it was sent; it is sent again if the authorization is still unspent, and offered for
    /// more if it is stuck: [`Settlement::Settled`] may name another transaction. After [`Settlement::Deferred`] only a
    /// new [`Facilitator::prepare`] can settle it.
    async fn resume(&self, transfer: &Transfer, stored: Option<&SignedTransaction>, since: u64) -> Settlement;

    /// Finds out how a settlement ended that was begun, and sends nothing: [`Settlement::Unknown`] as long as it may still
    /// end either way.
    async fn ended(&self, transfer: &Transfer, stored: Option<&SignedTransaction>, since: u64) -> Settlement;

    /// Whether payments can be taken now.
    async fn ready(&self) -> Result<(), Unavailable>;

    /// Whether a payment of `price` would be worth its settlement, by what gas cost lately. Asks nobody.
    ///
    /// # Errors
    /// [`Unavailable::GasPrice`].
    fn affordable(&self, price: AtomicUnits) -> Result<(), Unavailable> {
        let _ = price;
        Ok(())
    }
}
