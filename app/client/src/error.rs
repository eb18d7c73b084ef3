//! What can go wrong for a caller, named by who must act.
//!
//! Every message is one sentence and says the next action. None carries document text, and text that came from
//! the network is cut and stripped of control characters before it stands here.

use std::path::PathBuf;

use precis_verify::Transcript;

use crate::failure::JobFailure;
use crate::terms::TermsError;

/// An error of the client library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The caller's input cannot be used; nothing was sent.
    #[error("{0}")]
    Input(String),
    /// The service cannot be reached or is not able to work now.
    #[error("{0}")]
    Unavailable(String),
    /// Money may be under way: the outcome of the settlement is not known. Only the same payment may be sent again.
    #[error("{0}")]
    SettlementUnknown(String),
    /// The terms asked for are not the ones that the verified service published, or exceed the caller's cap. They were not signed.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The service refused the payment.
    #[error("{why}")]
    PaymentRefused {
        /// Why, and what to do next.
        why: String,
        /// Whether the service found that it did not take this payment and never will. Otherwise it may still be taken.
        is_final: bool,
        /// Whether the service says that it has not taken it so far. Otherwise nobody knows.
        uncharged: bool,
    },
    /// The service refused the request and says that the caller must change it.
    #[error("{0}")]
    RequestRefused(String),
    /// The job goes on and was not to be waited for: the next purchase of the same request fetches the summary.
    #[error("{0}")]
    Underway(String),
    /// The job ended without a summary. With a receipt that is final, and the failure cost nothing.
    #[error("{0}")]
    JobFailed(Box<JobFailure>),
    /// An answer is not what the protocol allows, so that nothing in it can be trusted.
    #[error("{0}")]
    CannotVerify(String),
    /// The receipt that came with the summary does not verify; the summary is withheld.
    #[error(
        "the receipt does not verify, so the summary is withheld; the transcript names the failed checks, report them to the operator of the service"
    )]
    Receipt(Box<Transcript>),
    /// The summary was bought before, and its kept receipt does not verify any more.
    #[error(
        "this summary was bought before, but its receipt {} does not pass the policy that is given now; use the policy that it was bought under, or --again to buy another",
        path.display()
    )]
    Kept {
        /// Where the receipt is kept.
        path: PathBuf,
        /// The checks.
        transcript: Box<Transcript>,
    },
}

impl ClientError {
    /// A refusal after which the payment may still be taken, or may have been.
    pub(crate) fn refused(why: String) -> Self {
        Self::PaymentRefused { why, is_final: false, uncharged: false }
    }

    /// Nothing is under way that could be called off.
    #[must_use]
    pub fn nothing_to_call_off() -> Self {
        let why = "no payment for this request is under way, so that there is nothing to call off; give the same document and options as in the order";
        Self::Input(why.into())
    }

    /// An answer outside the protocol.
    pub(crate) fn malformed(what: &str) -> Self {
        Self::CannotVerify(format!("{what}; report this to the operator of the service"))
    }
}
