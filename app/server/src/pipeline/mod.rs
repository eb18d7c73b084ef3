//! One paid request, eight steps. Each consumes what only a step before can make, so that a wrong order does not compile:
//! `Opened → Admitted → Quoted → Authorized → Done → Settled → Receipted → Sealed` (SPEC 6.5). Where the payment is
//! taken first, work and settlement change places: `Authorized → Prepaid → Settled`.
//!
//! [`run`] takes the steps up to the claim, [`perform`] those after it. The types of the former stand with their steps, those of
//! the latter in [`state`].

mod admit;
mod authorize;
mod identifier;
mod offer;
mod order;
mod perform;
mod prepay;
pub mod probe;
mod quote;
mod receipt;
mod reconcile;
mod seal;
mod settle;
mod state;
mod terms;
mod work;

use std::sync::Arc;

use precis_protocol::problem::Charged;

pub use admit::{Admitted, Opened};
pub use authorize::{Authorized, Judged};
pub use order::{Answer, Ticket, cancel, fetch, fetch_receipt};
pub use quote::{Quoted, quote_only};
pub use reconcile::reconcile;
pub use state::{Done, Prepaid, Receipted, Settled};

use crate::error::{Class, Failure};
use crate::jobs::ledger;
use crate::service::Service;
use perform::perform;

/// From an opened request to a released result, or to a ticket for one that takes longer.
///
/// # Errors
/// [`Failure`], which says whether money moved and what to do next.
pub async fn run(service: Arc<Service>, opened: Opened) -> Result<Answer, Failure> {
    let patience = opened.patience(service.settings.answer_within);
    let admitted = admit::admit(&service, opened).await?;
    let quoted = quote::quote(&service, admitted)?;
    let judged = authorize::judge(&service, quoted).await?;
    // From here the job belongs to the ledger, not to the connection: it goes on when the caller hangs up, and every
    // copy of the same payment waits for the same job. A task of its own, because one that hangs up between the claim and
    // the start would leave a job that nobody runs.
    let begun = tokio::spawn(begin(Arc::clone(&service), judged)).await;
    let authorized = begun.unwrap_or_else(|_| Err(Failure::internal("claim", "panicked").charged(Charged::Unknown)))?;
    let flight = authorized.key();
    // What has ended is at hand, whatever the caller prefers.
    let within = if authorized.ended { service.settings.answer_within } else { patience.within };
    let Authorized { key, mut work, .. } = authorized;
    loop {
        let mine = work.share();
        let landed =
            service.flights.once(flight, within, |watched| perform(Arc::clone(&service), key, Some(mine), watched));
        match landed.await {
            // It joined a flight that was begun without the document, which is here now.
            Some(Err(failure)) if failure.class() == Class::Interrupted => tokio::task::yield_now().await,
            Some(outcome) => return outcome.map(Answer::Released),
            None => {
                let record = ledger::load(&service, &key).await?;
                return Ok(Answer::Accepted(Ticket::of(&service, &record, patience.asynchronous)?));
            }
        }
    }
}

/// Claims the payment and starts its job. What was claimed before is started by whoever waits for it.
async fn begin(service: Arc<Service>, judged: Judged) -> Result<Authorized, Failure> {
    if judged.is_claimed() {
        return authorize::claim(&service, judged).await;
    }
    let entry = service.flights.enter()?;
    let mut authorized = authorize::claim(&service, judged).await?;
    if !authorized.ended {
        let (key, mine) = (authorized.key, authorized.work.share());
        entry.start(authorized.key(), |watched| perform(Arc::clone(&service), key, Some(mine), watched));
    }
    Ok(authorized)
}
