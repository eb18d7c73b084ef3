//! The transcript: every check of an appraisal in a fixed order, and the verdict that follows from them.
//!
//! Guarantee: VERIFIED if and only if no check failed and every required check passed. A check that nobody reached stays
//! "not evaluated"; if it is required the verdict is at best INCOMPLETE. In text the verdict is the first and the last line, and no
//! input makes another line that begins like one: details are [`shown`].

use std::fmt::Write as _;

use serde::{Serialize, Serializer};

use crate::check::{CheckId, Outcome, Status};
use crate::text::shown;

/// The line that follows the verdict when a mock root is trusted.
pub const INSECURE_BANNER: &str = "INSECURE: the policy trusts a mock root. This proves nothing about real hardware.";

/// What the checks amount to.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verdict {
    /// Every required check passed and none failed.
    Verified,
    /// At least one check failed.
    #[default]
    Rejected,
    /// Nothing failed, but a required check was not evaluated.
    Incomplete,
}

impl Verdict {
    /// The word used in transcripts and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "VERIFIED",
            Self::Rejected => "REJECTED",
            Self::Incomplete => "INCOMPLETE",
        }
    }

    /// Exit code of a command that reports this verdict: 0 only for VERIFIED, 1 for REJECTED, 5 for INCOMPLETE.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Rejected => 1,
            Self::Incomplete => 5,
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Every check of one appraisal, and the verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transcript {
    verdict: Verdict,
    insecure: bool,
    checks: Vec<Outcome>,
}

impl Transcript {
    fn new(insecure: bool, checks: Vec<Outcome>) -> Self {
        let verdict = if checks.iter().any(|outcome| outcome.status == Status::Fail) {
            Verdict::Rejected
        } else if checks.is_empty() || checks.iter().any(|outcome| outcome.required && outcome.status != Status::Pass) {
            Verdict::Incomplete
        } else {
            Verdict::Verified
        };
        Self { verdict, insecure, checks }
    }

    /// The verdict.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Whether the verdict is VERIFIED.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.verdict == Verdict::Verified
    }

    /// Whether a mock root was trusted, so that the verdict says nothing about hardware.
    #[must_use]
    pub const fn insecure(&self) -> bool {
        self.insecure
    }

    /// The checks, in the order of SPEC 8.
    #[must_use]
    pub fn checks(&self) -> &[Outcome] {
        &self.checks
    }

    /// The outcome of one check, if the transcript has it.
    #[must_use]
    pub fn outcome(&self, check: CheckId) -> Option<&Outcome> {
        self.checks.iter().find(|outcome| outcome.check.id == check.id)
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Outcome> {
        self.checks.iter().filter(|outcome| outcome.status == Status::Fail)
    }

    /// The auditor's list: the verdict, one numbered line for each check, and the verdict again. With `explain`, a second line under
    /// each check says why it matters.
    #[must_use]
    pub fn render(&self, explain: bool) -> String {
        let verdict = self.verdict_line();
        let mut text = format!("{verdict}\n");
        if self.insecure {
            let _ = writeln!(text, "{INSECURE_BANNER}");
        }
        for (index, outcome) in self.checks.iter().enumerate() {
            let optional = if outcome.required { "" } else { " (not required)" };
            let _ = writeln!(
                text,
                "{:2}. {:<13}  {:<20} SPEC {:<8} {}{optional}: {}",
                index + 1,
                outcome.status.as_str(),
                outcome.check.id,
                outcome.check.section,
                outcome.check.title,
                outcome.detail
            );
            if explain {
                let _ = writeln!(text, "    {}", outcome.check.explanation);
            }
        }
        let _ = writeln!(text, "{verdict}");
        text
    }

    /// The verdict and how many checks it rests on, without a line break.
    #[must_use]
    pub fn verdict_line(&self) -> String {
        let count = |status| self.checks.iter().filter(|outcome| outcome.status == status).count();
        format!(
            "{}{}: {} passed, {} failed, {} not evaluated",
            self.verdict.as_str(),
            if self.insecure { " (INSECURE)" } else { "" },
            count(Status::Pass),
            count(Status::Fail),
            count(Status::NotEvaluated)
        )
    }
}

