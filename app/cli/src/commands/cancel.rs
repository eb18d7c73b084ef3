//! `precis summarize FILE --cancel`: calls off what the same command ordered.

use precis_client::{ClientError, PendingFile, SummaryRequest};
use serde_json::json;

use super::summarize::keep_failure;
use crate::args::SummarizeArgs;
use crate::exit::{Exit, Failure};
use crate::now;
use crate::output::Output;

pub(super) async fn run(
    args: &SummarizeArgs,
    request: &SummaryRequest,
    pending: Option<PendingFile>,
    output: Output,
) -> Result<Exit, Failure> {
    let pending = pending.ok_or_else(|| {
        Failure::usage("no payment is kept where the order was placed; give the --receipt that it was placed with")
    })?;
    let session = super::verified(&args.request, output).await?;
    match session.cancel(request, &pending, now()).await {
        Ok(failure) => {
            keep_failure(&failure, args, Some(&pending), output)?;
            let json = || json!({"status": "cancelled", "charged": false, "receiptFile": failure.receipt});
            output.result(|| "called off; nothing was charged\n".into(), json)?;
            Ok(Exit::Ok)
        }
        Err(ClientError::JobFailed(failure)) => {
            keep_failure(&failure, args, Some(&pending), output)?;
            Err(ClientError::JobFailed(failure).into())
        }
        Err(error) => Err(error.into()),
    }
}
