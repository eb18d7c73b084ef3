//! The block that took an account nonce, found by state: no index of transactions is asked, which may lag behind its state.

use alloy_primitives::{Address, B256};

use super::{ChainView, Pinned, RpcError, pin::persist};

/// Blocks before the pinned one in which the nonce is looked for. Nodes keep the state of about 128, and no index is so far behind
/// for long.
const MAX_BLOCKS: u64 = 64;

impl ChainView {
    /// Hashes of the transactions in the block that took `nonce` of `address`, which is taken after the pinned block; `None` if
    /// that was before [`MAX_BLOCKS`], or before the states that the node keeps.
    ///
    /// # Errors
    /// [`RpcError::Contradicted`] if the chain changed meanwhile.
    pub(crate) async fn beside_nonce(
        &self,
        at: &Pinned,
        address: Address,
        nonce: u64,
    ) -> Result<Option<Vec<B256>>, RpcError> {
        let is_taken = async |number: u64| {
            let block = persist(|| self.rpc.block_at(number)).await?;
            persist(|| self.rpc.nonce_at(block.hash, address)).await.map(|next| next > nonce)
        };
        let (mut taken, mut step) = (at.number, 1);
        let mut free = loop {
            if taken == 0 || at.number - taken > MAX_BLOCKS {
                return Ok(None);
            }
            let earlier = taken.saturating_sub(step);
            match is_taken(earlier).await {
                Ok(true) => (taken, step) = (earlier, step * 2),
                Ok(false) => break earlier,
                // The state of that block is not kept any more.
                Err(RpcError::Refused(_)) => return Ok(None),
                Err(error) => return Err(error),
            }
        };
        while taken - free > 1 {
            let middle = free + (taken - free) / 2;
            if is_taken(middle).await? { taken = middle } else { free = middle }
        }
        let transactions = persist(|| self.rpc.transactions_at(taken)).await?;
        let now = persist(|| self.rpc.block_at(at.number)).await?;
        if now.hash == at.hash { Ok(Some(transactions)) } else { Err(RpcError::Contradicted) }
    }
}
