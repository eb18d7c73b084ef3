//! One paid request, eight steps. Each consumes what only the step before can make, so that a wrong order does not
//! compile: `Opened → Admitted → Quoted → Authorized → Summarized → Settled → Receipted → Sealed` (SPEC 6.5).

mod admit;
mod authorize;
mod offer;
mod quote;
mod receipt;
mod seal;
mod settle;
mod summarize;

use std::sync::Arc;

pub use admit::{Admitted, Opened};
pub use authorize::Authorized;
pub use quote::{Quoted, quote_only};
pub use receipt::{ReceiptChain, Receipted};
pub use seal::Sealed;
pub use settle::{Settled, reconcile};
pub use summarize::Summarized;

use crate::error::Failure;
use crate::service::Service;

/// From an opened request to a released summary.
///
/// # Errors
/// [`Failure`], which says whether money moved and what to do next.
pub async fn run(service: Arc<Service>, opened: Opened) -> Result<Sealed, Failure> {
    let admitted = admit::admit(&service, opened).await?;
    let quoted = quote::quote(&service, admitted)?;
    let authorized = authorize::authorize(&service, quoted).await?;
    // From here the job belongs to the ledger, not to the connection: it goes on when the caller hangs up, and every
    // copy of the same payment waits for the same job.
    let key = authorized.key();
    let within = service.settings.answer_within;
    service.jobs.once(key, within, || perform(Arc::clone(&service), authorized)).await
}

async fn perform(service: Arc<Service>, authorized: Authorized) -> Result<Sealed, Failure> {
    let summarized = summarize::summarize(&service, authorized).await?;
    let settled = settle::settle(&service, summarized).await?;
    let receipted = receipt::receipt(&service, settled).await?;
    seal::seal(&service, receipted).await
}
