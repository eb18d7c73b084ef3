//! The vocabulary of verification: every check that exists, and what its outcome can be (SPEC 8).
//!
//! Guarantee: an outcome nobody set is a failure, and a required check that was not evaluated never counts as a pass.

mod receipt;

use serde::{Serialize, Serializer};

pub use receipt::*;

/// One check: its stable id, what it is called, the section of SPEC it enforces, and why it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct CheckId {
    /// Stable identifier, as in the table of SPEC 8.
    pub id: &'static str,
    /// A few words for a human.
    pub title: &'static str,
    /// Section of SPEC that the check enforces.
    pub section: &'static str,
    /// What would be possible if the check were missing.
    pub explanation: &'static str,
}

impl std::fmt::Display for CheckId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.id)
    }
}

/// What became of a check.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// Evaluated, and it holds.
    Pass,
    /// Evaluated, and it does not hold. Also the default: silence is failure.
    #[default]
    Fail,
    /// Could not be evaluated: an input is missing, or an earlier check failed.
    NotEvaluated,
}

impl Status {
    /// The word used in transcripts and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotEvaluated => "not evaluated",
        }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Which check.
    #[serde(flatten)]
    pub check: CheckId,
    /// What became of it.
    pub status: Status,
    /// What was expected and found, in digests and ids; never document text.
    pub detail: String,
    /// Whether VERIFIED needs it to pass.
    pub required: bool,
}

const fn check(id: &'static str, section: &'static str, title: &'static str, explanation: &'static str) -> CheckId {
    CheckId { id, title, section, explanation }
}

/// `document.parse`
pub const DOCUMENT_PARSE: CheckId = check(
    "document.parse",
    "3",
    "attestation parses strictly",
    "Two readings of one document let a verifier and a client disagree about what was attested.",
);
/// `keyset.well-formed`
pub const KEYSET_WELL_FORMED: CheckId = check(
    "keyset.well-formed",
    "2",
    "keyset has one role per key and carries the channel key",
    "A key with two roles lets a signature made for one purpose be used for another.",
);
/// `keyset.time`
pub const KEYSET_TIME: CheckId = check(
    "keyset.time",
    "2",
    "keyset is in its validity period",
    "Keys outside their period may belong to an instance that is gone.",
);
/// `challenge.nonce`
pub const CHALLENGE_NONCE: CheckId = check(
    "challenge.nonce",
    "3.3",
    "challenge answers the nonce that was sent",
    "Without it, an old answer could be replayed.",
);
/// `challenge.signature`
pub const CHALLENGE_SIGNATURE: CheckId = check(
    "challenge.signature",
    "3.3",
    "challenge is signed by the identity key",
    "It proves that whoever answers holds the attested keys now.",
);
/// `challenge.fresh`
pub const CHALLENGE_FRESH: CheckId =
    check("challenge.fresh", "3.3", "challenge is recent", "A stale answer says nothing about the service of today.");
