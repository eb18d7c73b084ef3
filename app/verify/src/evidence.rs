//! The checks on evidence: registration, quote, platform, identity (SPEC 3.1, 3.2, 3.4).

use precis_protocol::attestation::{Attestation, Collateral, Evidence};
use precis_protocol::encoding::base64_decode;
use precis_protocol::{Digest, tags};

use crate::app_state::{self, AppState, Instance, MAX_EXPIRATION_EPOCHS};
use crate::check;
use crate::online::Online;
use crate::policy::{AppId, EvidenceKind, Policy};
use crate::quote::collateral::{ROOT_CRL, Times, check_shape};
use crate::quote::{Quote, QuoteClaims, QuoteVerifier, TcbStatus};
use crate::register::{Register, rak_binding, signature_context};
use crate::service::Facts;
use crate::text::shown;
use crate::time::CLOCK_TOLERANCE_SECONDS;
use crate::transcript::Recorder;

/// Seconds of a day.
const DAY: u64 = 86_400;
/// Metadata key under which the proxy in the enclave publishes its TLS key, base64 of a SubjectPublicKeyInfo (Oasis, rofl-proxy).
const METADATA_TLS_KEY: &str = "net.oasis.tls.pk";
/// Prefix that the chain gives to metadata which an app publishes.
const METADATA_PREFIX: &str = "net.oasis.app.";

/// What the evidence is judged by.
pub(crate) struct Context<'a> {
    pub(crate) verifier: &'a dyn QuoteVerifier,
    pub(crate) policy: &'a Policy,
    pub(crate) at: QuoteTime,
    pub(crate) collateral: Option<&'a Collateral>,
    pub(crate) keyset_digest: Digest,
    pub(crate) keyset_app: Option<AppId>,
    pub(crate) epoch: Online<'a, u64>,
    pub(crate) app: Online<'a, &'a AppState>,
    pub(crate) tls_key: Option<&'a [u8]>,
}

/// The time that quote and collateral are judged at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuoteTime {
    /// At this one, Unix seconds.
    At(u64),
    /// At the time of the newest item of collateral, within these bounds: what Intel has revoked and downgraded since something was
    /// signed then applies to it.
    OfCollateral {
        /// When it was signed.
        from: u64,
        /// The caller's time.
        until: u64,
    },
}

impl QuoteTime {
    fn of(self, collateral: &Collateral) -> u64 {
        match self {
            Self::At(at) => at,
            Self::OfCollateral { from, until } => {
                let newest = Times::of(collateral).map_or(from, |times| times.newest());
                newest.min(until).max(from)
            }
        }
    }
}

pub(crate) fn kind_of(evidence: &Evidence) -> EvidenceKind {
    match evidence {
        Evidence::RoflRegister { .. } => EvidenceKind::RoflRegister,
        Evidence::TdxQuote { .. } => EvidenceKind::TdxQuote,
    }
}

/// The raw quote inside an item of evidence, which parses.
pub(crate) fn quote_bytes(evidence: &Evidence) -> Result<Vec<u8>, String> {
    let bytes = match evidence {
        Evidence::RoflRegister { transaction, .. } => {
            Register::parse(transaction).map_err(|error| error.to_string())?.quote
        }
        Evidence::TdxQuote { quote, .. } => quote.clone(),
    };
    Quote::parse(&bytes).map(|_| bytes).map_err(|error| error.to_string())
}

/// The instance that a registration is of; none for evidence of another kind.
pub(crate) fn instance_in(evidence: &Evidence) -> Option<Result<Instance, String>> {
    let Evidence::RoflRegister { transaction, runtime_id, .. } = evidence else { return None };
    let instance = |register: Register| Instance { runtime_id: *runtime_id, app: register.app, rak: register.rak };
    Some(Register::parse(transaction).map(instance).map_err(|error| error.to_string()))
}

/// The quote inside an item of evidence.
pub(crate) fn quote_in(evidence: &Evidence) -> Result<Quote, String> {
    quote_bytes(evidence).and_then(|bytes| Quote::parse(&bytes).map_err(|error| error.to_string()))
}

