//! What came out of it, for people and for programs. Digests and positions only: nothing of document or summary.

use std::fmt;

use precis_verify::Verdict;
use serde::Serialize;

/// What the comparison amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Model, parameters and result are those of the receipt.
    Same,
    /// The same model and parameters made another result.
    Different,
    /// The comparison would prove nothing.
    CannotTell,
}

impl Outcome {
    /// The exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Same => 0,
            Self::Different => 1,
            Self::CannotTell => 5,
        }
    }
}

/// What a policy says of the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// Whether the policy trusts a mock root, so that the verdict proves nothing.
    pub insecure: bool,
}

/// One digest of the receipt beside what was found here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Which.
    pub of: &'static str,
    /// In the receipt.
    pub receipt: String,
    /// Here.
    pub here: String,
    /// Whether they are the same.
    pub same: bool,
}

/// Everything that was compared.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    outcome: Outcome,
    /// Why, where the outcome does not say it all.
    pub why: Option<String>,
    /// Id of the receipt, hex.
    pub receipt_id: String,
    /// Address that its signature recovers to, which is the one in the keyset inside the file.
    pub signed_by: Option<String>,
    /// Under the policy; none was asked for without one.
    pub judged: Option<Judged>,
    /// The digests.
    pub compared: Vec<Comparison>,
    /// Where the results differ: names of members, and numbers of sentences.
    pub differing: Vec<String>,
}

impl Report {
    /// Before anything was compared.
    pub(super) fn new(receipt_id: String, judged: Option<Judged>) -> Self {
        Self {
            outcome: Outcome::CannotTell,
            why: None,
            receipt_id,
            signed_by: None,
            judged,
            compared: vec![],
            differing: vec![],
        }
    }

    /// What it amounts to.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Compares two digests; whether they are the same.
    pub(super) fn compare(&mut self, of: &'static str, receipt: &impl fmt::Display, here: &impl fmt::Display) -> bool {
        let (receipt, here) = (receipt.to_string(), here.to_string());
        let same = receipt == here;
        self.compared.push(Comparison { of, receipt, here, same });
        same
    }

    /// Ends without a result.
    pub(super) fn cannot_tell(mut self, why: impl Into<String>) -> Self {
        (self.outcome, self.why) = (Outcome::CannotTell, Some(why.into()));
        self
    }

    /// Ends with one.
    pub(super) fn end(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "receipt {}", self.receipt_id)?;
        if let Some(address) = &self.signed_by {
            writeln!(f, "signed by {address}, the key of the keyset in the file")?;
        }
        match self.judged {
            Some(Judged { verdict, insecure: false }) => writeln!(f, "under the policy: {}", verdict.as_str())?,
            Some(Judged { verdict, insecure: true }) => {
                writeln!(f, "under the policy: {}, INSECURE: it trusts a mock root", verdict.as_str())?;
            }
            None => writeln!(f, "not judged: whether that keyset is an enclave's, a policy decides (--policy FILE)")?,
        }
        for Comparison { of, receipt, here, same } in &self.compared {
            match same {
                true => writeln!(f, "{of}: same, {here}")?,
                false => writeln!(f, "{of}: DIFFERENT, {receipt} in the receipt, {here} here")?,
            }
        }
        for place in &self.differing {
            writeln!(f, "differs: {place}")?;
        }
        match (self.outcome, &self.why) {
            (Outcome::Same, _) => write!(f, "SAME"),
            (Outcome::Different, None) => write!(f, "DIFFERENT"),
            (Outcome::Different, Some(why)) => write!(f, "DIFFERENT: {why}"),
            (Outcome::CannotTell, why) => write!(f, "CANNOT TELL: {}", why.as_deref().unwrap_or_default()),
        }
    }
}
