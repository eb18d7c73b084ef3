//! The events of a purchase.

use std::time::Duration;

use alloy_primitives::Address;

use crate::amount::Amount;
use crate::pending::SignedPayment;

/// An event of a purchase, for whoever watches.
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
        /// Set if the payment is taken before the work, and paid back if that fails.
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
    /// An earlier, unfinished payment is given up as [`crate::PurchaseOptions::new_payment`] asks: it may still be taken until it lapses.
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
