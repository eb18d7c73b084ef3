//! Offers for gas: EIP-1559 where blocks have a base fee, a plain price elsewhere, never above a cap; and the most that the
//! settlement of a price may cost.

use alloy_primitives::U256;
use serde_json::{Value, json};

use crate::{
    chain::{Rpc, RpcError},
    facilitator::Unavailable,
};

/// Tip where the node suggests none, wei per gas.
const DEFAULT_TIP: u128 = 1_000_000;

/// Gas of a usual settlement, by which the most that it may cost per unit is reckoned: USDC takes 78 000 to 95 000.
pub const SETTLEMENT_GAS: u64 = 100_000;
/// Wei of one whole coin of the chain.
const WEI: u64 = 1_000_000_000_000_000_000;

/// How much of a price its settlement may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GasBudget {
    /// Share of the price, percent.
    pub share_percent: u32,
    /// Atomic units of the token that one whole coin of the chain is worth.
    pub units_per_coin: u128,
}

impl GasBudget {
    /// Most that one unit of gas may cost where `units` of the token are paid, wei.
    pub fn most_per_gas(self, units: U256) -> u128 {
        let gas = U256::from(self.units_per_coin.max(1)).saturating_mul(U256::from(SETTLEMENT_GAS * 100));
        let wei = units.saturating_mul(U256::from(self.share_percent)).saturating_mul(U256::from(WEI));
        (wei / gas).saturating_to()
    }
}

/// An offer for gas, in wei per unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fees {
    /// EIP-1559.
    Dynamic {
        /// Most in all.
        max_fee_per_gas: u128,
        /// Of which at most this is a tip.
        max_priority_fee_per_gas: u128,
    },
    /// Chains without a base fee.
    Legacy {
        /// The price.
        gas_price: u128,
    },
}

impl Fees {
    /// Most that one unit of gas can cost.
    pub(super) const fn most_per_gas(self) -> u128 {
        match self {
            Self::Dynamic { max_fee_per_gas, .. } => max_fee_per_gas,
            Self::Legacy { gas_price } => gas_price,
        }
    }
}

impl Fees {
    /// Fees that replace these: each at least an eighth higher (nodes ask for a tenth, or an eighth) and not below
    /// `quote`; `None` above `cap`.
    pub(super) fn raised(self, quote: Self, cap: u128) -> Option<Self> {
        let raise = |old: u128, now: u128| old.saturating_add(old.div_ceil(8).max(1)).max(now);
        let most = raise(self.most_per_gas(), quote.most_per_gas());
        if most > cap {
            return None;
        }
        Some(match self {
            Self::Dynamic { max_priority_fee_per_gas, .. } => Self::Dynamic {
                max_fee_per_gas: most,
                max_priority_fee_per_gas: raise(max_priority_fee_per_gas, quote.tip()).min(most),
            },
            Self::Legacy { .. } => Self::Legacy { gas_price: most },
        })
    }

    /// Twice as much: for a nonce that another transaction of unknown fees holds.
    pub(super) const fn doubled(self) -> Self {
        match self {
            Self::Dynamic { max_fee_per_gas, max_priority_fee_per_gas } => Self::Dynamic {
                max_fee_per_gas: max_fee_per_gas.saturating_mul(2),
                max_priority_fee_per_gas: max_priority_fee_per_gas.saturating_mul(2),
            },
            Self::Legacy { gas_price } => Self::Legacy { gas_price: gas_price.saturating_mul(2) },
        }
    }

    /// The fees as the members of a call object (Ethereum execution-apis, `GenericTransaction`).
    pub(super) fn members(self) -> Vec<(&'static str, Value)> {
        let quantity = |wei: u128| json!(U256::from(wei));
        match self {
            Self::Dynamic { max_fee_per_gas, max_priority_fee_per_gas } => vec![
                ("maxFeePerGas", quantity(max_fee_per_gas)),
                ("maxPriorityFeePerGas", quantity(max_priority_fee_per_gas)),
            ],
            Self::Legacy { gas_price } => vec![("gasPrice", quantity(gas_price))],
        }
    }

    const fn tip(self) -> u128 {
        match self {
            Self::Dynamic { max_priority_fee_per_gas, .. } => max_priority_fee_per_gas,
            Self::Legacy { gas_price } => gas_price,
        }
    }
}

/// What a node asks for gas now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Market {
    /// What a unit of gas costs in the next block, wei.
    pub price: u128,
    /// Time of the newest block, Unix seconds.
    pub time: u64,
    base: Option<u128>,
    tip: u128,
}

impl Market {
    /// An offer that outlives six full blocks of a rising base fee, as far as `cap` lets it.
    pub(super) fn offer(self, cap: u128) -> Result<Fees, Unavailable> {
        match self.base {
            Some(base) => dynamic(base, self.tip, cap),
            None if self.price > cap => Err(Unavailable::GasPrice),
            None => Ok(Fees::Legacy { gas_price: self.price }),
        }
    }
}

