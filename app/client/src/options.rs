//! Options of a purchase.

use std::time::Duration;

use crate::budget::Budget;
use crate::pending::PendingFile;
use crate::price::MaxPrice;

/// How often the same payment is sent, how long to wait in between, and for how long in all.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Tries in a row that may fail, at least one. A service that says that the job goes on has not failed.
    pub attempts: u32,
    /// Pause before the next try when the service names none; it is never taken to be less than half of this.
    pub pause: Duration,
    /// How long a job that goes on is followed.
    pub patience: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 8, pause: Duration::from_secs(2), patience: Duration::from_secs(30 * 60) }
    }
}

/// How to buy.
#[derive(Clone)]
pub struct PurchaseOptions {
    /// The most that may be authorized; none is [`MaxPrice::default`] for what is signed now, and no bound on a payment that was
    /// signed before.
    pub max_price: Option<MaxPrice>,
    /// The bound on this purchase and those before it.
    pub budget: Budget,
    /// Where the unfinished payment stands. Without it, a client that is killed cannot resume.
    pub pending: Option<PendingFile>,
    /// Bounds on trying again.
    pub retry: Retry,
    /// Whether to stay until the summary is there. Otherwise a job that takes longer ends in [`crate::ClientError::Underway`], and the
    /// next purchase of the same request, which `pending` must make possible, fetches it.
    pub wait: bool,
    /// Longest time that the service works before it says how far it is; by default as long as it likes. Whoever shows progress wants
    /// that soon.
    pub word_after: Option<Duration>,
    /// Signs a new authorization although an unfinished one is kept. If the service took or still takes that one, both are paid.
    pub new_payment: bool,
    /// The clock, in Unix seconds.
    pub clock: fn() -> u64,
}
