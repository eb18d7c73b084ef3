//! `precis summarize FILE --cancel`, and the like: calls off what the same command ordered.

use precis_client::{ClientError, Task};
use serde_json::json;

use super::order::Order;
use super::reach;
use crate::clock::now;
use crate::exit::{Exit, Failure};

pub(super) async fn run<T: Task>(order: &Order<'_, T>) -> Result<Exit, Failure> {
    let Order { target, policy, request, place, output, .. } = order;
    let pending = place.pending();
    if pending.signed()?.is_none() {
        return Err(ClientError::nothing_to_call_off().into());
    }
    let session = reach::verified(target, policy, *output).await?;
    match session.cancel(request, &pending, now()).await {
        Ok(failure) => {
            order.keep_failure(&failure)?;
            let json = || json!({"status": "cancelled", "charged": false, "receiptFile": failure.receipt});
            output.result(|| "called off; nothing was charged\n".into(), json)?;
            Ok(Exit::Ok)
        }
        Err(ClientError::JobFailed(failure)) => Err(order.failed(failure)?),
        Err(error) => Err(error.into()),
    }
}
