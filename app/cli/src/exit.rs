//! Exit codes, and the one place that decides which error gets which.

use std::process::ExitCode;

use precis_client::{ClientError, JobFailure, TermsError};
use precis_protocol::problem::Fault;
use precis_verify::transcript::{Transcript, Verdict};
use serde_json::{Value, json};

use crate::money::Money;

/// Shown by `precis --help`.
pub const TABLE: &str = "\
Exit codes:
  0    done; what was asked for is verified
  1    negative verdict: the service or the receipt failed a check
  2    usage: something in the command, its files or the document must change
  3    unavailable: try again; a payment under way is retried, not repeated
  4    payment refused, or terms that this command does not sign (over the cap)
  5    could not verify: a check was not evaluated, or an answer was altered
  6    under way: ordered or interrupted; run the same command again to fetch it
  130  interrupted (143 when terminated) before anything was signed
Of several documents it is the code of the first that was not summarized";

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Negative verdict.
    Negative = 1,
    /// The caller must change something.
    Usage = 2,
    /// Try again.
    Unavailable = 3,
    /// Payment refused, or over the cap.
    Payment = 4,
    /// Could not verify.
    Unverified = 5,
    /// Ordered, and not waited for.
    Underway = 6,
    /// SIGINT, as shells report it.
    Interrupted = 130,
    /// SIGTERM, as shells report it.
    Terminated = 143,
}

impl Exit {
    /// The code.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// What a verdict exits with.
    pub fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Verified => Self::Ok,
            Verdict::Rejected => Self::Negative,
            Verdict::Incomplete => Self::Unverified,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// A command that did not do what was asked.
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// One sentence and the next action.
    pub message: String,
    /// The checks, if that is why.
    pub transcript: Option<Box<Transcript>>,
    /// What programs may want of a job that ended without a summary.
    pub job: Option<Box<Value>>,
    /// What became of the money, if the command could have moved any.
    pub money: Option<Box<Money>>,
    /// True if it is of one document alone: the next may well be summarized.
    pub of_one: bool,
}

impl Failure {
    /// A failure that says no more than its message.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), transcript: None, job: None, money: None, of_one: false }
    }

    /// The caller must change something.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A verdict other than VERIFIED, before anything was sent.
    pub fn verdict(transcript: Transcript) -> Self {
        let failed: Vec<&str> = transcript.failures().map(|o| o.check.id).collect();
        let message = if failed.is_empty() {
            "the service could not be verified, nothing was sent; the transcript names what was not evaluated"
                .to_owned()
        } else {
            format!("the service is not what the policy allows ({}); nothing was sent", failed.join(", "))
        };
        let exit = Exit::of_verdict(transcript.verdict());
        Self { transcript: Some(Box::new(transcript)), ..Self::new(exit, message) }
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let error = json!({"exitCode": self.exit.code(), "message": self.message});
        let money = self.money.as_ref().map(|money| money.to_json());
        json!({"error": error, "transcript": self.transcript, "job": self.job, "money": money})
    }

    /// The same failure, of one document alone.
    #[must_use]
    pub fn of_one(self) -> Self {
        Self { of_one: true, ..self }
    }

    /// The same failure, of one of several documents: the command may have signed payments for others.
    #[must_use]
    pub fn among_others(mut self) -> Self {
        if let Some(money) = &mut self.money
            && matches!(**money, Money::Untouched)
        {
            **money = Money::UntouchedByThis;
        }
        self
    }

    /// The same failure, and what became of the money.
    #[must_use]
    pub fn with_money(mut self, money: Money) -> Self {
        self.money = Some(Box::new(money));
        self
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let message = error.to_string();
        let of_one = is_of_one(&error);
        let (exit, transcript) = match error {
            ClientError::Input(_) | ClientError::RequestRefused(_) => (Exit::Usage, None),
            ClientError::Unavailable(_) | ClientError::SettlementUnknown(_) => (Exit::Unavailable, None),
            ClientError::Terms(_) | ClientError::PaymentRefused { .. } => (Exit::Payment, None),
            ClientError::Underway(_) => (Exit::Underway, None),
            ClientError::Receipt(transcript) | ClientError::Kept { transcript, .. } => {
                (Exit::of_verdict(transcript.verdict()), Some(transcript))
            }
            ClientError::JobFailed(failure) => return Self::of_job(*failure),
            // What is not known better was not verified.
            _ => (Exit::Unverified, None),
        };
        Self { transcript, of_one, ..Self::new(exit, message) }
    }
}

/// True if an error says nothing about the next document. One that leaves in doubt what was charged stops everything.
fn is_of_one(error: &ClientError) -> bool {
    match error {
        ClientError::RequestRefused(_) | ClientError::Underway(_) | ClientError::Kept { .. } => true,
        ClientError::Terms(terms) => matches!(terms, TermsError::OverCap { .. } | TermsError::KeptOverCap { .. }),
        ClientError::JobFailed(failure) => failure.receipt.is_some(),
        _ => false,
    }
}

impl Failure {
    /// A job that ended without a summary: by whose fault it is, unless the receipt that should prove it fails a check.
    fn of_job(failure: JobFailure) -> Self {
        let message = failure.to_string();
        let by_fault = match failure.problem.fault {
            Fault::Client => Exit::Usage,
            Fault::Payer => Exit::Payment,
            Fault::Service | Fault::Upstream => Exit::Unavailable,
        };
        let exit = match (&failure.receipt, &failure.transcript) {
            (None, Some(transcript)) => match Exit::of_verdict(transcript.verdict()) {
                // A sound receipt that says something else than the answer.
                Exit::Ok => Exit::Negative,
                exit => exit,
            },
            _ => by_fault,
        };
        let of_one = failure.receipt.is_some();
        let job = json!({"problem": failure.problem, "receiptFile": failure.receipt});
        Self {
            transcript: failure.transcript.map(Box::new),
            job: Some(Box::new(job)),
            of_one,
            ..Self::new(exit, message)
        }
    }
}
