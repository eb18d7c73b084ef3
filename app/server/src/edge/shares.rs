//! One resource, divided evenly between the sources that ask for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Source;

/// A source may hold at most this many times what is free (the dynamic threshold of shared buffers): one alone gets three
/// quarters, two get three sevenths each, and however many there are, something stays for the next one.
const GREED: usize = 3;

/// A number of places or bytes.
pub struct Shares {
    total: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    used: usize,
    held: HashMap<Source, usize>,
}

impl Shares {
    /// So much to divide.
    pub fn new(total: usize) -> Arc<Self> {
        Arc::new(Self { total, state: Mutex::default() })
    }

    /// Takes `amount` for `source`; none if too little is free, or if the source has its part. With `kept` so much stays
    /// free for others.
    pub fn take(self: &Arc<Self>, source: Source, amount: usize, kept: usize) -> Option<Share> {
        let mut share = Share { shares: Arc::clone(self), source, amount: 0 };
        share.grow(amount, kept).then_some(share)
    }

    /// What is taken now.
    #[cfg(test)]
    pub fn used(&self) -> usize {
        self.lock().used
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part that is taken; given back when dropped.
pub struct Share {
    shares: Arc<Shares>,
    source: Source,
    amount: usize,
}

impl Share {
    /// Takes more; whether there was so much.
    pub fn grow(&mut self, amount: usize, kept: usize) -> bool {
        let mut state = self.shares.lock();
        let free = self.shares.total.saturating_sub(state.used);
        let held = state.held.get(&self.source).copied().unwrap_or_default();
        if amount > free.saturating_sub(kept) || held.saturating_add(amount) > free.saturating_mul(GREED) {
            return false;
        }
        state.used += amount;
        *state.held.entry(self.source).or_default() += amount;
        self.amount += amount;
        true
    }

    /// What it holds.
    pub fn amount(&self) -> usize {
        self.amount
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut state = self.shares.lock();
        state.used = state.used.saturating_sub(self.amount);
        let rest = state.held.get(&self.source).copied().unwrap_or_default().saturating_sub(self.amount);
        if rest == 0 {
            state.held.remove(&self.source);
        } else {
            state.held.insert(self.source, rest);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn source(number: u8) -> Source {
        Source::from(std::net::IpAddr::from([192, 0, 2, number]))
    }

    fn all_it_gets(shares: &Arc<Shares>, number: u8) -> Vec<Share> {
        std::iter::from_fn(|| shares.take(source(number), 1, 0)).collect()
    }

    #[test]
    fn something_is_left_for_a_newcomer_however_greedy_the_others_are() {
        let shares = Shares::new(64);
        let first = all_it_gets(&shares, 1);
        assert_eq!(first.len(), 48);
        let others: Vec<_> = (2..=4).map(|number| all_it_gets(&shares, number)).collect();
        assert!(others.iter().all(|got| !got.is_empty()), "{:?}", others.iter().map(Vec::len).collect::<Vec<_>>());
        drop((first, others));
        assert!(shares.used() == 0 && shares.lock().held.is_empty());
        assert_eq!(all_it_gets(&shares, 5).len(), 48);
    }

    #[test]
    fn what_is_kept_for_the_first_bytes_goes_to_nothing_else() {
        let shares = Shares::new(100);
        let mut one = shares.take(source(1), 10, 0).unwrap();
        assert!(!one.grow(71, 20) && one.grow(60, 20));
        assert_eq!(one.amount(), 70);
        assert!(shares.take(source(2), 15, 20).is_none());
        assert!(shares.take(source(2), 15, 0).is_some());
    }

    #[test]
    fn a_single_place_can_be_taken() {
        let shares = Shares::new(1);
        let one = shares.take(source(1), 1, 0).unwrap();
        assert!(shares.take(source(2), 1, 0).is_none());
        drop(one);
        assert!(shares.take(source(2), 1, 0).is_some());
    }
}
