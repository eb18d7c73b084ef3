//! Step 5: the work, on the model's thread; or the result of an earlier life, if the job was done before.

use precis_model::{ByteRange, Control, Job, Nearest, Options as ModelOptions, Permit, Summary};
use precis_protocol::Mode;
use precis_protocol::summary::{Coverage, Grounding, Sentence, Source, SummaryResult, Usage};
use precis_store::{Change, ClaimKey, JobId, JobResult, Record, Stage, State};
use tokio::sync::oneshot;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::admit::model_failure;
use super::authorize::{Authorized, Purchase, ledger_failure};
use super::receipt::Draft;
use crate::clock;
use crate::error::{Class, Failure};
use crate::service::Service;

/// A job whose result exists and is stored, not yet paid.
pub struct Summarized {
    pub(super) purchase: Purchase,
    pub(super) record: Record,
}

/// Runs the job, unless it was done before.
///
/// # Errors
/// When the work fails: the job ends, nothing is charged.
pub async fn summarize(service: &Service, mut authorized: Authorized) -> Result<Summarized, Failure> {
    let record = load(service, &authorized.key).await?;
    let record = match record.state.stage() {
        Stage::Claimed | Stage::Running => work(service, &mut authorized, record).await?,
        _ => record,
    };
    Ok(Summarized { purchase: authorized.purchase, record })
}

pub(super) async fn load(service: &Service, key: &ClaimKey) -> Result<Record, Failure> {
    let found = service.payments.ledger.get(key).await.map_err(ledger_failure)?;
    found.ok_or_else(|| Failure::internal("ledger", "the claim is gone"))
}

pub(super) async fn advance(service: &Service, record: &Record, change: Change) -> Result<Record, Failure> {
    service.payments.ledger.advance(&record.claim_key(), record.version, change).await.map_err(ledger_failure)
}

async fn work(service: &Service, authorized: &mut Authorized, mut record: Record) -> Result<Record, Failure> {
    if record.state.stage() == Stage::Running {
        // Nothing runs it here, or this would have joined it: the process that did is gone.
        record = advance(service, &record, Change::to(State::Claimed, clock::now())).await?;
    }
    let permit =
        authorized.permit.take().or_else(|| service.engine.reserve()).ok_or_else(|| Failure::new(Class::Busy, ""))?;
    record = advance(service, &record, Change::to(State::Running, clock::now())).await?;
    let started = Instant::now();
    let outcome = infer(service, authorized, permit).await;
    let (mode, milliseconds) = (authorized.options.mode, started.elapsed().as_millis());
    match outcome {
        Ok(summary) => {
            tracing::info!(
                event = "work.finished",
                mode = mode.name(),
                milliseconds,
                output_tokens = summary.output_tokens
            );
            let result = result(service, mode, record.job_id, summary);
            let response = serde_json::to_vec(&result).map_err(|e| Failure::internal("result", e))?;
            // With what a receipt needs, so that the job can end without its caller.
            let receipt = Some(Draft::of(&authorized.purchase).store()?);
            let result = JobResult { status: 200, response, receipt };
            advance(service, &record, Change::to(State::Done, clock::now()).with_result(result)).await
        }
        Err(failure) => {
            let code = failure.code().to_owned();
            advance(service, &record, Change::to(State::Failed { code }, clock::now())).await?;
            Err(failure)
        }
    }
}

async fn infer(service: &Service, authorized: &Authorized, permit: Permit) -> Result<Summary, Failure> {
    let options = &authorized.options;
    let seconds = service.engine.timeout_seconds(options.mode, authorized.tokens);
    let control = Control::new().with_deadline(std::time::Instant::now() + std::time::Duration::from_secs(seconds));
    let job = Job {
        mode: model_mode(options.mode),
        text: Zeroizing::clone(&authorized.text),
        options: ModelOptions {
            max_words: options.max_words,
            max_sentences: options.max_sentences,
            focus: options.focus.clone(),
        },
        control,
    };
    let (done, outcome) = oneshot::channel();
    permit.submit(job, Box::new(move |result| _ = done.send(result)));
    match outcome.await {
        Ok(Ok(summary)) => Ok(summary),
        Ok(Err(error)) => Err(model_failure(&error)),
        Err(_) => Err(Failure::internal("work", "the model thread is gone")),
    }
}

/// The model crate knows nothing of the wire, so it has its own name for a mode.
pub(super) fn model_mode(mode: Mode) -> precis_model::Mode {
    match mode {
        Mode::Extractive => precis_model::Mode::Extractive,
        Mode::Abstractive => precis_model::Mode::Abstractive,
    }
}

fn result(service: &Service, mode: Mode, JobId(id): JobId, summary: Summary) -> SummaryResult {
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
        model: service.engine.of(mode).digest,
    }
}