impl std::fmt::Display for Transcript {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

/// Collects outcomes. Every check it will ever report is there from the start, required and not evaluated.
pub(crate) struct Recorder {
    insecure: bool,
    checks: Vec<Outcome>,
}

impl Recorder {
    pub(crate) fn new(insecure: bool, checks: &[CheckId]) -> Self {
        let not_reached = |check: &CheckId| Outcome {
            check: *check,
            status: Status::NotEvaluated,
            detail: "not reached".to_owned(),
            required: true,
        };
        Self { insecure, checks: checks.iter().map(not_reached).collect() }
    }

    /// Marks a check as one that VERIFIED does not need.
    pub(crate) fn optional(&mut self, check: CheckId, reason: impl Into<String>) {
        self.set(check, Status::NotEvaluated, reason.into());
        if let Some(outcome) = self.find(check) {
            outcome.required = false;
        }
    }

    pub(crate) fn skip(&mut self, check: CheckId, reason: impl Into<String>) {
        self.set(check, Status::NotEvaluated, reason.into());
    }

    pub(crate) fn pass(&mut self, check: CheckId, detail: impl Into<String>) {
        self.set(check, Status::Pass, detail.into());
    }

    pub(crate) fn fail(&mut self, check: CheckId, detail: impl Into<String>) {
        self.set(check, Status::Fail, detail.into());
    }

    /// Records pass with the `Ok` text, or fail with the `Err` text; says whether it passed.
    pub(crate) fn record(&mut self, check: CheckId, result: Result<String, String>) -> bool {
        match result {
            Ok(detail) => {
                self.pass(check, detail);
                true
            }
            Err(detail) => {
                self.fail(check, detail);
                false
            }
        }
    }

    pub(crate) fn finish(self) -> Transcript {
        Transcript::new(self.insecure, self.checks)
    }

    fn find(&mut self, check: CheckId) -> Option<&mut Outcome> {
        self.checks.iter_mut().find(|outcome| outcome.check.id == check.id)
    }

    /// The one place where a detail enters: many hold words of the service, of a node or of a library about them.
    fn set(&mut self, check: CheckId, status: Status, detail: String) {
        let detail = shown(&detail);
        match self.find(check) {
            Some(outcome) => {
                outcome.status = status;
                outcome.detail = detail;
            }
            None => self.checks.push(Outcome { check, status, detail, required: true }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{CHANNEL_KEY, DOCUMENT_PARSE, KEYSET_TIME};

    #[test]
    fn nothing_evaluated_is_incomplete_and_never_exits_zero() {
        let transcript = Recorder::new(false, &[DOCUMENT_PARSE]).finish();
        assert_eq!(transcript.verdict(), Verdict::Incomplete);
        assert_ne!(transcript.verdict().exit_code(), 0);
        assert_eq!(Recorder::new(false, &[]).finish().verdict(), Verdict::Incomplete);
    }

    #[test]
    fn one_failure_rejects_even_when_the_check_is_optional() {
        let mut recorder = Recorder::new(false, &[DOCUMENT_PARSE, CHANNEL_KEY]);
        recorder.pass(DOCUMENT_PARSE, "");
        recorder.optional(CHANNEL_KEY, "");
        recorder.fail(CHANNEL_KEY, "another key");
        assert_eq!(recorder.finish().verdict(), Verdict::Rejected);
    }

    #[test]
    fn a_skipped_optional_check_is_counted_and_does_not_block() {
        let mut recorder = Recorder::new(true, &[DOCUMENT_PARSE, KEYSET_TIME, CHANNEL_KEY]);
        recorder.pass(DOCUMENT_PARSE, "12 bytes");
        recorder.pass(KEYSET_TIME, "in time");
        recorder.optional(CHANNEL_KEY, "no channel in use");
        let transcript = recorder.finish();
        assert!(transcript.is_verified());
        let text = transcript.render(false);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        assert_eq!(lines[0], "VERIFIED (INSECURE): 2 passed, 0 failed, 1 not evaluated");
        assert_eq!((lines[1], lines[5]), (INSECURE_BANNER, lines[0]));
    }
}
