//! The payment chain as this service sees it: recent blocks, the configured token, and what became of a payment.
//!
//! Nothing here signs or spends. A node is believed about the state of the chain and about nothing that can be checked:
//! the token's domain is compared with the configuration before the service starts. What a node does not show is no
//! evidence: see [`Reconciled`].

mod as_sent;
mod block;
mod diagnose;
mod incoming;
mod memory;
mod pin;
mod place;
mod reconcile;
mod rpc;
mod times;
pub(crate) mod token;
mod verdict;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use reqwest::{Client, Url};

pub(crate) use as_sent::CallAsSent;
pub use block::Block;
pub use incoming::{Incoming, Received};
pub use pin::Pinned;
pub use reconcile::{FRONT_RUN_WINDOW_SECONDS, LOG_WINDOW_BLOCKS, MAX_LOG_WINDOWS};
pub(crate) use rpc::Rpc;
pub use rpc::RpcError;
pub(crate) use verdict::{Diagnosis, Outcome};
pub use verdict::{Paid, Reconciled, Spent, Unspent};

use memory::{Newest, Remembered, Times};

use crate::{
    Network,
    exact::{Authorized, TokenDomain, Transfer},
};

/// Times that the newest block is asked for at the start.
const FIRST_LOOKS: u32 = 8;
/// Blocks over which a chain's pace is measured.
const PACE_BLOCKS: u64 = 64;

/// A token on a chain, as it is configured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asset {
    /// The chain.
    pub network: Network,
    /// The contract.
    pub address: Address,
    /// The contract's EIP-712 domain.
    pub domain: TokenDomain,
}

/// Why the service does not start on this chain. The operator must act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssetError {
    /// The URL is not one.
    #[error("the payment chain's RPC URL is not an http or https URL")]
    Url,
    /// No answer.
    #[error("the payment chain {network} cannot be asked: {error}; check the RPC URL")]
    Chain {
        /// The configured chain.
        network: Network,
        /// What went wrong.
        error: RpcError,
    },
    /// The RPC URL leads to another chain.
    #[error("the RPC endpoint serves chain {found}, but the configuration says {expected}")]
    WrongChain {
        /// The configured chain.
        expected: Network,
        /// The chain id that the endpoint names.
        found: u64,
    },
    /// There is no contract.
    #[error("there is no contract at the configured asset {asset} on {network}")]
    NoContract {
        /// The configured token.
        asset: Address,
        /// The configured chain.
        network: Network,
    },
    /// The contract is no EIP-3009 token.
    #[error("the contract at the configured asset {asset} is not an EIP-3009 token: it does not answer {missing}")]
    NotEip3009 {
        /// The configured token.
        asset: Address,
        /// What it does not answer.
        missing: &'static str,
    },
    /// The EIP-712 domain is another one, so no signature would ever be good.
    #[error(
        "the asset {asset} does not have the EIP-712 domain name \"{name}\", version \"{version}\" that the configuration says"
    )]
    WrongDomain {
        /// The configured token.
        asset: Address,
        /// The configured name.
        name: String,
        /// The configured version.
        version: String,
    },
}

/// A view of one chain and one token on it.
#[derive(Clone)]
pub struct ChainView {
    rpc: Rpc,
    asset: Asset,
    newest: Newest,
    times: Times,
    remembered: Remembered,
}

