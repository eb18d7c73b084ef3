//! The work: on the model's thread; or the result of an earlier life, if the job was done before.

use precis_model::{ByteRange, Job, Nearest, Options as ModelOptions, Payer, Permit, Summary};
use precis_protocol::problem::Charged;
use precis_protocol::summary::{Coverage, Grounding, Options, Sentence, Source, SummaryResult, Usage};
use precis_protocol::{Digest, Mode};
use precis_store::{Change, JobId, JobResult, Record, Stage, State};
use tokio::sync::oneshot;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::admit::model_failure;
use super::state::{Claimed, Prepaid, Settled, Summarized, Work};
use crate::clock;
use crate::error::{Class, Failure};
use crate::jobs::fail::fail;
use crate::jobs::ledger::advance;
use crate::jobs::{ended, refund};
use crate::service::Service;

/// Step 5: runs the job, unless it was done before.
///
/// # Errors
/// When the work fails: the job ends, nothing is charged.
pub async fn summarize(service: &Service, mut claimed: Claimed) -> Result<Summarized, Failure> {
    let record = match claimed.record.state.stage() {
        Stage::Claimed | Stage::Running => unpaid(service, &mut claimed).await?,
        _ => claimed.record,
    };
    Ok(Summarized { record, context: claimed.context })
}

/// Step 6 where the payment was taken first: runs the job; what fails is paid back.
///
/// # Errors
/// When the work fails.
pub async fn summarize_prepaid(service: &Service, prepaid: Prepaid) -> Result<Settled, Failure> {
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
    let permit = work.permit.take().or_else(|| service.engine.reserve(work.options.mode, work.tokens));
    let permit = permit.ok_or_else(|| Failure::new(Class::Busy, ""))?;
    let (mode, started) = (work.options.mode, Instant::now());
    let summary = infer(service, claimed, work, permit).await?;
    let (milliseconds, output_tokens) = (started.elapsed().as_millis(), summary.output_tokens);
    tracing::info!(event = "work.finished", mode = mode.name(), milliseconds, output_tokens);
    let result = result(service.engine.of(mode).digest, mode, claimed.record.job_id, summary);
    let response = serde_json::to_vec(&result).map_err(|e| Failure::internal("result", e))?;
    Ok(JobResult { status: 200, response, receipt: None })
}

async fn infer(service: &Service, claimed: &Claimed, work: Work, permit: Permit) -> Result<Summary, Failure> {
    let (options, watched) = (work.options, &claimed.watched);
    let seconds = service.engine.timeout_seconds(options.mode, work.tokens);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
    let job = Job {
        mode: model_mode(options.mode),
        text: Zeroizing::clone(&work.text),
        options: model_options(options),
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
        Ok(Ok(summary)) => Ok(summary),
        Ok(Err(error)) => Err(model_failure(&error)),
        Err(_) => Err(Failure::internal("work", "the model thread is gone")),
    }
}

/// The model crate knows nothing of the wire, so it has its own name for a mode.
pub(crate) fn model_mode(mode: Mode) -> precis_model::Mode {
    match mode {
        Mode::Extractive => precis_model::Mode::Extractive,
        Mode::Abstractive => precis_model::Mode::Abstractive,
    }
}

/// What it is told of a caller's options.
pub(crate) fn model_options(options: Options) -> ModelOptions {
    ModelOptions { max_words: options.max_words, max_sentences: options.max_sentences, focus: options.focus }
}

/// The result as the wire has it: a function of the summary, the job's id and the model's digest alone.
pub(crate) fn result(model: Digest, mode: Mode, JobId(id): JobId, summary: Summary) -> SummaryResult {
    let offsets = |range: ByteRange| (range.start as u64, range.end as u64);
    let sentences = summary.sentences.into_iter().map(|sentence| {
        let source = sentence.source.map(offsets);
        let grounding = sentence.grounding.map(|grounding| {
            let source = |nearest: &Nearest| {
                let (start, end) = offsets(nearest.source);
                Source { start, end, score: nearest.score_permille.into() }
            };
            let sources: Vec<Source> = grounding.nearest.iter().map(source).collect();
            let support = sources.first().map_or(0, |nearest| nearest.score);
            let unsupported = [grounding.unsupported_names, grounding.unsupported_numbers].concat();
            Grounding { support, sources, unsupported }
        });
        Sentence { text: sentence.text, start: source.map(|s| s.0), end: source.map(|s| s.1), grounding }
    });
    let (input_tokens, tokens_read) = (summary.input_tokens, summary.tokens_read);
    SummaryResult {
        id,
        mode,
        summary: summary.text,
        sentences: sentences.collect(),
        coverage: Coverage { input_tokens, tokens_read, chunks: summary.chunks, complete: tokens_read == input_tokens },
        usage: Usage { input_tokens, output_tokens: summary.output_tokens },
        verbatim: summary.verbatim,
        model,
    }
}
