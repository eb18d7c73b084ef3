//! How a summary is bought, and what can be watched meanwhile.

use std::time::Duration;

use alloy_primitives::Address;

use crate::amount::Amount;
use crate::pending::{PendingFile, SignedPayment};
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
    /// Where the unfinished payment stands. Without it, a client that is killed cannot resume.
    pub pending: Option<PendingFile>,
    /// Bounds on trying again.
    pub retry: Retry,
    /// Whether to stay until the summary is there. Otherwise a job that takes longer ends in [`crate::ClientError::Underway`], and the
    /// next purchase of the same request, which `pending` must make possible, fetches it.
    pub wait: bool,
    /// Signs a new authorization although an unfinished one is kept. If the service took or still takes that one, both are paid.
    pub new_payment: bool,
    /// The clock, in Unix seconds.
    pub clock: fn() -> u64,
}

/// What happens during a purchase, for whoever watches.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress {
    /// The terms are those of the attested keyset, and within the cap.
    Terms {
        /// The price.
        amount: Amount,
        /// CAIP-2 network.
        network: String,
        /// Token contract.
        asset: Address,
        /// Payee.
        pay_to: Address,
        /// Whether the payment is taken before the work, and paid back if that fails.
        upfront: bool,
    },
    /// An earlier, unfinished payment for the same request is used again.
    Resuming {
        /// What is signed.
        payment: SignedPayment,
        /// Its amount.
        amount: Amount,
    },
    /// The service refused the earlier payment for good, or it has lapsed: another is signed in its place.
    GivenWay {
        /// Why.
        why: String,
    },
    /// An earlier, unfinished payment is given up as [`PurchaseOptions::new_payment`] asks: it may still be taken until it lapses.
    Discarding {
        /// What is signed.
        payment: SignedPayment,
        /// Its amount.
        amount: Amount,
    },
    /// The payment is signed and about to be sent.
    Paying,
    /// The service works on it and will be asked again; the document is not sent again.
    Working {
        /// `accepted`, `queued`, `working` or `settling`.
        status: String,
        /// Tokens of the document read so far.
        tokens_read: u64,
        /// Tokens of the document, once they are counted.
        tokens: u64,
    },
    /// There will be no summary, and the payment is on its way back.
    Refunding {
        /// Pause before it is asked for again.
        pause: Duration,
    },
    /// The same payment is sent, or the same job asked for, again after a pause.
    Retrying {
        /// Try that failed, from 1.
        attempt: u32,
        /// Why.
        why: String,
        /// Pause before the next.
        pause: Duration,
    },
}

/// Whoever watches a purchase.
pub(crate) type Watcher<'a> = dyn FnMut(Progress) + Send + 'a;
