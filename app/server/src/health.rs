//! What the service needs in order to take payments, as it was found last: names, reasons, since when.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use serde::Serialize;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// The keyset in force is in time, or its successor is on its way.
    Keyset,
    /// The ledger can be written.
    Ledger,
    /// The node of the payment chain answers and is in step.
    Chain,
    /// A payment could be settled: the wallet has gas, the price of gas is bearable, the facilitator is the right one.
    Settlement,
    /// Every thread of the models lives.
    Workers,
    /// There is room for the ledger to grow.
    Disk,
    /// The service is not about to stop.
    Stopping,
}

impl Check {
    /// What a caller is told: the name, and nothing of settings or causes.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Keyset => "the keyset is not renewed in time",
            Self::Ledger => "the ledger cannot be written",
            Self::Chain => "the payment chain does not answer or is not in step",
            Self::Settlement => "payments cannot be settled",
            Self::Workers => "the models do not run",
            Self::Disk => "there is no room for the ledger",
            Self::Stopping => "the service is about to stop",
        }
    }
}

/// A check that fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failing {
    /// Which.
    pub check: Check,
    /// Why, for the operator: no value of a setting.
    pub why: String,
    /// Unix seconds.
    pub since: u64,
}

/// The state of all checks. One that was never looked at does not fail.
#[derive(Default)]
pub struct Health(RwLock<BTreeMap<Check, Failing>>);

impl Health {
    /// Writes down what a check found at `now` (Unix seconds), and logs a change.
    pub fn found(&self, check: Check, outcome: Result<(), String>, now: u64) {
        let mut failing = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => {
                if let Some(before) = failing.remove(&check) {
                    tracing::info!(event = "health.back", ?check, seconds = now.saturating_sub(before.since));
                }
            }
            Err(why) => {
                let before = failing.get(&check);
                if before.is_none() {
                    tracing::warn!(event = "health.failing", ?check, why);
                }
                let since = before.map_or(now, |before| before.since);
                failing.insert(check, Failing { check, why, since });
            }
        }
    }

    /// What fails now.
    pub fn failing(&self) -> Vec<Failing> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The first of `checks` that fails.
    pub fn first_of(&self, checks: &[Check]) -> Option<Check> {
        let failing = self.0.read().unwrap_or_else(PoisonError::into_inner);
        checks.iter().copied().find(|check| failing.contains_key(check))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_fails_is_told_since_when_until_it_is_back() {
        let health = Health::default();
        assert_eq!(health.failing(), []);
        health.found(Check::Disk, Err("3 MiB".into()), 10);
        health.found(Check::Disk, Err("2 MiB".into()), 20);
        assert_eq!(health.failing(), [Failing { check: Check::Disk, why: "2 MiB".into(), since: 10 }]);
        assert_eq!(health.first_of(&[Check::Ledger, Check::Disk]), Some(Check::Disk));
        health.found(Check::Disk, Ok(()), 30);
        assert_eq!(health.first_of(&[Check::Disk]), None);
    }
}