/// Judges the first item of a kind that the policy accepts, and returns the enclave identity that it claims.
pub(crate) fn appraise(
    recorder: &mut Recorder,
    context: &Context<'_>,
    attestation: &Attestation,
    facts: &mut Facts,
) -> Option<[u8; 32]> {
    let accepted = |item: &&Evidence| context.policy.evidence.contains(&kind_of(item));
    let Some(item) = attestation.evidence.iter().find(accepted) else {
        let kinds: Vec<_> = attestation.evidence.iter().map(|item| item.kind()).collect();
        recorder.fail(
            check::EVIDENCE_PARSE,
            format!("no evidence of a kind that the policy accepts, found {}", kinds.join(", ")),
        );
        return None;
    };
    facts.evidence = Some(kind_of(item));
    match item {
        Evidence::RoflRegister { transaction, runtime_id, chain_context, collateral } => {
            let register = match Register::parse(transaction) {
                Ok(register) => register,
                Err(error) => {
                    recorder.fail(check::EVIDENCE_PARSE, error.to_string());
                    return None;
                }
            };
            facts.rak = Some(register.rak);
            facts.node_id = Some(register.node_id);
            facts.registration_expiration = Some(register.expiration);
            registration(recorder, context, &register, runtime_id, chain_context);
            let binding = rak_binding(&register.rak);
            quote(recorder, context, &register.quote, collateral, facts, |report_data| {
                if report_data[..32] == binding {
                    Ok(format!("binds RAK {}", hex::encode(register.rak)))
                } else {
                    Err(format!(
                        "expected {} for RAK {}, found {}",
                        hex::encode(binding),
                        hex::encode(register.rak),
                        hex::encode(&report_data[..32])
                    ))
                }
            })
        }
        Evidence::TdxQuote { quote: bytes, collateral } => {
            for absent in [check::REGISTER_SIGNATURE, check::REGISTER_METADATA, check::REGISTRATION_EPOCH] {
                recorder.optional(absent, "not part of tdx-quote evidence");
            }
            app_state::without_registration(recorder, "not part of tdx-quote evidence");
            tls(recorder, context, None);
            app(recorder, context, None);
            let nonce = attestation.challenge.nonce;
            let digest = Digest::tagged(tags::REPORT_DATA, &[&nonce, context.keyset_digest.as_bytes()]);
            let expected = [digest.as_bytes().as_slice(), &nonce].concat();
            quote(recorder, context, bytes, collateral, facts, |report_data| {
                if report_data.as_slice() == expected {
                    Ok(format!("binds nonce and keyset {}", context.keyset_digest))
                } else {
                    Err(format!("expected {}, found {}", hex::encode(&expected), hex::encode(report_data)))
                }
            })
        }
    }
}

fn registration(
    recorder: &mut Recorder,
    context: &Context<'_>,
    register: &Register,
    runtime_id: &[u8; 32],
    chain_context: &[u8; 32],
) {
    let signature = match context.policy.chain {
        None => Err("the policy names no chain".to_owned()),
        Some(chain) if chain.runtime_id != *runtime_id => {
            Err(format!("runtime {}, expected {}", hex::encode(runtime_id), hex::encode(chain.runtime_id)))
        }
        Some(chain) if chain.chain_context != *chain_context => {
            Err(format!("chain context {}, expected {}", hex::encode(chain_context), hex::encode(chain.chain_context)))
        }
        Some(chain) => match register.verify(&signature_context(&chain.runtime_id, &chain.chain_context)) {
            Ok(()) => Ok(format!("RAK {}", hex::encode(register.rak))),
            Err(error) => Err(error.to_string()),
        },
    };
    recorder.record(check::REGISTER_SIGNATURE, signature);
    app(recorder, context, Some(AppId::from_bytes(register.app)));

    let key = format!("{METADATA_PREFIX}{}", tags::METADATA_KEYSET);
    let previous = register.metadata.get(&format!("{METADATA_PREFIX}{}", tags::METADATA_KEYSET_PREVIOUS));
    let expected = context.keyset_digest.to_string();
    let metadata = match register.metadata.get(&key) {
        // A keyset that was replaced is vouched for beside the one that replaced it.
        _ if previous == Some(&expected) => Ok(expected),
        Some(found) if *found == expected => Ok(expected),
        Some(found) if found.len() <= expected.len() => Err(format!("expected {expected}, found {found}")),
        Some(_) => Err(format!("expected {expected}, found another text")),
        None => Err(format!("`{key}` is missing")),
    };
    recorder.record(check::REGISTER_METADATA, metadata);

    match context.epoch {
        Online::NotAsked => recorder.optional(
            check::REGISTRATION_EPOCH,
            format!("expires in epoch {}; no node was asked for the current one", register.expiration),
        ),
        Online::Unanswered(why) => recorder.skip(
            check::REGISTRATION_EPOCH,
            format!("expires in epoch {}; the current one: {why}", register.expiration),
        ),
        Online::Known(epoch) => {
            let detail = format!("expires in epoch {}, current {epoch}", register.expiration);
            let in_time = register.expiration > epoch;
            // No app lets a registration live longer, so that one that does was never taken.
            let possible = register.expiration <= epoch.saturating_add(MAX_EXPIRATION_EPOCHS);
            recorder.record(check::REGISTRATION_EPOCH, if in_time && possible { Ok(detail) } else { Err(detail) });
        }
    }
    app_state::record(recorder, context.policy, register, context.epoch, context.app);
    tls(recorder, context, Some(register));
}

