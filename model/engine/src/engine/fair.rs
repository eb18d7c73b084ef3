//! Whose turn it is: each payer has a clock of the rows computed for it, and the least served goes first.
//!
//! A payer that comes new starts at the clock of the least served who has work, not at zero: nobody gains by staying
//! away, and nobody waits for a newcomer to catch up. A payer without work is remembered only while its clock is ahead,
//! so that it cannot wipe its debt by pausing between jobs.

use std::collections::BTreeMap;

use crate::payer::Payer;

/// Orders payers by whose turn it is: the least served, of equals the one who has the least to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    pub(super) served: u64,
    pub(super) pending: usize,
}

#[derive(Clone, Copy)]
struct Account {
    served: u64,
    /// Pieces of work that wait or run.
    pending: usize,
}

/// The clocks of the payers.
#[derive(Default)]
pub struct Clocks {
    accounts: BTreeMap<Payer, Account>,
    /// The clock of the least served payer with work, as last seen; it never goes back.
    now: u64,
}

impl Clocks {
    /// A piece of work of this payer has come.
    pub fn enter(&mut self, payer: Payer) {
        self.advance();
        let account = self.accounts.entry(payer).or_insert(Account { served: self.now, pending: 0 });
        if account.pending == 0 {
            account.served = account.served.max(self.now);
        }
        account.pending += 1;
    }

    /// A piece of work of this payer has ended.
    pub fn leave(&mut self, payer: Payer) {
        if let Some(account) = self.accounts.get_mut(&payer) {
            account.pending = account.pending.saturating_sub(1);
        }
        self.advance();
        let now = self.now;
        self.accounts.retain(|_, account| account.pending > 0 || account.served > now);
    }

    /// So much was done for this payer.
    pub fn serve(&mut self, payer: Payer, amount: usize) {
        if let Some(account) = self.accounts.get_mut(&payer) {
            account.served = account.served.saturating_add(amount as u64);
        }
    }

    /// Where a payer stands.
    pub fn turn(&self, payer: Payer) -> Turn {
        let account = self.accounts.get(&payer).copied().unwrap_or(Account { served: self.now, pending: 0 });
        Turn { served: account.served, pending: account.pending }
    }

    fn advance(&mut self) {
        let least = self.accounts.values().filter(|account| account.pending > 0).map(|account| account.served).min();
        // With nobody left there is nobody to be fair to: all debts end.
        let most = || self.accounts.values().map(|account| account.served).max().unwrap_or(self.now);
        self.now = self.now.max(least.unwrap_or_else(most));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Payer = Payer([1; 32]);
    const B: Payer = Payer([2; 32]);

    #[test]
    fn a_newcomer_starts_where_the_least_served_stands() {
        let mut clocks = Clocks::default();
        clocks.enter(A);
        clocks.serve(A, 500);
        clocks.enter(B);
        assert_eq!(clocks.turn(B).served, 500);
        clocks.serve(A, 100);
        assert!(clocks.turn(B) < clocks.turn(A));
    }

    #[test]
    fn a_newcomer_with_one_job_goes_before_one_with_many() {
        let mut clocks = Clocks::default();
        (0..5).for_each(|_| clocks.enter(A));
        clocks.serve(A, 10);
        clocks.enter(B);
        assert_eq!(clocks.turn(A).served, clocks.turn(B).served);
        assert!(clocks.turn(B) < clocks.turn(A));
    }

    #[test]
    fn pausing_between_jobs_wipes_no_debt() {
        let mut clocks = Clocks::default();
        clocks.enter(A);
        clocks.enter(B);
        clocks.serve(B, 1000);
        clocks.leave(B);
        clocks.enter(B);
        assert_eq!(clocks.turn(B).served, 1000);
    }

    #[test]
    fn the_payers_without_work_are_forgotten_when_it_no_longer_matters() {
        let mut clocks = Clocks::default();
        for number in 0..100 {
            clocks.enter(Payer([number; 32]));
            clocks.serve(Payer([number; 32]), 10);
            clocks.leave(Payer([number; 32]));
        }
        assert!(clocks.accounts.is_empty());
    }
}
