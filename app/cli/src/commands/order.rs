//! An order of one summary: what was asked, where its payment and its proof are kept, and what remains when it fails.

use std::path::PathBuf;

use precis_client::{ClientError, JobFailure, Place, SummaryRequest};
use precis_verify::Policy;

use crate::args::SummarizeArgs;
use crate::exit::Failure;
use crate::money::Money;
use crate::output::Output;

/// Appended to the name of the receipt file for a job that failed: it is no receipt of a summary.
const FAILURE_SUFFIX: &str = ".failure.json";

/// What the command works on.
pub(super) struct Order<'a> {
    pub args: &'a SummarizeArgs,
    pub policy: &'a Policy,
    pub request: &'a SummaryRequest,
    pub place: &'a Place,
    pub output: Output,
}

impl Order<'_> {
    /// Keeps the receipt of a job that ended without a summary, and only then forgets the payment, which is of no more use.
    pub(super) fn failed(&self, failure: Box<JobFailure>) -> Result<Failure, Failure> {
        self.keep_failure(&failure)?;
        let money = match (&failure.receipt, failure.refund()) {
            (None, _) => None,
            (Some(_), None) => Some(Money::NotCharged),
            (Some(_), Some(refund)) => Some(Money::PaidBack { refund: refund.to_owned() }),
        };
        let failure = Failure::from(ClientError::JobFailed(failure));
        Ok(match money {
            Some(money) => failure.with_money(money),
            None => failure,
        })
    }

    /// Keeps the receipt of a job that ended without a summary.
    pub(super) fn keep_failure(&self, failure: &JobFailure) -> Result<(), Failure> {
        let Self { args, output, .. } = self;
        if failure.receipt.is_none() {
            return Ok(());
        }
        if let Some(transcript) = &failure.transcript {
            output.verified("receipt", transcript);
        }
        if let Some(receipt) = &args.receipt {
            let mut path = receipt.clone().into_os_string();
            path.push(FAILURE_SUFFIX);
            let path = PathBuf::from(path);
            failure.save_receipt(&path)?;
            output.progress(&format!("receipt: saved to {}", path.display()));
        }
        if self.place.is_held()
            && let Some(path) = self.place.keep_failure(failure)?
        {
            output.progress(&format!("receipt: kept in {}", path.display()));
        }
        Ok(())
    }
}
