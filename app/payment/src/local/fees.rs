//! What to offer for gas: EIP-1559 where blocks have a base fee, a plain price elsewhere, never above a cap.

use crate::{
    chain::{Rpc, RpcError},
    facilitator::Unavailable,
};

/// Tip where the node suggests none, wei per gas.
const DEFAULT_TIP: u128 = 1_000_000;

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

    const fn tip(self) -> u128 {
        match self {
            Self::Dynamic { max_priority_fee_per_gas, .. } => max_priority_fee_per_gas,
            Self::Legacy { gas_price } => gas_price,
        }
    }
}

/// Asks the node for what is needed now. Twice the base fee outlives six full blocks of a rising one.
pub(super) async fn quote(rpc: &Rpc, cap: u128) -> Result<Fees, Unavailable> {
    let base = rpc.block("latest").await?.base_fee_per_gas;
    let Some(base) = base else {
        let gas_price = rpc.gas_price().await?;
        return if gas_price > cap { Err(Unavailable::GasPrice) } else { Ok(Fees::Legacy { gas_price }) };
    };
    let tip = match rpc.priority_fee().await {
        Ok(tip) => tip,
        Err(RpcError::Refused(_)) => DEFAULT_TIP,
        Err(error) => return Err(error.into()),
    };
    dynamic(u128::try_from(base).map_err(|_| Unavailable::GasPrice)?, tip, cap)
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