/// Asks the node for what is needed now.
pub(super) async fn market(rpc: &Rpc) -> Result<Market, Unavailable> {
    let (block, tip) = tokio::join!(rpc.block("latest"), rpc.priority_fee());
    let block = block?;
    let time = block.timestamp.to();
    let Some(base) = block.base_fee_per_gas else {
        return Ok(Market { price: rpc.gas_price().await?, time, base: None, tip: 0 });
    };
    let tip = match tip {
        Ok(tip) => tip,
        Err(RpcError::Refused(_)) => DEFAULT_TIP,
        Err(error) => return Err(error.into()),
    };
    let base = u128::try_from(base).map_err(|_| Unavailable::GasPrice)?;
    Ok(Market { price: base.saturating_add(tip), time, base: Some(base), tip })
}

/// The offer for a base fee and a suggested tip. The headroom gives way to the cap, the need does not.
fn dynamic(base: u128, tip: u128, cap: u128) -> Result<Fees, Unavailable> {
    let needed = base.saturating_add(tip);
    if needed > cap {
        return Err(Unavailable::GasPrice);
    }
    let max_fee_per_gas = needed.saturating_add(base).min(cap);
    Ok(Fees::Dynamic { max_fee_per_gas, max_priority_fee_per_gas: tip })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offer_has_headroom_up_to_the_cap_and_never_above() {
        let offer = |base, tip, cap| dynamic(base, tip, cap);
        assert_eq!(offer(10, 1, 100), Ok(Fees::Dynamic { max_fee_per_gas: 21, max_priority_fee_per_gas: 1 }));
        assert_eq!(offer(10, 1, 15), Ok(Fees::Dynamic { max_fee_per_gas: 15, max_priority_fee_per_gas: 1 }));
        assert_eq!(offer(10, 1, 10), Err(Unavailable::GasPrice));
        assert_eq!(offer(0, 0, 100), Ok(Fees::Dynamic { max_fee_per_gas: 0, max_priority_fee_per_gas: 0 }));
        assert_eq!(offer(u128::MAX, u128::MAX, 100), Err(Unavailable::GasPrice));
    }

    #[test]
    fn what_gas_may_cost_follows_from_the_price() {
        // 3 000 dollars for a coin, half of the price.
        let budget = GasBudget { share_percent: 50, units_per_coin: 3_000_000_000 };
        let most = |units: u64| budget.most_per_gas(U256::from(units));
        assert_eq!(most(1_500), 2_500_000, "0.0015 dollars: 100 000 gas for 0.00075 dollars");
        assert_eq!(most(3_000_000), 5_000_000_000, "3 dollars");
        assert_eq!(most(0), 0);
        assert_eq!(budget.most_per_gas(U256::MAX), u128::MAX, "no overflow");
        let worthless = GasBudget { share_percent: 50, units_per_coin: 0 };
        assert!(worthless.most_per_gas(U256::from(1)) > most(1));
    }

    #[test]
    fn an_offer_for_a_call_names_the_fees_of_its_kind() {
        let dynamic = Fees::Dynamic { max_fee_per_gas: 16, max_priority_fee_per_gas: 1 }.doubled();
        assert_eq!(dynamic.members(), [("maxFeePerGas", json!("0x20")), ("maxPriorityFeePerGas", json!("0x2"))]);
        let legacy = Fees::Legacy { gas_price: 5 }.doubled();
        assert_eq!(legacy.members(), [("gasPrice", json!("0xa"))]);
    }

    #[test]
    fn a_replacement_raises_both_fees_by_an_eighth_or_to_what_is_asked_now() {
        let dynamic =
            |max_fee_per_gas, max_priority_fee_per_gas| Fees::Dynamic { max_fee_per_gas, max_priority_fee_per_gas };
        let raised = |old: Fees, quote, cap| old.raised(quote, cap);
        assert_eq!(raised(dynamic(100, 10), dynamic(50, 5), 1_000), Some(dynamic(113, 12)), "rounded up");
        assert_eq!(raised(dynamic(100, 10), dynamic(500, 5), 1_000), Some(dynamic(500, 12)));
        assert_eq!(raised(dynamic(100, 10), dynamic(50, 30), 1_000), Some(dynamic(113, 30)));
        assert_eq!(raised(dynamic(0, 0), dynamic(0, 0), 1), Some(dynamic(1, 1)), "never the same again");
        assert_eq!(raised(dynamic(100, 10), dynamic(50, 5), 112), None);
        assert_eq!(raised(dynamic(u128::MAX, 1), dynamic(1, 1), u128::MAX), Some(dynamic(u128::MAX, 2)));
        let legacy = |gas_price| Fees::Legacy { gas_price };
        assert_eq!(raised(legacy(100), legacy(1), 113), Some(legacy(113)));
        assert_eq!(raised(legacy(100), legacy(1), 112), None);
        assert_eq!(raised(legacy(100), dynamic(300, 1), 1_000), Some(legacy(300)), "a chain that got a base fee");
    }
}
