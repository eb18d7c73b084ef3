//! Problem documents of the service (SPEC 5.6), read as what the caller must do.

use std::time::Duration;

use bytes::Bytes;
use precis_protocol::problem::{Charged, Fault, Problem};

use crate::error::ClientError;
use crate::text::printable;

/// Longest pause that a service may ask for between two tries.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(15);

pub(crate) fn read(response: &http::Response<Bytes>) -> Option<Problem> {
    serde_json::from_slice(response.body()).ok()
}

/// A refusal, by whose fault it is.
pub(crate) fn refusal(response: &http::Response<Bytes>) -> ClientError {
    let Some(problem) = read(response) else {
        return ClientError::Unavailable(format!(
            "the service answered {} without saying why; try again later",
            response.status().as_u16()
        ));
    };
    let detail = if problem.detail.is_empty() { &problem.title } else { &problem.detail };
    let text = printable(&format!(
        "the service refused: {} ({}); {}",
        detail.trim_end_matches('.'),
        problem.code,
        problem.next
    ));
    match problem.fault {
        Fault::Client => ClientError::RequestRefused(text),
        Fault::Payer => {
            let uncharged = problem.charged == Charged::No;
            ClientError::PaymentRefused { why: text, is_final: false, uncharged }
        }
        Fault::Service | Fault::Upstream => ClientError::Unavailable(text),
    }
}

/// Longest pause that a caller waits for while the command runs.
const FAR: Duration = Duration::from_secs(60);

/// Checks whether the service asks for a pause that is too long to wait for.
pub(crate) fn is_far(response: &http::Response<Bytes>) -> bool {
    asked(response).is_some_and(|pause| pause > FAR)
}

/// The pause that the service asks for, bounded.
pub(crate) fn retry_after(response: &http::Response<Bytes>) -> Option<Duration> {
    asked(response).map(|pause| pause.min(MAX_RETRY_AFTER))
}

fn asked(response: &http::Response<Bytes>) -> Option<Duration> {
    let seconds = response.headers().get(http::header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
