//! Transactions that wait: for the next block, or for a gap before their nonce to close.
//!
//! Guarantees at most one transaction per sender and nonce, and never more than the bounds in [`super`]. Order of
//! execution is order of arrival, as far as the nonces of one sender allow.

use std::collections::{BTreeMap, HashMap};

use alloy::consensus::transaction::Recovered;
use alloy::consensus::{Transaction as _, TxEnvelope};
use alloy_primitives::{Address, B256};
use thiserror::Error;

use super::{MAX_POOL, MAX_POOL_PER_SENDER};

/// Why the pool does not take a transaction. The sender has to act.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum PoolError {
    /// The same transaction waits already.
    #[error("already known")]
    AlreadyKnown,
    /// Another transaction waits under this nonce, and the new one does not pay a tenth more.
    #[error("replacement transaction underpriced")]
    Underpriced,
    /// One sender has too many waiting.
    #[error("account limit exceeded: too many transactions wait for this sender")]
    SenderFull,
    /// The pool is full.
    #[error("txpool is full")]
    Full,
}

struct Waiting {
    transaction: Recovered<TxEnvelope>,
    arrival: u64,
}

/// The pool.
#[derive(Default)]
pub(crate) struct Pool {
    senders: HashMap<Address, BTreeMap<u64, Waiting>>,
    by_hash: HashMap<B256, (Address, u64)>,
    arrivals: u64,
}

impl Pool {
    /// Takes `transaction`, or replaces the one with the same sender and nonce if it pays at least 10 % more.
    pub fn insert(&mut self, transaction: Recovered<TxEnvelope>) -> Result<(), PoolError> {
        let hash = *transaction.tx_hash();
        if self.by_hash.contains_key(&hash) {
            return Err(PoolError::AlreadyKnown);
        }
        let (sender, nonce) = (transaction.signer(), transaction.nonce());
        let full = self.by_hash.len() >= MAX_POOL;
        let queue = self.senders.get(&sender);
        let replaced = queue.and_then(|queue| queue.get(&nonce));
        if let Some(old) = replaced {
            if !pays_more(&transaction, &old.transaction) {
                return Err(PoolError::Underpriced);
            }
        } else if full {
            return Err(PoolError::Full);
        } else if queue.is_some_and(|queue| queue.len() >= MAX_POOL_PER_SENDER) {
            return Err(PoolError::SenderFull);
        }
        if let Some(old) = replaced {
            self.by_hash.remove(old.transaction.tx_hash());
        }
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.by_hash.insert(hash, (sender, nonce));
        self.senders.entry(sender).or_default().insert(nonce, Waiting { transaction, arrival });
        Ok(())
    }

    /// The waiting transaction with this hash.
    pub fn get(&self, hash: &B256) -> Option<&Recovered<TxEnvelope>> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        self.senders.get(sender)?.get(nonce).map(|waiting| &waiting.transaction)
    }

    /// The first to arrive of those whose nonce is their sender's next one and that offer at least `base_fee`, wei per gas;
    /// senders in `skip` have had their turn.
    pub fn next_ready(
        &self,
        skip: &[Address],
        base_fee: u64,
        nonce_of: impl Fn(&Address) -> u64,
    ) -> Option<Recovered<TxEnvelope>> {
        self.senders
            .iter()
            .filter(|(sender, _)| !skip.contains(sender))
            .filter_map(|(sender, queue)| queue.get(&nonce_of(sender)))
            .filter(|waiting| affords(&waiting.transaction, base_fee))
            .min_by_key(|waiting| waiting.arrival)
            .map(|waiting| waiting.transaction.clone())
    }

    /// Everything that could go into the next block at `base_fee`, in order of arrival among senders' runs of nonces.
    pub fn ready(&self, base_fee: u64, nonce_of: impl Fn(&Address) -> u64) -> Vec<&Recovered<TxEnvelope>> {
        let mut found: Vec<(u64, &Recovered<TxEnvelope>)> = Vec::new();
        for (sender, queue) in &self.senders {
            let mut latest = 0;
            for (expected, (nonce, waiting)) in (nonce_of(sender)..).zip(queue.range(nonce_of(sender)..)) {
                if expected != *nonce || !affords(&waiting.transaction, base_fee) {
                    break;
                }
                latest = latest.max(waiting.arrival);
                found.push((latest, &waiting.transaction));
            }
        }
        found.sort_by_key(|(arrival, transaction)| (*arrival, transaction.nonce()));
        found.into_iter().map(|(_, transaction)| transaction).collect()
    }

    /// The nonce after the unbroken run of waiting transactions that starts at `nonce`.
    pub fn next_nonce(&self, sender: &Address, nonce: u64) -> u64 {
        let Some(queue) = self.senders.get(sender) else { return nonce };
        let run = (nonce..).zip(queue.range(nonce..)).take_while(|(expected, (found, _))| expected == *found).count();
        nonce.saturating_add(run as u64)
    }

    /// Forgets what an account has moved past without using it, as an EIP-7702 authorization can make it do.
    pub fn forget_passed(&mut self, nonce_of: impl Fn(&Address) -> u64) {
        let passed = |(sender, queue): (&Address, &BTreeMap<u64, Waiting>)| {
            let nonces = queue.range(..nonce_of(sender)).map(|(nonce, _)| (*sender, *nonce));
            nonces.collect::<Vec<_>>()
        };
        let passed: Vec<(Address, u64)> = self.senders.iter().flat_map(passed).collect();
        for (sender, nonce) in passed {
            self.remove(&sender, nonce);
        }
    }

    /// Forgets everything, and answers how much that was.
    pub fn clear(&mut self) -> usize {
        self.senders.clear();
        std::mem::take(&mut self.by_hash).len()
    }

    /// Forgets the transaction of `sender` with `nonce`.
    pub fn remove(&mut self, sender: &Address, nonce: u64) {
        let Some(queue) = self.senders.get_mut(sender) else { return };
        if let Some(removed) = queue.remove(&nonce) {
            self.by_hash.remove(removed.transaction.tx_hash());
        }
        if queue.is_empty() {
            self.senders.remove(sender);
        }
    }
}

