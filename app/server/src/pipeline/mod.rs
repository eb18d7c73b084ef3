//! One paid request, eight steps. Each consumes what only a step before can make, so that a wrong order does not compile:
//! `Opened → Admitted → Quoted → Authorized → Summarized → Settled → Receipted → Sealed` (SPEC 6.5). Where the payment is
//! taken first, work and settlement change places: `Authorized → Prepaid → Settled`.

mod admit;
mod authorize;
mod context;
mod damage;
mod ended;
mod fail;
mod found;
mod hold;
mod identifier;
mod offer;
mod order;
mod owed;
mod prepay;
pub mod probe;
mod quote;
mod receipt;
mod reconcile;
mod refund;
mod reverters;
mod seal;
mod settle;
mod stored;
mod summarize;
mod sweep;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use precis_protocol::problem::Charged;
use precis_store::{ClaimKey, Flow, Record, Stage};

pub use admit::{Admitted, Opened, Text};
pub(crate) use admit::{Asked, parse};
pub(crate) use authorize::ledger_failure;
pub use authorize::{Authorized, Judged};
pub use order::{Answer, Ticket, cancel, fetch, fetch_receipt};
pub use quote::{Quoted, quote_only};
pub use receipt::Receipted;
pub use reconcile::reconcile;
pub use seal::Sealed;
pub use settle::{Prepaid, Settled};
pub use summarize::Summarized;
pub(crate) use summarize::{model_mode, model_options, result};
pub use sweep::sweep;
pub use tokens::check_open_jobs;

use crate::clock;
use crate::error::{Class, Failure};
use crate::jobs::Watched;
use crate::service::Service;
use authorize::Work;
use context::Context;
use summarize::Claimed;

/// From an opened request to a released summary, or to a ticket for one that takes longer.
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
            service.jobs.once(flight, within, |watched| perform(Arc::clone(&service), key, Some(mine), watched));
        match landed.await {
            // It joined a flight that was begun without the document, which is here now.
            Some(Err(failure)) if failure.class() == Class::Interrupted => tokio::task::yield_now().await,
            Some(outcome) => return outcome.map(Answer::Released),
            None => {
                let record = summarize::load(&service, &key).await?;
                return Ok(Answer::Accepted(Ticket::of(&service, &record, patience.asynchronous)));
            }
        }
    }
}

/// Claims the payment and starts its job. What was claimed before is started by whoever waits for it.
async fn begin(service: Arc<Service>, judged: Judged) -> Result<Authorized, Failure> {
    if judged.is_claimed() {
        return authorize::claim(&service, judged).await;
    }
    let entry = service.jobs.enter()?;
    let mut authorized = authorize::claim(&service, judged).await?;
    if !authorized.ended {
        let (key, mine) = (authorized.key, authorized.work.share());
        entry.start(authorized.key(), |watched| perform(Arc::clone(&service), key, Some(mine), watched));
    }
    Ok(authorized)
}

/// Goes on with a job whose caller is not there, as far as that goes without the document; waits for it up to `within`.
async fn go_on(service: &Arc<Service>, key: ClaimKey, within: Duration) -> Option<Result<Sealed, Failure>> {
    let work = |watched| perform(Arc::clone(service), key, None, watched);
    service.jobs.once(*key.as_bytes(), within, work).await
}

async fn perform(
    service: Arc<Service>,
    key: ClaimKey,
    work: Option<Work>,
    watched: Watched,
) -> Result<Sealed, Failure> {
    hold::held(&service, &key, async {
        let record = summarize::load(&service, &key).await?;
        let context = Context::of(&record)?;
        if let Some(failure) = ended::without_result(&record, &context) {
            return Err(failure);
        }
        let flow = record.flow;
        let claimed = Claimed { record, context, work, watched };
        let settled = match flow {
            Flow::Authorization => {
                let summarized = summarize::summarize(&service, claimed).await?;
                can_sign(&service, &summarized.record)?;
                settle::settle(&service, summarized).await?
            }
            Flow::Upfront => {
                can_sign(&service, &claimed.record)?;
                let prepaid = settle::settle_upfront(&service, claimed).await?;
                summarize::summarize_prepaid(&service, prepaid).await?
            }
        };
        let charge = ended::charge(&settled.record);
        let released = async {
            let receipted = receipt::receipt(&service, settled).await?;
            seal::seal(&service, receipted).await
        };
        // The money is ours by now: whatever keeps the summary back does not change that.
        released.await.map_err(|failure: Failure| {
            charge.into_iter().fold(failure.charged(Charged::Yes), Failure::with_settlement)
        })
    })
    .await
}

/// No payment is taken that could not be receipted: the job stays as it is until there is a keyset in time.
fn can_sign(service: &Service, record: &Record) -> Result<(), Failure> {
    let untaken = matches!(record.state.stage(), Stage::Claimed | Stage::Running | Stage::Done);
    match service.identity.current().period().contains(clock::now()) {
        false if untaken => Err(Failure::new(Class::CannotSign, "")),
        _ => Ok(()),
    }
}
