//! Contract accounts that made the wallet pay for nothing: remembered, within bounds, and refused for a day.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use alloy_primitives::Address;
use tokio::time::Instant;

use crate::exact::{Authorized, Invalid, SignatureKind};

/// How long an account is refused.
const REFUSED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Accounts that are remembered, count. Each has cost somebody a deployment; the oldest make room.
const MAX_REVERTERS: usize = 16_384;

/// Accounts that made the wallet pay for nothing.
#[derive(Default)]
pub(super) struct Reverters(Mutex<HashMap<Address, Instant>>);

impl Reverters {
    /// Refuses a contract account that is remembered.
    pub(super) fn check(&self, authorized: &Authorized) -> Result<(), Invalid> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = known.get(&authorized.payer()).is_some_and(|since| since.elapsed() < REFUSED_FOR);
        if refused && authorized.signature_kind() == SignatureKind::Contract {
            return Err(Invalid::AccountReverts);
        }
        Ok(())
    }

    pub(super) fn remember(&self, account: Address, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_REVERTERS && !known.contains_key(&account) {
            known.retain(|_, since| now.saturating_duration_since(*since) < REFUSED_FOR);
            if known.len() >= MAX_REVERTERS
                && let Some(oldest) = known.iter().min_by_key(|(_, since)| **since).map(|(account, _)| *account)
            {
                known.remove(&oldest);
            }
        }
        known.insert(account, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_accounts_that_revert_is_bounded_and_forgets_the_oldest() {
        let (reverters, start) = (Reverters::default(), Instant::now());
        let account = |number: usize| Address::left_padding_from(&number.to_be_bytes());
        for number in 0..=MAX_REVERTERS {
            reverters.remember(account(number), start + Duration::from_millis(number as u64));
        }
        let known = reverters.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(known.len(), MAX_REVERTERS);
        assert!(!known.contains_key(&account(0)) && known.contains_key(&account(MAX_REVERTERS)));
    }
}
