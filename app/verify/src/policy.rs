//! Policies (SPEC 9): what an auditor is willing to trust, as data. Fails closed: nothing has a lenient default.
//!
//! Guarantee: a parsed [`Policy`] names at least one enclave identity and one kind of evidence, and the root it trusts is Intel's
//! unless the text names a mock root.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use precis_protocol::Digest;
use precis_protocol::encoding::lower_hex;
use precis_protocol::limits::MAX_POLICY_BYTES;
use serde::Deserialize;

use crate::quote::verifier::INTEL_ROOT_CA;

/// Human-readable part of ROFL app ids.
const APP_ID_PREFIX: &str = "rofl";

/// Why a policy is refused. The operator of the verifier must act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Over the limit.
    #[error("policy: {0} bytes, the limit is {MAX_POLICY_BYTES}")]
    TooLarge(usize),
    /// Not TOML, or an unknown, missing or duplicate key.
    #[error("policy: {0}")]
    Syntax(String),
    /// A value is not of its kind.
    #[error("policy: `{field}`: {problem}")]
    Value {
        /// Which key.
        field: &'static str,
        /// What is wrong with it, and what is expected.
        problem: String,
    },
}

fn value(field: &'static str, problem: impl Into<String>) -> PolicyError {
    PolicyError::Value { field, problem: problem.into() }
}

/// A ROFL app id: 21 bytes, written `rofl1…`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId([u8; 21]);

impl AppId {
    /// Wraps the 21 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 21]) -> Self {
        Self(bytes)
    }

    /// The 21 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 21] {
        &self.0
    }

    /// Parses the lowercase bech32 form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let checked = CheckedHrpstring::new::<Bech32>(text).ok()?;
        if checked.hrp().as_str() != APP_ID_PREFIX {
            return None;
        }
        let bytes: Vec<u8> = checked.byte_iter().collect();
        Some(Self(bytes.try_into().ok()?)).filter(|id: &Self| id.to_string() == text)
    }
}

impl std::fmt::Display for AppId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hrp = Hrp::parse(APP_ID_PREFIX).map_err(|_| std::fmt::Error)?;
        formatter.write_str(&bech32::encode::<Bech32>(hrp, &self.0).map_err(|_| std::fmt::Error)?)
    }
}

impl std::fmt::Debug for AppId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, formatter)
    }
}

/// A kind of evidence that a policy may accept (SPEC 3.1, 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// A raw `rofl.Register` transaction.
    RoflRegister,
    /// A TDX quote with our own REPORTDATA.
    TdxQuote,
}

impl EvidenceKind {
    /// The name in policies and attestations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RoflRegister => "rofl-register",
            Self::TdxQuote => "tdx-quote",
        }
    }
}

/// Whose registrations count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// ParaTime.
    pub runtime_id: [u8; 32],
    /// Consensus chain context.
    pub chain_context: [u8; 32],
}

/// Rules on the platform and on Intel's collateral.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcbPolicy {
    /// Lowest accepted TCB evaluation data number.
    pub min_evaluation_number: u32,
    /// Advisories that SWHardeningNeeded may carry.
    pub allowed_advisories: BTreeSet<String>,
    /// Greatest age of TCB info and QE identity, days.
    pub max_collateral_age_days: u32,
}

/// Pins on where payments go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentPins {
    /// CAIP-2 network.
    pub network: Option<String>,
    /// EIP-3009 token.
    pub asset: Option<Address>,
    /// Payee.
    pub pay_to: Option<Address>,
}

/// The root that quotes must lead to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TrustedRoot {
    /// Intel's, compiled in.
    #[default]
    Intel,
    /// A mock root, DER. Everything that follows from it is marked INSECURE.
    Mock(Vec<u8>),
}

impl TrustedRoot {
    /// The root certificate, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        match self {
            Self::Intel => INTEL_ROOT_CA,
            Self::Mock(der) => der,
        }
    }

    /// Whether the root says nothing about hardware.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        matches!(self, Self::Mock(_))
    }
}

/// What an auditor is willing to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The app.
    pub app_id: AppId,
    /// Enclave identities of acceptable builds (one build has two).
    pub enclave_identities: BTreeSet<[u8; 32]>,
    /// Enclave identities that were acceptable once and are refused now, whatever else names them.
    pub revoked_enclave_identities: BTreeSet<[u8; 32]>,
    /// Acceptable model manifests; empty means any, and the transcript says so.
    pub model_digests: BTreeSet<Digest>,
    /// Acceptable kinds of evidence.
    pub evidence: BTreeSet<EvidenceKind>,
    /// Whose registrations count; needed for `rofl-register`.
    pub chain: Option<Chain>,
    /// Rules on the platform.
    pub tcb: TcbPolicy,
    /// Greatest age of a challenge, seconds.
    pub challenge_max_age_seconds: u64,
    /// Pins on where payments go.
    pub payment: PaymentPins,
    /// The root that quotes must lead to.
    pub root: TrustedRoot,
}