/// Below the base fee a transaction waits, without being refused.
fn affords(transaction: &TxEnvelope, base_fee: u64) -> bool {
    transaction.max_fee_per_gas() >= u128::from(base_fee)
}

/// A replacement has to raise both the fee cap and the tip by a tenth, as nodes commonly demand.
fn pays_more(new: &TxEnvelope, old: &TxEnvelope) -> bool {
    let tip =
        |transaction: &TxEnvelope| transaction.max_priority_fee_per_gas().unwrap_or(transaction.max_fee_per_gas());
    let raised = |new: u128, old: u128| new >= old.saturating_add((old / 10).max(1));
    raised(new.max_fee_per_gas(), old.max_fee_per_gas()) && raised(tip(new), tip(old))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use alloy::consensus::{SignableTransaction, TxEip1559};
    use alloy_primitives::{Signature, U256};

    fn transaction(sender: u8, nonce: u64, fee: u128) -> Recovered<TxEnvelope> {
        let body = TxEip1559 { nonce, max_fee_per_gas: fee, max_priority_fee_per_gas: fee, ..Default::default() };
        let signature = Signature::new(U256::from(1), U256::from(u64::from(sender)), false);
        Recovered::new_unchecked(body.into_signed(signature).into(), Address::repeat_byte(sender))
    }

    #[test]
    fn a_gap_hides_later_nonces_until_it_closes() {
        let mut pool = Pool::default();
        pool.insert(transaction(1, 2, 10)).unwrap();
        pool.insert(transaction(1, 0, 10)).unwrap();
        assert_eq!(pool.next_nonce(&Address::repeat_byte(1), 0), 1);
        assert_eq!(pool.ready(0, |_| 0).len(), 1);
        pool.insert(transaction(1, 1, 10)).unwrap();
        assert_eq!(pool.next_nonce(&Address::repeat_byte(1), 0), 3);
        let nonces: Vec<u64> = pool.ready(0, |_| 0).iter().map(|transaction| transaction.nonce()).collect();
        assert_eq!(nonces, [0, 1, 2]);
    }

    #[test]
    fn the_first_to_arrive_is_ready_first() {
        let mut pool = Pool::default();
        pool.insert(transaction(1, 1, 10)).unwrap();
        pool.insert(transaction(2, 0, 10)).unwrap();
        pool.insert(transaction(3, 0, 10)).unwrap();
        let signer = |skip: &[Address]| pool.next_ready(skip, 0, |_| 0).map(|transaction| transaction.signer());
        assert_eq!(signer(&[]), Some(Address::repeat_byte(2)));
        assert_eq!(signer(&[Address::repeat_byte(2)]), Some(Address::repeat_byte(3)));
    }

    #[test]
    fn a_replacement_has_to_pay_a_tenth_more() {
        let mut pool = Pool::default();
        let first = transaction(1, 0, 100);
        pool.insert(first.clone()).unwrap();
        assert_eq!(pool.insert(first.clone()), Err(PoolError::AlreadyKnown));
        assert_eq!(pool.insert(transaction(1, 0, 109)), Err(PoolError::Underpriced));
        pool.insert(transaction(1, 0, 110)).unwrap();
        assert!(pool.get(first.tx_hash()).is_none());
        assert_eq!(pool.ready(0, |_| 0).len(), 1);
    }

    #[test]
    fn what_offers_less_than_the_base_fee_waits_and_holds_its_sender_up() {
        let mut pool = Pool::default();
        pool.insert(transaction(1, 0, 10)).unwrap();
        pool.insert(transaction(1, 1, 30)).unwrap();
        assert!(pool.next_ready(&[], 11, |_| 0).is_none());
        assert_eq!((pool.ready(11, |_| 0).len(), pool.ready(10, |_| 0).len()), (0, 2));
        assert_eq!(pool.next_nonce(&Address::repeat_byte(1), 0), 2);
        assert_eq!((pool.clear(), pool.next_nonce(&Address::repeat_byte(1), 0)), (2, 0));
    }

    #[test]
    fn what_an_account_moved_past_is_forgotten() {
        let mut pool = Pool::default();
        pool.insert(transaction(1, 0, 10)).unwrap();
        pool.insert(transaction(1, 3, 10)).unwrap();
        pool.forget_passed(|_| 3);
        let left: Vec<u64> = pool.ready(0, |_| 3).iter().map(|transaction| transaction.nonce()).collect();
        assert_eq!((left, pool.by_hash.len()), (vec![3], 1));
    }

    #[test]
    fn one_sender_cannot_fill_the_pool() {
        let mut pool = Pool::default();
        for nonce in 0..MAX_POOL_PER_SENDER as u64 {
            pool.insert(transaction(1, nonce, 10)).unwrap();
        }
        assert_eq!(pool.insert(transaction(1, 9_999, 10)), Err(PoolError::SenderFull));
        pool.insert(transaction(2, 0, 10)).unwrap();
        pool.remove(&Address::repeat_byte(1), 7);
        pool.insert(transaction(1, 9_999, 10)).unwrap();
    }
}
