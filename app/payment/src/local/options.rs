//! Limits of the in-process facilitator.

use std::time::Duration;

use super::fees::GasBudget;

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
    /// Most that a settlement may cost of its price, where that is known. It stops new payments; what was sold before is
    /// settled all the same, up to `max_fee_per_gas`.
    pub budget: Option<GasBudget>,
    /// Whether payments of contract accounts (EIP-1271) are verified. Their code decides at each execution anew whether the
    /// settlement reverts, and the gas is this wallet's.
    pub contract_accounts: bool,
    /// How long a transaction waits for its block before the same call is offered for more, and again after as long.
    pub replace_after: Duration,
    /// Blocks that must show a settlement, its own included: 1 (or 0) is the block itself.
    pub confirmations: u64,
}

impl Default for LocalOptions {
    /// 20 seconds (ten Base blocks); 100 gwei, whatever the price; no contract accounts; 8 seconds; one block.
    fn default() -> Self {
        Self {
            confirm_timeout: Duration::from_secs(20),
            max_fee_per_gas: 100_000_000_000,
            budget: None,
            contract_accounts: false,
            replace_after: Duration::from_secs(8),
            confirmations: 1,
        }
    }
}
