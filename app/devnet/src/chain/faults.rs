//! Faults on demand, for tests only: a base fee that jumps, blocks that go again, a pool that forgets.
//!
//! No other development chain has these methods. They answer `null` or a count, and are not protected: the chain is.

use alloy_primitives::U64;
use serde_json::{Value, json};

use super::error::RpcError;
use super::params::Params;
use super::state::Chain;

/// Carries out a `devnet_…` method.
///
/// - `devnet_setBaseFee(wei)`: the base fee of every block from now on, a quantity. What waits and offers less goes on
///   waiting; what comes in and offers less is refused.
/// - `devnet_reorg(depth, requeue)`: the last `depth` blocks (a quantity) never were, the accounts are as before them (a
///   balance or code set by hand since is gone too), and whatever takes their place has other hashes. Their transactions
///   wait again for the next block if `requeue` is true, and are forgotten otherwise.
/// - `devnet_dropPending()`: nothing waits any more. Answers how many transactions that were.
pub(super) fn dispatch(chain: &mut Chain, method: &str, params: &mut Params) -> Result<Value, RpcError> {
    match method {
        "devnet_setBaseFee" => {
            chain.terms.base_fee = params.required::<U64>(0, "base fee")?.to();
            Ok(Value::Null)
        }
        "devnet_reorg" => {
            let depth: U64 = params.required(0, "depth")?;
            let requeue = params.optional(1, "requeue")?.unwrap_or(false);
            chain.reorganize(depth.to(), requeue)?;
            Ok(Value::Null)
        }
        "devnet_dropPending" => Ok(json!(chain.pool.clear())),
        other => Err(RpcError::unknown_method(other)),
    }
}

impl Chain {
    /// Takes the last `depth` blocks away.
    fn reorganize(&mut self, depth: u64, requeue: bool) -> Result<(), RpcError> {
        let kept = self.undo.len() as u64;
        if depth > kept {
            return Err(RpcError::refused(format!(
                "the state before the last {depth} blocks is not kept, only of {kept}"
            )));
        }
        let mut gone = Vec::new();
        for _ in 0..depth {
            let (Some(accounts), Some(block)) = (self.undo.pop_back(), self.blocks.pop()) else { break };
            self.accounts = accounts;
            gone.push(block);
        }
        self.terms.fork += 1;
        if !requeue {
            return Ok(());
        }
        for block in gone.into_iter().rev() {
            for transaction in block.block.transactions.into_transactions() {
                // The pool may hold one that has replaced it, or be full.
                if let Err(error) = self.pool.insert(transaction.inner) {
                    tracing::warn!(%error, "transaction dropped");
                }
            }
        }
        Ok(())
    }
}
