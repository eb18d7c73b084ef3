//! One payment, the same every time, until there is a summary, a proven failure, or no more patience.
//!
//! The document is sent with the payment. Once the service names the job, only the job is asked for; the document is sent again only
//! if the service says that it needs it.

use std::time::Duration;

use precis_payment::wire;
use precis_protocol::headers;
use precis_protocol::problem::Charged;

use crate::answer::{self, Delivered, Ended, Next};
use crate::error::ClientError;
use crate::job::{Job, Status};
use crate::judge::Payment;
use crate::options::PurchaseOptions;
use crate::progress::{Progress, Watcher};
use crate::request::Parts;
use crate::session::Session;
use crate::text::printable;
use crate::tries::Tries;

/// How long the service lets a caller wait unless asked for less; a client that waits less asks for it.
const SERVICE_WAITS: Duration = Duration::from_secs(25);

/// How a job ended.
pub(crate) enum End {
    Summary(Box<Delivered>),
    Failure(Box<Ended>),
}

/// How following a job ended.
pub(crate) enum Followed {
    End(End),
    /// The service needs the request and its payment again.
    Lost(String),
}

impl Session {
    /// Sends one payment with its request, and follows the job that the service makes of it.
    pub(crate) async fn deliver(
        &self,
        request: &Parts,
        payment: &Payment,
        options: &PurchaseOptions,
        tries: &mut Tries,
        progress: &mut Watcher<'_>,
    ) -> Result<End, ClientError> {
        let header =
            wire::encode(&payment.payload).map_err(|_| ClientError::malformed("the quote is too large to be paid"))?;
        let mut extra = vec![(headers::PAYMENT_SIGNATURE, header), (headers::NONCE_SALT, hex::encode(payment.salt))];
        extra.extend(self.preference(options).map(|preference| (headers::PREFER, preference)));
        let paid = request.to_order(&extra)?;
        loop {
            let (named, why, charged) = match self.exchange.send(paid.clone()).await.map(|r| answer::paid(&r)) {
                Ok(Next::Accepted { job, pause }) => {
                    if let Some(file) = &options.pending {
                        file.accepted(request.commitment(), &job);
                    }
                    progress(Progress::Working { status: "accepted".into(), tokens_read: 0, tokens: 0 });
                    if !options.wait {
                        return Err(underway(options));
                    }
                    let pause = tries.pause(pause).ok_or_else(|| out_of_patience(options))?;
                    tokio::time::sleep(pause).await;
                    match self.follow(&job, options, tries, progress).await? {
                        Followed::End(end) => return Ok(end),
                        Followed::Lost(why) => (None, why, Charged::Unknown),
                    }
                }
                Ok(Next::Refunding { pause }) => {
                    refunding(pause, options, tries, progress).await?;
                    continue;
                }
                step => match settle(step)? {
                    Step::End(end) => return Ok(end),
                    Step::Again(again) => again,
                },
            };
            retry(named, why, charged, options, tries, progress).await?;
        }
    }

    /// Asks for a job by its token until it has ended, for as long as the service says that it goes on.
    pub(crate) async fn follow(
        &self,
        job: &Job,
        options: &PurchaseOptions,
        tries: &mut Tries,
        progress: &mut Watcher<'_>,
    ) -> Result<Followed, ClientError> {
        let mut shown = None;
        loop {
            match self.exchange.send(job.fetch()?).await.map(|r| answer::fetched(&r)) {
                Ok(Next::Working { status, pause }) => {
                    let Status { status, tokens_read, tokens } = status;
                    let now = Some((status.clone(), tokens_read, tokens));
                    if now != shown {
                        shown = now;
                        progress(Progress::Working { status: printable(&status), tokens_read, tokens });
                    }
                    if !options.wait {
                        return Err(underway(options));
                    }
                    let pause = tries.after_word(pause).ok_or_else(|| out_of_patience(options))?;
                    tokio::time::sleep(pause).await;
                }
                Ok(Next::Refunding { pause }) => refunding(pause, options, tries, progress).await?,
                Ok(Next::Lost { why }) => return Ok(Followed::Lost(why)),
                step => match settle(step)? {
                    Step::End(end) => return Ok(Followed::End(end)),
                    Step::Again((named, why, charged)) => retry(named, why, charged, options, tries, progress).await?,
                },
            }
        }
    }