/// `challenge.block`
pub const CHALLENGE_BLOCK: CheckId = check(
    "challenge.block",
    "3.3",
    "payment chain has the block that the challenge names",
    "Online only: the enclave's clock is its host's; a block that exists bounds it from below.",
);
/// `evidence.parse`
pub const EVIDENCE_PARSE: CheckId = check(
    "evidence.parse",
    "3.1",
    "evidence is canonical and bounded",
    "Bytes nobody interprets are bytes somebody can choose.",
);
/// `register.signature`
pub const REGISTER_SIGNATURE: CheckId = check(
    "register.signature",
    "3.1",
    "registration is signed by the attested RAK for the policy's chain",
    "The quote binds the RAK; only its signature binds the registration to the quote.",
);
/// `register.app`
pub const REGISTER_APP: CheckId = check(
    "register.app",
    "3.1",
    "registration, keyset and policy name the same app",
    "A genuine enclave of another app is still another app.",
);
/// `register.metadata`
pub const REGISTER_METADATA: CheckId = check(
    "register.metadata",
    "2.5",
    "registration carries this keyset's digest",
    "It is the link from the attested enclave to the keys in use.",
);
/// `quote.chain`
pub const QUOTE_CHAIN: CheckId = check(
    "quote.chain",
    "3.1",
    "quote, certificates, CRLs, TCB info and QE identity verify to the root",
    "It is what makes the quote a statement of hardware rather than of software.",
);
/// `quote.root`
pub const QUOTE_ROOT: CheckId = check(
    "quote.root",
    "3.1",
    "root is Intel's, or a mock root that the policy names",
    "Anyone can make a root; only the trusted one means hardware.",
);
/// `quote.tcb`
pub const QUOTE_TCB: CheckId = check(
    "quote.tcb",
    "3.1",
    "platform, TDX module and quoting enclave are up to date",
    "An out-of-date platform has published ways to extract its secrets.",
);
/// `quote.collateral`
pub const QUOTE_COLLATERAL: CheckId = check(
    "quote.collateral",
    "3.1",
    "collateral is recent and of this platform",
    "Old collateral hides what Intel has learned since.",
);
/// `quote.attributes`
pub const QUOTE_ATTRIBUTES: CheckId = check(
    "quote.attributes",
    "3.1",
    "TD cannot be debugged, migrated or configured by the host",
    "A debuggable TD is readable by its host.",
);
/// `quote.report-data`
pub const QUOTE_REPORT_DATA: CheckId = check(
    "quote.report-data",
    "3.1, 3.2",
    "REPORTDATA binds the attested key",
    "Without it the quote belongs to somebody else's enclave.",
);
/// `identity.allowed`
pub const IDENTITY_ALLOWED: CheckId = check(
    "identity.allowed",
    "3.4",
    "enclave identity is one the policy names",
    "It says which code runs; everything else only says that it runs in a TD.",
);
/// `model.allowed`
pub const MODEL_ALLOWED: CheckId = check(
    "model.allowed",
    "2",
    "every model is one the policy names",
    "The same code with another model gives other summaries.",
);
/// `payment.allowed`
pub const PAYMENT_ALLOWED: CheckId = check(
    "payment.allowed",
    "2.3",
    "payments go where the policy pins them",
    "Otherwise a configured payee could be anybody's.",
);
/// `release.allowed`
pub const RELEASE_ALLOWED: CheckId = check(
    "release.allowed",
    "2",
    "release that the enclave states",
    "Informational: what to rebuild in order to compare the enclave identity.",
);
/// `registration.epoch`
pub const REGISTRATION_EPOCH: CheckId = check(
    "registration.epoch",
    "3.1",
    "registration has not expired",
    "Online only: an expired registration may be of an instance that the chain no longer accepts.",
);
/// `registration.on-chain`
pub const REGISTRATION_ON_CHAIN: CheckId = check(
    "registration.on-chain",
    "8.8",
    "chain has this instance registered now",
    "Online only: what an enclave signed, the chain may have refused or dropped.",
);
/// `app.policy`
pub const APP_POLICY: CheckId = check(
    "app.policy",
    "8.8",
    "every enclave identity that the chain admits is one the policy names",
    "Online only: whatever else may register shares the app's keys and wallet with what was verified.",
);
/// `app.admin`
pub const APP_ADMIN: CheckId = check(
    "app.admin",
    "8.8",
    "who can change the app is whom the policy pins",
    "Online only: the admin can admit other code tomorrow; who it is tells whom that asks to trust.",
);
/// `channel.key`
pub const CHANNEL_KEY: CheckId = check(
    "channel.key",
    "4",
    "OHTTP configuration in use is the keyset's",
    "Another key would let a proxy read the document.",
);
/// `channel.tls`
pub const CHANNEL_TLS: CheckId = check(
    "channel.tls",
    "8.9",
    "TLS key in use is the one that the proxy in the enclave put on chain",
    "Of plain HTTPS only: a certificate names a host, which anybody who gets one issued can be.",
);

/// The checks of an attestation, in the order of the transcript.
pub const ATTESTATION_CHECKS: &[CheckId] = &[
    DOCUMENT_PARSE,
    KEYSET_WELL_FORMED,
    KEYSET_TIME,
    CHALLENGE_NONCE,
    CHALLENGE_SIGNATURE,
    CHALLENGE_FRESH,
    CHALLENGE_BLOCK,
    EVIDENCE_PARSE,
    REGISTER_SIGNATURE,
    REGISTER_APP,
    REGISTER_METADATA,
    QUOTE_CHAIN,
    QUOTE_ROOT,
    QUOTE_TCB,
    QUOTE_COLLATERAL,
    QUOTE_ATTRIBUTES,
    QUOTE_REPORT_DATA,
    IDENTITY_ALLOWED,
    MODEL_ALLOWED,
    PAYMENT_ALLOWED,
    RELEASE_ALLOWED,
    REGISTRATION_EPOCH,
    REGISTRATION_ON_CHAIN,
    APP_POLICY,
    APP_ADMIN,
    CHANNEL_KEY,
    CHANNEL_TLS,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_failure() {
        assert_eq!(Status::default(), Status::Fail);
    }

    #[test]
    fn check_ids_are_unique() {
        let mut ids: Vec<_> = ATTESTATION_CHECKS.iter().chain(RECEIPT_CHECKS).map(|check| check.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
