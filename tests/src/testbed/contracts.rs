//! Code of contract accounts on the devnet, and how it changes.

use alloy_primitives::Address;
use serde_json::json;

use crate::testbed::town::Town;

/// Runtime code of an account that answers every EIP-1271 question with yes.
pub const YES: &str = "0x631626ba7e60e01b5f5260205ff3";
/// Runtime code of an account that answers every question with nothing.
pub const NO: &str = "0x00";
/// Blocks that come after a change of code: a reorganization of fewer leaves it as it is.
const BURIED: u32 = 2;

impl Town {
    /// Gives an account code, and lets some blocks pass.
    ///
    /// # Errors
    /// If the chain refuses.
    pub async fn set_code(&self, account: Address, code: &str) -> anyhow::Result<()> {
        self.chain.rpc("anvil_setCode", json!([account, code])).await?;
        for _ in 0..BURIED {
            self.chain.rpc("evm_mine", json!([])).await?;
        }
        Ok(())
    }
}