    /// How long the service should let this client wait (RFC 7240), if that is not its own choice.
    fn preference(&self, options: &PurchaseOptions) -> Option<String> {
        let longest = self.exchange.timeout() / 2;
        let patience = options.word_after.map_or(longest, |after| after.min(longest));
        match options.wait {
            false => Some("respond-async".into()),
            true if patience < SERVICE_WAITS => Some(format!("wait={}", patience.as_secs())),
            true => None,
        }
    }
}

type Again = (Option<Duration>, String, Charged);

enum Step {
    End(End),
    Again(Again),
}

/// What means the same whether the payment was sent or the job asked for.
fn settle(step: Result<Next, ClientError>) -> Result<Step, ClientError> {
    match step {
        Ok(Next::Done(delivered)) => Ok(Step::End(End::Summary(delivered))),
        Ok(Next::Ended(ended)) => Ok(Step::End(End::Failure(ended))),
        Ok(Next::Again { pause, why, charged }) => Ok(Step::Again((pause, why, charged))),
        Ok(Next::Stop(error)) => Err(error),
        Err(ClientError::Unavailable(why)) => Ok(Step::Again((None, why, Charged::Unknown))),
        Err(error) => Err(error),
        // Each is an answer to one of the two requests only, and was dealt with there.
        Ok(Next::Accepted { .. } | Next::Working { .. } | Next::Refunding { .. } | Next::Lost { .. }) => {
            Err(ClientError::malformed("the answer belongs to another request"))
        }
    }
}

async fn retry(
    named: Option<Duration>,
    why: String,
    charged: Charged,
    options: &PurchaseOptions,
    tries: &mut Tries,
    progress: &mut Watcher<'_>,
) -> Result<(), ClientError> {
    let Some(pause) = tries.after_failure(named) else { return Err(unfinished(&why, charged, options)) };
    progress(Progress::Retrying { attempt: tries.failed, why, pause });
    tokio::time::sleep(pause).await;
    Ok(())
}

async fn refunding(
    named: Option<Duration>,
    options: &PurchaseOptions,
    tries: &mut Tries,
    progress: &mut Watcher<'_>,
) -> Result<(), ClientError> {
    let pause = tries.after_refunding(named).filter(|_| options.wait).ok_or_else(|| {
        ClientError::SettlementUnknown(format!(
            "there will be no summary, and the payment is being paid back; {}",
            next(options)
        ))
    })?;
    progress(Progress::Refunding { pause });
    tokio::time::sleep(pause).await;
    Ok(())
}

fn underway(options: &PurchaseOptions) -> ClientError {
    ClientError::Underway(format!("the summary is being made; {}", next(options)))
}

fn out_of_patience(options: &PurchaseOptions) -> ClientError {
    ClientError::Unavailable(format!("the summary is still being made; {}", next(options)))
}

fn unfinished(why: &str, charged: Charged, options: &PurchaseOptions) -> ClientError {
    let next = next(options);
    match charged {
        Charged::No => ClientError::Unavailable(format!("{why}; nothing was charged so far, {next}")),
        Charged::Yes | Charged::Unknown => {
            ClientError::SettlementUnknown(format!("the outcome of the payment is not known ({why}); {next}"))
        }
    }
}

fn next(options: &PurchaseOptions) -> String {
    match &options.pending {
        Some(file) => {
            format!("run the same command again to go on with the same payment (kept in {})", file.path().display())
        }
        None => "the payment was not kept, so check the wallet before paying again".into(),
    }
}