impl Policy {
    /// Parses a policy file. `read` reads the file that `root.mock_root` names (its text is taken verbatim) and is not called
    /// when the policy trusts Intel's root.
    ///
    /// # Errors
    /// [`PolicyError`] names the key and what it should be.
    pub fn parse(text: &str, read: impl FnOnce(&str) -> Result<Vec<u8>, String>) -> Result<Self, PolicyError> {
        if text.len() > MAX_POLICY_BYTES {
            return Err(PolicyError::TooLarge(text.len()));
        }
        let file: File =
            toml::from_str(text).map_err(|error| PolicyError::Syntax(error.to_string().trim_end().to_owned()))?;
        if file.version != 1 {
            return Err(value("version", format!("{}, expected 1", file.version)));
        }
        let app_id = AppId::parse(&file.app_id)
            .ok_or_else(|| value("app_id", "expected the lowercase bech32 id of the app, `rofl1…`"))?;
        let identities =
            |field, texts: &[String]| set(field, texts, |text| lower_hex(text).ok(), "64 lowercase hex digits");
        let enclave_identities = identities("enclave_identities", &file.enclave_identities)?;
        let revoked_enclave_identities = identities("revoked_enclave_identities", &file.revoked_enclave_identities)?;
        if enclave_identities.is_empty() {
            return Err(value("enclave_identities", "names no identity, so nothing could ever be verified"));
        }
        let model_digests = set(
            "model_digests",
            &file.model_digests,
            |text| text.parse().ok(),
            "`sha256:` and 64 lowercase hex digits",
        )?;
        let evidence: BTreeSet<_> = file.evidence.into_iter().collect();
        if evidence.is_empty() {
            return Err(value("evidence", "accepts no kind, expected `rofl-register`, `tdx-quote` or both"));
        }
        let chain = file.chain.map(|chain| chain.parse()).transpose()?;
        if chain.is_none() && evidence.contains(&EvidenceKind::RoflRegister) {
            return Err(value("chain", "is missing; `rofl-register` evidence needs `runtime_id` and `chain_context`"));
        }
        if file.challenge.max_age_seconds == 0 {
            return Err(value("challenge.max_age_seconds", "0, expected at least 1"));
        }
        let root = match file.root {
            None => TrustedRoot::Intel,
            Some(root) => {
                let der = read(&root.mock_root).map_err(|error| value("root.mock_root", error))?;
                if der.is_empty() {
                    return Err(value("root.mock_root", "the file is empty, expected a DER certificate"));
                }
                TrustedRoot::Mock(der)
            }
        };
        Ok(Self {
            app_id,
            enclave_identities,
            revoked_enclave_identities,
            model_digests,
            evidence,
            chain,
            tcb: TcbPolicy {
                min_evaluation_number: file.tcb.min_evaluation_number,
                allowed_advisories: file.tcb.allowed_advisories.into_iter().collect(),
                max_collateral_age_days: file.tcb.max_collateral_age_days,
            },
            challenge_max_age_seconds: file.challenge.max_age_seconds,
            payment: file.payment.parse()?,
            root,
        })
    }
}

