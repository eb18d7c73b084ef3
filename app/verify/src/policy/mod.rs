//! Policies (SPEC 9): what an auditor is willing to trust, as data. Fails closed: what widens trust is named by a word of its own.
//!
//! Guarantee: a parsed [`Policy`] names at least one enclave identity and one kind of evidence, and the root it trusts is Intel's
//! unless the text names a mock root.

mod file;

use std::collections::BTreeSet;

use alloy_primitives::Address;
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use precis_protocol::keyset::PaymentTarget;
use precis_protocol::limits::MAX_POLICY_BYTES;
use precis_protocol::{Digest, PerTask};
use serde::Deserialize;

/// Intel's SGX Provisioning Certification Root CA, DER: the root of every genuine quote.
pub const INTEL_ROOT_CA: &[u8] = include_bytes!("intel_sgx_root_ca.der");

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
    /// Greatest age of TCB info, QE identity and the PCK CA's revocation list, days.
    pub max_collateral_age_days: u32,
    /// Greatest age of the root CA's revocation list, days. Intel issues that one once a year.
    pub max_root_crl_age_days: u32,
}

/// Greatest age of the root CA's revocation list where a policy does not name one, days: the longest period that Intel has given one.
pub const DEFAULT_MAX_ROOT_CRL_AGE_DAYS: u32 = 380;

/// Extended features that a TD may use where a policy does not name them: x87, SSE, AVX, AVX-512, protection keys, CET and AMX. What
/// shows to others how the TD runs (processor trace, last-branch records, performance states) is not among them.
pub const DEFAULT_ALLOWED_XFAM: u64 = 0x0006_1ae7;

/// Rules on how the TD was set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TdPolicy {
    /// Bits of XFAM that may be set.
    pub allowed_xfam: u64,
    /// Service TDs that may be bound to the TD, by the hash in its report. None has to be: zero is always accepted.
    pub service_tds: BTreeSet<[u8; 48]>,
}

impl Default for TdPolicy {
    fn default() -> Self {
        Self { allowed_xfam: DEFAULT_ALLOWED_XFAM, service_tds: BTreeSet::new() }
    }
}

/// Models that may work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedModels {
    /// Any: the policy says so by the word `any`, and the check is not evaluated.
    Any,
    /// Those with these manifest digests.
    Only(BTreeSet<Digest>),
}

/// Pins on one target of payments. What is none is not pinned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentPins {
    /// CAIP-2 network.
    pub network: Option<String>,
    /// EIP-3009 token.
    pub asset: Option<Address>,
    /// Payee.
    pub pay_to: Option<Address>,
}

impl PaymentPins {
    /// Checks whether `target` is what they pin.
    #[must_use]
    pub fn allow(&self, target: &PaymentTarget) -> bool {
        self.network.as_ref().is_none_or(|network| *network == target.network)
            && self.asset.is_none_or(|asset| asset == target.asset)
            && self.pay_to.is_none_or(|pay_to| pay_to == target.pay_to)
    }
}

impl std::fmt::Display for PaymentPins {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let asset = self.asset.map_or_else(|| "any token".to_owned(), |asset| asset.to_string());
        let pay_to = self.pay_to.map_or_else(|| "anybody".to_owned(), |pay_to| pay_to.to_string());
        write!(formatter, "{} of {asset} to {pay_to}", self.network.as_deref().unwrap_or("any network"))
    }
}

impl Policy {
    /// Checks whether payments may go to `target`.
    #[must_use]
    pub fn allows_payment(&self, target: &PaymentTarget) -> bool {
        self.payments.is_empty() || self.payments.iter().any(|pins| pins.allow(target))
    }
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
    /// The account that may be the app's admin, `oasis1…`, or `nobody`; none if the policy does not pin it.
    pub admin: Option<String>,
    /// Tasks that may be bought, each with the models that may do it.
    pub tasks: PerTask<AllowedModels>,
    /// Acceptable kinds of evidence.
    pub evidence: BTreeSet<EvidenceKind>,
    /// Whose registrations count; needed for `rofl-register`.
    pub chain: Option<Chain>,
    /// Rules on the platform.
    pub tcb: TcbPolicy,
    /// Rules on the TD.
    pub td: TdPolicy,
    /// Greatest age of a challenge, seconds.
    pub challenge_max_age_seconds: u64,
    /// Targets of payments: one of these; anywhere if there is none.
    pub payments: Vec<PaymentPins>,
    /// The root that quotes must lead to.
    pub root: TrustedRoot,
}

#[cfg(test)]
mod tests;
