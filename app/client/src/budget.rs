//! A bound on several purchases together, and what was signed for so far.

use alloy_primitives::U256;

use crate::amount::Amount;
use crate::error::ClientError;
use crate::price::MaxPrice;
use crate::progress::Progress;
use crate::session::Session;
use crate::terms::{OverTotal, TermsError};

/// Name of the option that states the bound, for messages.
const OPTION: &str = "--max-total";

/// The most that several purchases may cost together, and what they cost so far, in atomic units.
///
/// Whatever is signed counts as spent until it is known that it was not charged, or was paid back.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    most: Option<MaxPrice>,
    spent: U256,
    /// Price of the purchase that is going on.
    price: U256,
    /// Signed for the purchase that is going on.
    signed: U256,
}

impl Budget {
    /// A budget of at most `most`; without it there is no bound, and what is spent is counted all the same.
    #[must_use]
    pub fn of(most: Option<MaxPrice>) -> Self {
        Self { most, ..Self::default() }
    }

    /// The bound.
    #[must_use]
    pub const fn most(&self) -> Option<&MaxPrice> {
        self.most.as_ref()
    }

    /// The cost of the purchases that ended, atomic units.
    #[must_use]
    pub const fn spent(&self) -> U256 {
        self.spent
    }

    /// Takes note of what happens in the purchase that is going on.
    pub fn see(&mut self, event: &Progress) {
        match event {
            Progress::Terms { amount, .. } => self.price = amount.units,
            Progress::Resuming { amount, .. } => self.signed = amount.units,
            Progress::GivenWay { .. } => self.signed = U256::ZERO,
            // It may still be taken.
            Progress::Discarding { amount, .. } => self.spent = self.spent.saturating_add(amount.units),
            Progress::Paying => self.signed = self.price,
            _ => {}
        }
    }

    /// Ends the purchase that is going on. `uncharged` if it is proved that what was signed for it costs nothing.
    pub fn close(&mut self, uncharged: bool) {
        let signed = std::mem::take(&mut self.signed);
        if !uncharged {
            self.spent = self.spent.saturating_add(signed);
        }
        self.price = U256::ZERO;
    }

    /// Allows another payment of `units`, or not.
    pub(crate) fn check(&self, units: U256, session: &Session) -> Result<(), ClientError> {
        let Some(most) = &self.most else { return Ok(()) };
        let target = session.target();
        let cap = most.resolve(OPTION, &target.network, target.asset, session.token())?;
        if self.spent.checked_add(units).is_some_and(|total| total <= cap) {
            return Ok(());
        }
        let amount = |units| Amount::new(units, session.token());
        let over = OverTotal { amount: amount(units), spent: amount(self.spent), cap: amount(cap) };
        Err(TermsError::OverTotal(Box::new(over)).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(units: u64) -> Amount {
        Amount::new(U256::from(units), None)
    }

    fn terms(units: u64) -> Progress {
        use alloy_primitives::Address;
        let (network, upfront) = ("eip155:1".into(), false);
        Progress::Terms { amount: amount(units), network, asset: Address::ZERO, pay_to: Address::ZERO, upfront }
    }

    fn after(events: &[Progress], uncharged: bool) -> U256 {
        let mut budget = Budget::of(None);
        events.iter().for_each(|event| budget.see(event));
        budget.close(uncharged);
        budget.spent()
    }

    #[test]
    fn only_what_is_signed_is_spent() {
        assert_eq!(after(&[terms(1500)], false), U256::ZERO);
        assert_eq!(after(&[terms(1500), Progress::Paying], false), U256::from(1500));
        assert_eq!(after(&[terms(1500), Progress::Paying], true), U256::ZERO);
    }

    #[test]
    fn a_payment_that_made_way_is_not_spent_and_the_one_in_its_place_is() {
        let given_way = Progress::GivenWay { why: String::new() };
        let events = [terms(1500), Progress::Paying, given_way, terms(900), Progress::Paying];
        assert_eq!(after(&events, false), U256::from(900));
    }

    #[test]
    fn purchases_add_up() {
        let mut budget = Budget::of(None);
        for units in [1500, 900] {
            [terms(units), Progress::Paying].iter().for_each(|event| budget.see(event));
            budget.close(false);
        }
        assert_eq!(budget.spent(), U256::from(2400));
    }
}
