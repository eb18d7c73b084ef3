//! Whose transaction is next, and with which account nonce.

use std::time::Duration;

use tokio::time::Instant;

/// How long the wallet's own count of its transactions counts for more than the node's, which may lag behind.
const NONCE_MEMORY: Duration = Duration::from_secs(15);

/// The wallet's account nonces. Whoever holds it may send.
#[derive(Default)]
pub struct Turn {
    /// The nonce after the last one that a node took, and when.
    next: Option<(u64, Instant)>,
    /// Since when the node's count is below that.
    behind: Option<Instant>,
}

impl Turn {
    /// The nonce to use when the node counts `pending` transactions.
    ///
    /// A node that lags catches up soon. One that goes on counting less has lost a transaction, and only its nonce, used
    /// again, lets those behind it into a block.
    pub(super) fn nonce(&mut self, pending: u64, now: Instant) -> u64 {
        let Some((own, taken)) = self.next.filter(|(own, _)| *own > pending) else {
            self.behind = None;
            return pending;
        };
        let behind = *self.behind.get_or_insert(now);
        let stale = |since: Instant| now.saturating_duration_since(since) >= NONCE_MEMORY;
        if stale(taken) || stale(behind) {
            *self = Self::default();
            return pending;
        }
        own
    }

    /// Notes whether a node took the transaction with this nonce.
    pub(super) fn used(&mut self, nonce: u64, taken: bool, now: Instant) {
        self.next = taken.then(|| (nonce + 1, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wallets_own_count_bridges_a_node_that_lags() {
        let (mut turn, now) = (Turn::default(), Instant::now());
        assert_eq!(turn.nonce(4, now), 4);
        turn.used(4, true, now);
        assert_eq!(turn.nonce(4, now), 5);
        assert_eq!(turn.nonce(7, now), 7, "somebody else used the wallet");
        turn.used(7, false, now);
        assert_eq!(turn.nonce(7, now), 7, "it never arrived");
    }

    #[test]
    fn a_count_that_the_node_never_reaches_is_given_up_even_while_more_is_sent() {
        let (mut turn, start) = (Turn::default(), Instant::now());
        turn.used(4, true, start);
        let mut used = Vec::new();
        for second in 0..=20 {
            let now = start + Duration::from_secs(second);
            let nonce = turn.nonce(4, now);
            turn.used(nonce, true, now);
            used.push(nonce);
        }
        assert_eq!(used[..15], (5..20).collect::<Vec<_>>(), "at first the node is thought to lag");
        assert_eq!(used[15], 4, "then its gap is closed");
    }

    #[test]
    fn a_count_from_long_ago_is_not_kept() {
        let (mut turn, start) = (Turn::default(), Instant::now());
        turn.used(4, true, start);
        assert_eq!(turn.nonce(4, start + NONCE_MEMORY), 4);
    }
}