/// Of plain HTTPS: the key that the proxy put on chain, with the registration judged or with the one that the chain has now.
fn tls(recorder: &mut Recorder, context: &Context<'_>, register: Option<&Register>) {
    let Some(used) = context.tls_key else {
        return recorder.optional(check::CHANNEL_TLS, "no plain connection is in use");
    };
    let now = match (context.app, register) {
        (Online::Known(state), Some(register)) if state.of.rak == register.rak => state.registered.as_ref(),
        _ => None,
    };
    let named = [register.map(|r| &r.metadata), now.map(|r| &r.metadata)].into_iter().flatten();
    let named: Vec<&String> = named.filter_map(|metadata| metadata.get(METADATA_TLS_KEY)).collect();
    let found = Digest::of(used);
    if named.is_empty() {
        recorder.optional(check::CHANNEL_TLS, format!("the registration names no TLS key; the one in use is {found}"));
    } else if named.iter().any(|key| base64_decode(key).is_ok_and(|key| key == used)) {
        recorder.pass(check::CHANNEL_TLS, found.to_string());
    } else {
        recorder.fail(check::CHANNEL_TLS, format!("the one in use is {found}, the registration names another"));
    }
}

fn app(recorder: &mut Recorder, context: &Context<'_>, registered: Option<AppId>) {
    let expected = context.policy.app_id;
    let result = match (registered, context.keyset_app) {
        (Some(found), _) if found != expected => Err(format!("the registration is of {found}, expected {expected}")),
        (_, Some(found)) if found != expected => Err(format!("the keyset is of {found}, expected {expected}")),
        (_, None) => Err("the keyset names no app id".to_owned()),
        _ => Ok(expected.to_string()),
    };
    recorder.record(check::REGISTER_APP, result);
}

/// All checks on one quote; returns the identity it claims.
fn quote(
    recorder: &mut Recorder,
    context: &Context<'_>,
    bytes: &[u8],
    collateral: &Collateral,
    facts: &mut Facts,
    report_data: impl FnOnce(&[u8; 64]) -> Result<String, String>,
) -> Option<[u8; 32]> {
    let quote = match Quote::parse(bytes) {
        Ok(quote) => quote,
        Err(error) => {
            recorder.fail(check::EVIDENCE_PARSE, error.to_string());
            return None;
        }
    };
    let identity = quote.enclave_identity();
    facts.enclave_identity = Some(identity);
    facts.mr_seam = Some(quote.mr_seam);
    recorder.record(check::QUOTE_ATTRIBUTES, quote.check_attributes(&context.policy.td));
    recorder.record(check::QUOTE_REPORT_DATA, report_data(&quote.report_data));
    recorder.record(check::IDENTITY_ALLOWED, allowed(context.policy, &identity));

    let (collateral, whose) = match context.collateral {
        Some(own) => (own, "the caller's own"),
        None => (collateral, "the service's"),
    };
    let root = match check_shape(&quote, collateral) {
        Ok(root) => root,
        Err(error) => {
            recorder.fail(check::EVIDENCE_PARSE, format!("collateral: {error}"));
            return Some(identity);
        }
    };
    recorder.pass(
        check::EVIDENCE_PARSE,
        format!("quote of {} bytes, version {}; collateral is {whose}", bytes.len(), quote.version),
    );

    let trusted = context.policy.root.der();
    let name =
        if context.policy.root.is_insecure() { "a mock root that the policy names" } else { "Intel SGX Root CA" };
    let result = if root == trusted {
        Ok(format!("{name}, {}", Digest::of(trusted)))
    } else {
        Err(format!("expected {name}, {}, found {}", Digest::of(trusted), Digest::of(&root)))
    };
    recorder.record(check::QUOTE_ROOT, result);

    let at = context.at.of(collateral);
    match context.verifier.verify(bytes, collateral, at, trusted) {
        Ok(claims) => {
            facts.fmspc = Some(claims.fmspc);
            facts.tcb_status = claims.statuses.first().map(|(_, status)| shown(&status.to_string()));
            facts.evaluation_number = Some(claims.evaluation_number);
            recorder.pass(
                check::QUOTE_CHAIN,
                format!("FMSPC {}, valid until {}", hex::encode(claims.fmspc), claims.expires),
            );
            recorder.record(check::QUOTE_TCB, tcb(&claims, context.policy));
            recorder.record(check::QUOTE_COLLATERAL, freshness(&claims, context.policy, at));
        }
        Err(error) => {
            recorder.fail(check::QUOTE_CHAIN, error.to_string());
            for unknown in [check::QUOTE_TCB, check::QUOTE_COLLATERAL] {
                recorder.skip(unknown, "quote.chain does not hold");
            }
        }
    }
    Some(identity)
}

