//! A job that ended without a summary, and what proves that it cost nothing (SPEC 7.6).

use std::fmt;

use precis_protocol::problem::Problem;
use precis_protocol::receipt::ReceiptFile;
use precis_verify::Transcript;

use crate::text::printable;

/// Why there is no summary.
///
/// With [`Self::receipt`] it is final: nothing was charged, or it was paid back, and the caller may remove the unfinished payment once it
/// has kept the receipt. Without, only the same payment may be sent again.
pub struct JobFailure {
    /// As the service says it.
    pub problem: Problem,
    /// The signed receipt that nothing was charged, or that it was paid back; only if it verifies. It verifies alone, offline.
    pub receipt: Option<ReceiptFile>,
    /// The checks of the receipt that came with the answer, if there was one that could be judged.
    pub transcript: Option<Transcript>,
}

impl JobFailure {
    /// The transaction that paid back what was charged, if the receipt says so.
    #[must_use]
    pub fn refund(&self) -> Option<&str> {
        self.receipt.as_ref().and(self.problem.refund.as_deref())
    }
}

impl fmt::Display for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { title, code, next, .. } = &self.problem;
        write!(f, "{} ({}); ", printable(title.trim_end_matches('.')), printable(code))?;
        match (&self.receipt, self.refund()) {
            (Some(_), None) => {
                write!(f, "not charged, as the signed receipt says; {}", printable(next))
            }
            (Some(_), Some(refund)) => {
                write!(f, "charged and paid back by transaction {}, as the signed receipt says; ", printable(refund))?;
                f.write_str(&printable(next))
            }
            (None, _) => {
                let receipt =
                    if self.problem.receipt.is_some() { "its receipt does not verify" } else { "it has no receipt" };
                write!(
                    f,
                    "{receipt}, so that nothing proves whether it was charged: run the same command again to retry the same payment, and check the wallet before signing another"
                )
            }
        }
    }
}

// The receipt's salts open its digests: they are for its file, not for logs.
impl fmt::Debug for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobFailure").field("code", &self.problem.code).field("proven", &self.receipt.is_some()).finish()
    }
}