fn set<T: Ord>(
    field: &'static str,
    texts: &[String],
    parse: impl Fn(&str) -> Option<T>,
    expected: &str,
) -> Result<BTreeSet<T>, PolicyError> {
    let one = |(index, text): (usize, &String)| {
        parse(text).ok_or_else(|| value(field, format!("entry {} is `{text}`, expected {expected}", index + 1)))
    };
    texts.iter().enumerate().map(one).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u64,
    app_id: String,
    enclave_identities: Vec<String>,
    #[serde(default)]
    revoked_enclave_identities: Vec<String>,
    model_digests: Vec<String>,
    evidence: Vec<EvidenceKind>,
    chain: Option<ChainFile>,
    tcb: TcbFile,
    challenge: ChallengeFile,
    #[serde(default)]
    payment: PaymentFile,
    root: Option<RootFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainFile {
    runtime_id: String,
    chain_context: String,
}

impl ChainFile {
    fn parse(&self) -> Result<Chain, PolicyError> {
        let digits = |field, text: &str| lower_hex(text).map_err(|_| value(field, "expected 64 lowercase hex digits"));
        Ok(Chain {
            runtime_id: digits("chain.runtime_id", &self.runtime_id)?,
            chain_context: digits("chain.chain_context", &self.chain_context)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TcbFile {
    min_evaluation_number: u32,
    allowed_advisories: Vec<String>,
    max_collateral_age_days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChallengeFile {
    max_age_seconds: u64,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct PaymentFile {
    network: Option<String>,
    asset: Option<String>,
    pay_to: Option<String>,
}

impl PaymentFile {
    fn parse(self) -> Result<PaymentPins, PolicyError> {
        let address = |field, text: Option<String>| {
            let parse = |text: String| {
                let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40);
                digits
                    .and_then(|_| text.parse::<Address>().ok())
                    .ok_or_else(|| value(field, format!("is `{text}`, expected `0x` and 40 hex digits")))
            };
            text.map(parse).transpose()
        };
        Ok(PaymentPins {
            network: self.network,
            asset: address("payment.asset", self.asset)?,
            pay_to: address("payment.pay_to", self.pay_to)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RootFile {
    mock_root: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const APP: &str = "rofl1qp55evqls4qg6cjw5fnlv4al9ptc0fsakvxvd9uw";

    fn text() -> String {
        format!(
            r#"version = 1
app_id = "{APP}"
enclave_identities = ["{id}"]
model_digests = []
evidence = ["rofl-register"]
[chain]
runtime_id = "{id}"
chain_context = "{id}"
[tcb]
min_evaluation_number = 18
allowed_advisories = []
max_collateral_age_days = 30
[challenge]
max_age_seconds = 300
"#,
            id = "ab".repeat(32)
        )
    }

    fn parse(text: &str) -> Result<Policy, PolicyError> {
        Policy::parse(text, |_| Err("not readable".to_owned()))
    }

    #[test]
    fn the_default_root_is_intels() {
        let policy = parse(&text()).unwrap();
        assert_eq!(policy.root, TrustedRoot::Intel);
        assert_eq!(policy.root.der(), INTEL_ROOT_CA);
        assert_eq!(policy.app_id.to_string(), APP);
    }

    #[test]
    fn a_mock_root_must_be_named_and_readable() {
        let with_root = format!("{}[root]\nmock_root = \"root.der\"\n", text());
        let policy = Policy::parse(&with_root, |path| Ok(path.as_bytes().to_vec())).unwrap();
        assert!(policy.root.is_insecure());
        assert_eq!(policy.root.der(), b"root.der");
        assert_eq!(parse(&with_root).unwrap_err().to_string(), "policy: `root.mock_root`: not readable");
    }

    #[test]
    fn lenient_policies_are_refused_with_the_key_that_is_wrong() {
        let cases = [
            (text().replace("version = 1", "version = 2"), "version"),
            (text().replace("rofl1qp", "rofl1qq"), "app_id"),
            (text().replace(APP, &APP.to_uppercase()), "app_id"),
            (text().replace(&format!("[\"{}\"]", "ab".repeat(32)), "[]"), "enclave_identities"),
            (text().replace("[\"ab", "[\"AB"), "enclave_identities"),
            (text().replace("model_digests = []", "model_digests = [\"x\"]"), "model_digests"),
            (text().replace("[\"rofl-register\"]", "[]"), "evidence"),
            (text().replace("rofl-register", "registry"), "registry"),
            (text().replace("[chain]", "[chains]"), "chains"),
            (text().replace("max_age_seconds = 300", "max_age_seconds = 0"), "max_age_seconds"),
            (text().replace("min_evaluation_number = 18\n", ""), "min_evaluation_number"),
            (text().replace("min_evaluation_number = 18", "min_evaluation_number = -1"), "min_evaluation_number"),
            (format!("{}surprise = 1\n", text()), "surprise"),
            (text().replace("version = 1", "version = 1\nversion = 1"), "version"),
            (format!("{}[payment]\nasset = \"0x12\"\n", text()), "payment.asset"),
        ];
        for (text, needle) in cases {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(needle), "{needle}: {error}");
        }
        let without_chain =
            text().split("[chain]").next().unwrap().to_owned() + "[tcb]" + text().split("[tcb]").nth(1).unwrap();
        assert!(parse(&without_chain).unwrap_err().to_string().contains("`chain`"));
        assert!(parse(&without_chain.replace("rofl-register", "tdx-quote")).is_ok());
    }
}
