//! Calling a job off before its work begins (SPEC 5.8).

use precis_protocol::strict;
use serde::Deserialize;

use crate::answer::{self, Next};
use crate::error::ClientError;
use crate::failure::JobFailure;
use crate::judge::{Order, Payment};
use crate::pending::PendingFile;
use crate::problem;
use crate::request::Parts;
use crate::session::Session;

/// Longest answer to a request that calls a job off, bytes.
const MAX_BYTES: usize = 4096;

#[derive(Deserialize)]
struct CalledOff {
    status: String,
    charged: bool,
}

impl Session {
    /// Calls off the job of the unfinished payment for `request`. What is returned is final: its receipt says that nothing was
    /// charged. The caller removes the unfinished payment once it has kept what it wants of it.
    ///
    /// # Errors
    /// [`ClientError::Input`] when there is no such job, [`ClientError::RequestRefused`] when it has begun,
    /// [`ClientError::JobFailed`] when it ended otherwise or nothing proves that it was not charged.
    pub async fn cancel(&self, request: &Parts, pending: &PendingFile, now: u64) -> Result<JobFailure, ClientError> {
        let Some(kept) = pending.load(request.commitment())? else {
            return Err(ClientError::nothing_to_call_off());
        };
        let (Some(job), Some(terms)) = (kept.job.clone(), self.kept_terms(request, &kept)) else {
            return Err(ClientError::Input(
                "the service has not said yet that it took the order; run the same command with --no-wait instead of --cancel, then with --cancel again"
                    .into(),
            ));
        };
        let payment = Payment::kept(kept, &terms);
        let order = Order { request, terms: &terms, payment: &payment };
        let response = self.exchange.send(job.call_off()?).await?;
        if response.status() != http::StatusCode::OK {
            return Err(match answer::fetched(&response) {
                Next::Ended(ended) => ClientError::JobFailed(Box::new(self.conclude(&order, *ended, now).await?)),
                Next::Lost { why } => ClientError::RequestRefused(format!(
                    "{why}; run the same command without --cancel to go on with the same payment"
                )),
                _ if problem::read(&response).is_some_and(|problem| problem.code == "job_begun") => {
                    ClientError::RequestRefused(
                        "the work has begun and is not called off; run the same command without --cancel to fetch the summary"
                            .into(),
                    )
                }
                _ => problem::refusal(&response),
            });
        }
        let said: CalledOff = strict::from_slice(response.body(), MAX_BYTES)
            .map_err(|_| ClientError::malformed("the answer does not say whether the job was called off"))?;
        if said.status != "cancelled" || said.charged {
            return Err(ClientError::malformed("the answer does not say that the job was called off"));
        }
        // A word is not a proof, and the authorization is still good: the receipt says that it will not be taken.
        match answer::paid(&self.exchange.send(job.fetch()?).await?) {
            Next::Ended(ended) => match self.conclude(&order, *ended, now).await? {
                failure if failure.receipt.is_some() && failure.problem.code == "cancelled" => Ok(failure),
                failure => Err(ClientError::JobFailed(Box::new(failure))),
            },
            Next::Again { why, .. } => Err(ClientError::Unavailable(format!(
                "the job was called off, but its receipt is not at hand ({why}); run the same command again"
            ))),
            Next::Stop(error) => Err(error),
            _ => Err(ClientError::malformed("a job that was called off goes on")),
        }
    }
}
