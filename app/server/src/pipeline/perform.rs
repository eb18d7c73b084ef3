//! From a claimed job to its sealed answer: the steps after the claim, for whoever waits for it and for nobody.

use std::sync::Arc;
use std::time::Duration;

use precis_protocol::problem::Charged;
use precis_store::{ClaimKey, Flow, Record, Stage};

use super::state::{Claimed, Work};
use super::{receipt, seal, settle, work as works};
use crate::clock;
use crate::error::{Class, Failure};
use crate::flights::Watched;
use crate::jobs::context::Context;
use crate::jobs::ledger::load;
use crate::jobs::{ended, hold};
use crate::sealed::Sealed;
use crate::service::Service;

/// Goes on with a job whose caller is not there, as far as that goes without the document; waits for it up to `within`.
pub(super) async fn go_on(service: &Arc<Service>, key: ClaimKey, within: Duration) -> Option<Result<Sealed, Failure>> {
    let work = |watched| perform(Arc::clone(service), key, None, watched);
    service.flights.once(*key.as_bytes(), within, work).await
}

/// Takes the steps after the claim, from wherever the job stands.
pub(super) async fn perform(
    service: Arc<Service>,
    key: ClaimKey,
    work: Option<Work>,
    watched: Watched,
) -> Result<Sealed, Failure> {
    hold::held(&service, &key, async {
        let record = load(&service, &key).await?;
        let context = Context::of(&record)?;
        if let Some(failure) = ended::without_result(&record, &context) {
            return Err(failure);
        }
        let flow = record.flow;
        let claimed = Claimed { record, context, work, watched };
        let settled = match flow {
            Flow::Authorization => {
                let done = works::work(&service, claimed).await?;
                can_sign(&service, &done.record)?;
                settle::settle(&service, done).await?
            }
            Flow::Upfront => {
                can_sign(&service, &claimed.record)?;
                let prepaid = settle::settle_upfront(&service, claimed).await?;
                works::work_prepaid(&service, prepaid).await?
            }
        };
        let charge = ended::charge(&settled.record);
        let released = async {
            let receipted = receipt::receipt(&service, settled).await?;
            seal::seal(&service, receipted).await
        };
        // The money is ours by now: whatever keeps the result back does not change that.
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
