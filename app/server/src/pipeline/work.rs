//! The work: on the model's thread; or the result of an earlier life, if the job was done before.

use std::sync::Arc;
use std::time::Duration;

use precis_protocol::Digest;
use precis_protocol::problem::Charged;
use precis_store::{Change, JobResult, Record, Stage, State};
use precis_summarize::{Job, Payer};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::state::{Claimed, Done, Prepaid, Settled, Work};
use crate::clock;
use crate::error::{Class, Failure};
use crate::jobs::fail::fail;
use crate::jobs::ledger::advance;
use crate::jobs::{ended, refund};
use crate::service::{Permit, Service};
use crate::task::model_failure;

/// Step 5: runs the job, unless it was done before.
///
/// # Errors
/// When the work fails: the job ends, nothing is charged.
pub async fn work(service: &Service, mut claimed: Claimed) -> Result<Done, Failure> {
    let record = match claimed.record.state.stage() {
        Stage::Claimed | Stage::Running => unpaid(service, &mut claimed).await?,
        _ => claimed.record,
    };
    Ok(Done { record, context: claimed.context })
}

/// Step 6 where the payment was taken first: runs the job; what fails is paid back.
///
/// # Errors
/// When the work fails.
pub async fn work_prepaid(service: &Service, prepaid: Prepaid) -> Result<Settled, Failure> {
    let Prepaid { mut claimed, paid } = prepaid;
    if claimed.record.state.stage() == Stage::Settled {
        return Ok(Settled { record: claimed.record, context: claimed.context, paid });
    }
    let taken = |failure: Failure, record: &Record| {
        let failure = failure.charged(Charged::Yes);
        ended::charge(record).into_iter().fold(failure, Failure::with_settlement)
    };
    let Some(work) = claimed.work.take() else {
        return Err(taken(Failure::new(Class::Interrupted, ""), &claimed.record));
    };
    match perform(service, &claimed, work).await {
        // Stored together with its receipt, in the last step.
        Ok(result) => {
            claimed.record.result = Some(result);
            Ok(Settled { record: claimed.record, context: claimed.context, paid })
        }
        Err(failure) if failure.class() == Class::Busy => Err(taken(failure, &claimed.record)),
        Err(failure) => {
            let class = if failure.class() == Class::Internal { Class::WorkFailed } else { failure.class() };
            Err(refund::begin(service, claimed.record, &claimed.context, paid, class).await?)
        }
    }
}

async fn unpaid(service: &Service, claimed: &mut Claimed) -> Result<Record, Failure> {
    let Some(work) = claimed.work.take() else { return Err(Failure::new(Class::Interrupted, "")) };
    let mut record = claimed.record.clone();
    if record.state.stage() == Stage::Running {
        // Nobody else holds the job: the process that ran it is gone.
        record = advance(service, &record, Change::to(State::Claimed, clock::now())).await?;
    }
    record = advance(service, &record, Change::to(State::Running, clock::now())).await?;
    match perform(service, claimed, work).await {
        Ok(result) => advance(service, &record, Change::to(State::Done, clock::now()).with_result(result)).await,
        // It stays claimed, and the same payment may be sent again.
        Err(failure) if failure.class() == Class::Busy => {
            advance(service, &record, Change::to(State::Claimed, clock::now())).await?;
            Err(failure)
        }
        Err(failure) => Err(fail(service, record, &claimed.context, failure.class()).await?),
    }
}

async fn perform(service: &Service, claimed: &Claimed, mut work: Work) -> Result<JobResult, Failure> {
    let task = work.input.task();
    let permit = match work.permit.take() {
        Some(permit) => permit,
        None => service.engine.reserve(task, work.tokens)?,
    };
    let started = Instant::now();
    let response = infer(service, claimed, work, permit).await?;
    tracing::info!(event = "work.finished", %task, milliseconds = started.elapsed().as_millis(), bytes = response.len());
    Ok(JobResult { status: 200, response, receipt: None })
}

async fn infer(service: &Service, claimed: &Claimed, work: Work, permit: Permit) -> Result<Vec<u8>, Failure> {
    let Work { input, tokens, .. } = work;
    let (task, watched, id) = (input.task(), &claimed.watched, claimed.record.job_id);
    let models = Arc::clone(service.engine.models());
    let deadline = std::time::Instant::now() + Duration::from_secs(service.engine.known(task)?.timeout_seconds(tokens));
    let job = Job {
        work: Box::new(move |control| input.perform(&models, id, control)),
        control: watched.control().with_deadline(deadline),
        payer: Payer(*Digest::of(&claimed.record.authorization.payer).as_bytes()),
    };
    let (done, outcome) = oneshot::channel();
    let waiting = permit.submit(job, Box::new(move |result| _ = done.send(result)));
    let outcome = tokio::select! {
        outcome = outcome => outcome,
        () = watched.called_off() => {
            waiting.give_up();
            return Err(Failure::new(Class::Cancelled, ""));
        }
    };
    match outcome {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) => {
            let failure = model_failure(&error);
            if failure.class().is_unsold() {
                service.payments.unsold.note(claimed.record.authorization.payer.into(), task, clock::now());
            }
            Err(failure)
        }
        Err(_) => Err(Failure::internal("work", "the model thread is gone")),
    }
}