fn allowed(policy: &Policy, identity: &[u8; 32]) -> Result<String, String> {
    let found = hex::encode(identity);
    if policy.revoked_enclave_identities.contains(identity) {
        Err(format!("{found} is one that the policy revokes"))
    } else if policy.enclave_identities.contains(identity) {
        Ok(found)
    } else {
        Err(format!("{found} is not one that the policy names"))
    }
}

/// UpToDate, or SWHardeningNeeded with every advisory listed; each part of the platform on its own.
fn tcb(claims: &QuoteClaims, policy: &Policy) -> Result<String, String> {
    let unlisted: Vec<_> = claims
        .advisories
        .iter()
        .filter(|advisory| !policy.tcb.allowed_advisories.contains(*advisory))
        .cloned()
        .collect();
    for (part, status) in &claims.statuses {
        match status {
            TcbStatus::UpToDate => {}
            TcbStatus::SwHardeningNeeded if claims.advisories.is_empty() => {
                return Err(format!("{part} is SWHardeningNeeded without naming an advisory"));
            }
            TcbStatus::SwHardeningNeeded if unlisted.is_empty() => {}
            TcbStatus::SwHardeningNeeded => {
                return Err(format!(
                    "{part} is SWHardeningNeeded with {}, which the policy does not list",
                    unlisted.join(", ")
                ));
            }
            TcbStatus::Other(name) => return Err(format!("{part} is {name}, expected UpToDate")),
        }
    }
    let statuses: Vec<_> = claims.statuses.iter().map(|(part, status)| format!("{part} {status}")).collect();
    Ok(statuses.join(", "))
}

/// Recent, of one evaluation set that is not too old, and of this platform.
fn freshness(claims: &QuoteClaims, policy: &Policy, at: u64) -> Result<String, String> {
    let (rules, times) = (&policy.tcb, &claims.times);
    let floor = rules.min_evaluation_number;
    if claims.evaluation_number < floor {
        return Err(format!("evaluation number {}, expected at least {floor}", claims.evaluation_number));
    }
    if claims.pck_pce_id != times.pce_id {
        return Err(format!(
            "PCEID {} in the PCK certificate, {} in the TCB info",
            hex::encode(&claims.pck_pce_id),
            hex::encode(times.pce_id)
        ));
    }
    for (name, period) in times.items() {
        let days = if name == ROOT_CRL { rules.max_root_crl_age_days } else { rules.max_collateral_age_days };
        let age = at.saturating_sub(period.issued);
        if period.issued > at.saturating_add(CLOCK_TOLERANCE_SECONDS) {
            return Err(format!("{name} was issued {}, after {at}", period.issued));
        }
        if at > period.next_update {
            return Err(format!("{name} was to be replaced by {}, before {at}", period.next_update));
        }
        if age > u64::from(days) * DAY {
            return Err(format!("{name} is {} days old, expected at most {days}", age / DAY));
        }
    }
    let issued = times.items().map(|(name, period)| format!("{name} {}", period.issued)).join(", ");
    Ok(format!("evaluation number {}, issued: {issued}; judged as at {at}", claims.evaluation_number))
}
