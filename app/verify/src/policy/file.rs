//! The TOML shape of a policy, and its reading.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use bech32::Bech32;
use bech32::primitives::decode::CheckedHrpstring;
use precis_protocol::encoding::lower_hex;
use precis_protocol::limits::{MAX_PAYMENT_TARGETS, MAX_POLICY_BYTES};
use precis_protocol::{PerTask, Task};
use serde::Deserialize;

use super::{
    AllowedModels, AppId, Chain, DEFAULT_ALLOWED_XFAM, DEFAULT_MAX_ROOT_CRL_AGE_DAYS, EvidenceKind, PaymentPins,
    Policy, PolicyError, TcbPolicy, TdPolicy, TrustedRoot, value,
};
use crate::text::shown;

/// The version of this shape.
const VERSION: i64 = 2;
/// The word of a policy that wants an app without an admin.
const NOBODY: &str = "nobody";
/// The word of a policy that accepts any model.
const ANY: &str = "any";
/// Bits of XFAM that every TD has: x87 and SSE.
const XFAM_ALWAYS: u64 = 0b11;

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
            toml::from_str(text).map_err(|error| other_version(text).unwrap_or_else(|| syntax(text, &error)))?;
        if file.version != VERSION {
            return Err(version(file.version));
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
        let tasks = tasks(&file.tasks)?;
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
        if file.payment.len() > MAX_PAYMENT_TARGETS {
            return Err(value("payment", format!("has {} entries, expected at most 8", file.payment.len())));
        }
        let payments = file.payment.into_iter().map(PaymentFile::parse).collect::<Result<_, _>>()?;
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
            admin: file.app.admin()?,
            tasks,
            evidence,
            chain,
            tcb: TcbPolicy {
                min_evaluation_number: file.tcb.min_evaluation_number,
                allowed_advisories: file.tcb.allowed_advisories.into_iter().collect(),
                max_collateral_age_days: file.tcb.max_collateral_age_days,
                max_root_crl_age_days: file.tcb.max_root_crl_age_days.unwrap_or(DEFAULT_MAX_ROOT_CRL_AGE_DAYS),
            },
            td: file.td.parse()?,
            challenge_max_age_seconds: file.challenge.max_age_seconds,
            payments,
            root,
        })
    }
}

fn version(found: i64) -> PolicyError {
    value("version", format!("{found}, expected {VERSION}: policies of other versions are for other releases (SPEC 9)"))
}

/// The error of a policy of another version, whatever else in it is unknown here.
fn other_version(text: &str) -> Option<PolicyError> {
    let table: toml::Table = text.parse().ok()?;
    table.get("version")?.as_integer().filter(|found| *found != VERSION).map(version)
}

/// The tasks that may be bought.
fn tasks(file: &BTreeMap<String, ModelsFile>) -> Result<PerTask<AllowedModels>, PolicyError> {
    if file.is_empty() {
        return Err(value("tasks", "names no task, so nothing could ever be bought"));
    }
    let one = |(id, models): (&String, &ModelsFile)| {
        let known = || Task::ALL.map(|task| format!("`{task}`")).join(", ");
        let task = id.parse().map_err(|_| value("tasks", format!("`{}` is none of {}", shown(id), known())))?;
        Ok((task, models.parse(task)?))
    };
    file.iter().map(one).collect()
}

/// Where the error is, the line that has it, and what it is; in one line, where the library's own text is a drawing of several.
fn syntax(text: &str, error: &toml::de::Error) -> PolicyError {
    let at = error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count());
    let place =
        at.and_then(|at| text.lines().nth(at).map(|line| format!("line {}, `{}`: ", at + 1, shown(line.trim()))));
    PolicyError::Syntax(format!("{}{}", place.unwrap_or_default(), shown(error.message())))
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
    version: i64,
    app_id: String,
    enclave_identities: Vec<String>,
    #[serde(default)]
    revoked_enclave_identities: Vec<String>,
    tasks: BTreeMap<String, ModelsFile>,
    evidence: Vec<EvidenceKind>,
    chain: Option<ChainFile>,
    #[serde(default)]
    app: AppFile,
    tcb: TcbFile,
    #[serde(default)]
    td: TdFile,
    challenge: ChallengeFile,
    #[serde(default)]
    payment: Vec<PaymentFile>,
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
    max_root_crl_age_days: Option<u32>,
}

/// A word or a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum ModelsFile {
    Word(String),
    Digests(Vec<String>),
}

impl ModelsFile {
    fn parse(&self, task: Task) -> Result<AllowedModels, PolicyError> {
        const FIELD: &str = "tasks";
        match self {
            Self::Word(word) if word == ANY => Ok(AllowedModels::Any),
            Self::Word(word) => {
                Err(value(FIELD, format!("`{task}` is `{}`, expected `{ANY}` or a list of digests", shown(word))))
            }
            Self::Digests(digests) if digests.is_empty() => Err(value(
                FIELD,
                format!("`{task}` names no model; a policy that accepts any says `\"{task}\" = \"{ANY}\"`"),
            )),
            Self::Digests(digests) => {
                set(FIELD, digests, |text| text.parse().ok(), "`sha256:` and 64 lowercase hex digits")
                    .map(AllowedModels::Only)
            }
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct AppFile {
    admin: Option<String>,
}

impl AppFile {
    fn admin(self) -> Result<Option<String>, PolicyError> {
        let is_account = |text: &str| {
            let checked = CheckedHrpstring::new::<Bech32>(text);
            checked.is_ok_and(|checked| checked.hrp().as_str() == "oasis" && checked.byte_iter().count() == 21)
                && !text.bytes().any(|byte| byte.is_ascii_uppercase())
        };
        match self.admin {
            Some(admin) if admin != NOBODY && !is_account(&admin) => {
                Err(value("app.admin", format!("is `{admin}`, expected an account `oasis1…`, or `{NOBODY}`")))
            }
            admin => Ok(admin),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct TdFile {
    allowed_xfam: Option<String>,
    #[serde(default)]
    service_tds: Vec<String>,
}

impl TdFile {
    fn parse(&self) -> Result<TdPolicy, PolicyError> {
        let mask = |text: &String| {
            let digits = text.strip_prefix("0x").filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
            digits
                .and_then(|digits| u64::from_str_radix(digits, 16).ok())
                .filter(|mask| mask & XFAM_ALWAYS == XFAM_ALWAYS)
                .ok_or_else(|| {
                    value("td.allowed_xfam", format!("is `{text}`, expected `0x` and hex with bits 0 and 1 set"))
                })
        };
        Ok(TdPolicy {
            allowed_xfam: self.allowed_xfam.as_ref().map(mask).transpose()?.unwrap_or(DEFAULT_ALLOWED_XFAM),
            service_tds: set(
                "td.service_tds",
                &self.service_tds,
                |text| lower_hex(text).ok(),
                "96 lowercase hex digits",
            )?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChallengeFile {
    max_age_seconds: u64,
}

#[derive(Deserialize)]
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
        if self.network.is_none() && self.asset.is_none() && self.pay_to.is_none() {
            return Err(value("payment", "an entry pins nothing, expected `network`, `asset` or `pay_to`"));
        }
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