impl ChainView {
    /// A view of `asset` through the node at `url`. Does not connect: see [`ChainView::check_asset`].
    ///
    /// # Errors
    /// [`AssetError::Url`].
    pub fn new(http: Client, url: &str, asset: Asset) -> Result<Self, AssetError> {
        let url: Url = url.parse().map_err(|_| AssetError::Url)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AssetError::Url);
        }
        let (newest, times, remembered) = Default::default();
        Ok(Self { rpc: Rpc::new(http, url), asset, newest, times, remembered })
    }

    /// The configured token.
    pub const fn asset(&self) -> &Asset {
        &self.asset
    }

    pub(crate) const fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// The latest block.
    pub async fn recent_block(&self) -> Result<Block, RpcError> {
        let block = self.tagged("latest").await?;
        self.newest.note(block.number);
        Ok(block)
    }

    /// The latest block that is final.
    pub async fn finalized_block(&self) -> Result<Block, RpcError> {
        self.tagged("finalized").await
    }

    /// Seconds between two blocks before `head`, rounded up: over so many of the last as there are, up to [`PACE_BLOCKS`].
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn pace(&self, head: &Block) -> Result<u64, RpcError> {
        let blocks = head.number.min(PACE_BLOCKS);
        let earlier = self.rpc.block_at(head.number - blocks).await?;
        let seconds = head.timestamp.saturating_sub(earlier.timestamp.to());
        Ok(seconds.div_ceil(blocks.max(1)).max(1))
    }

    async fn tagged(&self, tag: &str) -> Result<Block, RpcError> {
        let block = self.rpc.block(tag).await?;
        Ok(Block { number: block.number.to(), hash: block.hash, timestamp: block.timestamp.to() })
    }

    /// Checks that the node serves the configured chain and that the token there is the configured one: it has code, it
    /// knows authorizations, and its domain separator is that of the configured name and version.
    ///
    /// # Errors
    /// A sentence for the operator. The service must not start.
    pub async fn check_asset(&self) -> Result<(), AssetError> {
        let Asset { network, address: asset, ref domain } = self.asset;
        let chain = |error| AssetError::Chain { network, error };
        let found = self.rpc.chain_id().await.map_err(chain)?;
        if found != network.chain_id() {
            return Err(AssetError::WrongChain { expected: network, found });
        }
        if self.rpc.code(asset).await.map_err(chain)?.is_empty() {
            return Err(AssetError::NoContract { asset, network });
        }
        let lacks = |missing| {
            move |error| match error {
                RpcError::Reverted | RpcError::Malformed => AssetError::NotEip3009 { asset, missing },
                error => chain(error),
            }
        };
        let separator = self.read(&token::DOMAIN_SEPARATORCall {}).await.map_err(lacks("DOMAIN_SEPARATOR()"))?;
        let state = token::authorizationStateCall { authorizer: asset, nonce: B256::ZERO };
        self.read(&state).await.map_err(lacks("authorizationState(address,bytes32)"))?;
        // Of several nodes behind one address some may lag: what any of them has is the least to judge at.
        for _ in 0..FIRST_LOOKS {
            self.recent_block().await.map_err(chain)?;
        }
        // No judgement would ever be made through an endpoint that answers only about its latest block.
        let at = self.pin().await.map_err(chain)?;
        self.read_at(at.hash, &state).await.map_err(|error| match error {
            RpcError::Refused(_) => chain(RpcError::NotPinned),
            error => chain(error),
        })?;
        if separator != domain.separator(network, asset) {
            let TokenDomain { name, version } = domain.clone();
            return Err(AssetError::WrongDomain { asset, name, version });
        }
        Ok(())
    }

    /// The token balance of `account` after the latest block, in the token's atomic units.
    ///
    /// # Errors
    /// If the node does not answer, or the token not as EIP-20 says.
    pub async fn balance_of(&self, account: Address) -> Result<U256, RpcError> {
        self.read(&token::balanceOfCall { account }).await
    }

    /// Whether the authorization is used or cancelled.
    pub async fn is_spent(&self, transfer: &Transfer) -> Result<bool, RpcError> {
        self.read(&token::authorizationStateCall { authorizer: transfer.from, nonce: transfer.nonce }).await
    }

    /// Executes the transfer on the latest state without a transaction, as `submitter` would.
    ///
    /// # Errors
    /// [`RpcError::Reverted`] if it would fail.
    pub async fn simulate(&self, authorized: &Authorized, submitter: Address) -> Result<(), RpcError> {
        let call = token::transfer_call(authorized);
        self.rpc.eth_call(submitter, self.asset.address, &call).await.map(drop)
    }

    async fn read<C: SolCall>(&self, call: &C) -> Result<C::Return, RpcError> {
        let answer = self.rpc.eth_call(Address::ZERO, self.asset.address, &call.abi_encode()).await?;
        C::abi_decode_returns(&answer).map_err(|_| RpcError::Malformed)
    }
}
