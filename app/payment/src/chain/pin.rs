//! The block at which a judgement is made. Every question of one judgement is asked at it, by its hash, so that backends
//! that do not know it answer with an error instead of from another state.

use std::{ops::Deref, time::Duration};

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;

use super::{Block, ChainView, RpcError, token};
use crate::exact::{Authorized, Transfer};

/// Heads that are read before the node counts as behind.
const PIN_TRIES: u32 = 4;
/// Times that a question about a certain block is asked: another backend may know it.
const TRIES: u32 = 4;
/// Wait before it is asked again: a block takes a moment from one backend to the next.
pub(super) const PAUSE: Duration = Duration::from_millis(50);
/// Code of an endpoint that has had enough (EIP-1474), which more questions do not help.
const LIMIT_EXCEEDED: i64 = -32_005;

/// Asks about a certain block, again where that is refused or not known.
pub(super) async fn persist<T, F>(ask: impl Fn() -> F) -> Result<T, RpcError>
where
    F: Future<Output = Result<T, RpcError>>,
{
    for _ in 1..TRIES {
        match ask().await {
            Err(RpcError::Refused(code)) if code != LIMIT_EXCEEDED => {}
            Err(RpcError::Malformed) => {}
            answer => return answer,
        }
        tokio::time::sleep(PAUSE).await;
    }
    ask().await
}

/// A block that was the newest when it was read, and not below any that was seen shortly before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pinned(Block);

impl Deref for Pinned {
    type Target = Block;

    fn deref(&self) -> &Block {
        &self.0
    }
}

impl ChainView {
    /// The block to judge at: the newest, read until it is not behind what was seen before.
    ///
    /// # Errors
    /// [`RpcError::Behind`] while the node shows only older ones.
    pub async fn pin(&self) -> Result<Pinned, RpcError> {
        for _ in 0..PIN_TRIES {
            let block = self.tagged("latest").await?;
            if self.newest.note(block.number) {
                return Ok(Pinned(block));
            }
        }
        Err(RpcError::Behind)
    }

    /// Whether the authorization is used or cancelled after the block with this hash.
    pub(super) async fn is_spent_at(&self, block: B256, transfer: &Transfer) -> Result<bool, RpcError> {
        let call = token::authorizationStateCall { authorizer: transfer.from, nonce: transfer.nonce };
        self.read_at(block, &call).await
    }

    /// The token balance of `account` after the pinned block, atomic units.
    pub(crate) async fn balance_at(&self, at: &Pinned, account: Address) -> Result<U256, RpcError> {
        self.read_at(at.hash, &token::balanceOfCall { account }).await
    }

    /// The token balance of `account` after the newest block, atomic units: of a node that is not behind what was seen before.
    ///
    /// # Errors
    /// If the node does not tell.
    pub async fn funds_of(&self, account: Address) -> Result<U256, RpcError> {
        self.balance_at(&self.pin().await?, account).await
    }

    /// Executes the transfer on the state after the pinned block, as `submitter` would.
    pub(crate) async fn simulate_at(
        &self,
        at: &Pinned,
        authorized: &Authorized,
        submitter: Address,
    ) -> Result<(), RpcError> {
        let call = token::transfer_call(authorized);
        persist(|| self.rpc.eth_call_at(at.hash, submitter, self.asset.address, &call)).await.map(drop)
    }

    /// Whether the transfer would be carried out after the newest block, so that it is unspent there.
    ///
    /// # Errors
    /// If the node does not tell.
    pub(crate) async fn is_payable(&self, authorized: &Authorized, submitter: Address) -> Result<bool, RpcError> {
        match self.simulate_at(&self.pin().await?, authorized, submitter).await {
            Ok(()) => Ok(true),
            Err(RpcError::Reverted) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Transactions of `address` in blocks up to the pinned one.
    pub(crate) async fn nonce_at(&self, at: &Pinned, address: Address) -> Result<u64, RpcError> {
        persist(|| self.rpc.nonce_at(at.hash, address)).await
    }

    pub(super) async fn read_at<C: SolCall>(&self, block: B256, call: &C) -> Result<C::Return, RpcError> {
        let input = call.abi_encode();
        let asked = persist(|| self.rpc.eth_call_at(block, Address::ZERO, self.asset.address, &input));
        let answer = asked.await?;
        C::abi_decode_returns(&answer).map_err(|_| RpcError::Malformed)
    }
}
