//! The checks on evidence: registration, quote, platform, identity (SPEC 3.1, 3.2, 3.4).

use precis_protocol::attestation::{Attestation, Collateral, Evidence};
use precis_protocol::{Digest, tags};

use crate::check;
use crate::online::Online;
use crate::policy::{AppId, EvidenceKind, Policy};
use crate::quote::collateral::check_shape;
use crate::quote::{Quote, QuoteClaims, QuoteVerifier, TcbStatus};
use crate::register::{Register, rak_binding, signature_context};
use crate::service::Facts;
use crate::transcript::Recorder;

/// Seconds of a day.
const DAY: u64 = 86_400;
/// Prefix that the chain gives to metadata which an app publishes.
const METADATA_PREFIX: &str = "net.oasis.app.";

/// What the evidence is judged by.
pub(crate) struct Context<'a> {
    pub(crate) verifier: &'a dyn QuoteVerifier,
    pub(crate) policy: &'a Policy,
    pub(crate) now: u64,
    pub(crate) keyset_digest: Digest,
    pub(crate) keyset_app: Option<AppId>,
    pub(crate) epoch: Online<'a, u64>,
}

fn kind_of(evidence: &Evidence) -> EvidenceKind {
    match evidence {
        Evidence::RoflRegister { .. } => EvidenceKind::RoflRegister,
        Evidence::TdxQuote { .. } => EvidenceKind::TdxQuote,
    }
}

/// The quote inside an item of evidence.
pub(crate) fn quote_in(evidence: &Evidence) -> Result<Quote, String> {
    match evidence {
        Evidence::RoflRegister { transaction, .. } => {
            let register = Register::parse(transaction).map_err(|error| error.to_string())?;
            Quote::parse(&register.quote).map_err(|error| error.to_string())
        }
        Evidence::TdxQuote { quote, .. } => Quote::parse(quote).map_err(|error| error.to_string()),
    }
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
            recorder
                .record(check::REGISTRATION_EPOCH, if register.expiration > epoch { Ok(detail) } else { Err(detail) });
        }
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
    recorder.record(check::QUOTE_ATTRIBUTES, quote.check_attributes());
    recorder.record(check::QUOTE_REPORT_DATA, report_data(&quote.report_data));
    recorder.record(check::IDENTITY_ALLOWED, allowed(context.policy, &identity));

    let root = match check_shape(&quote, collateral) {
        Ok(root) => root,
        Err(error) => {
            recorder.fail(check::EVIDENCE_PARSE, format!("collateral: {error}"));
            return Some(identity);
        }
    };
    recorder.pass(check::EVIDENCE_PARSE, format!("quote of {} bytes, version {}", bytes.len(), quote.version));

    let trusted = context.policy.root.der();
    let name =
        if context.policy.root.is_insecure() { "a mock root that the policy names" } else { "Intel SGX Root CA" };
    let result = if root == trusted {
        Ok(format!("{name}, {}", Digest::of(trusted)))
    } else {
        Err(format!("expected {name}, {}, found {}", Digest::of(trusted), Digest::of(&root)))
    };
    recorder.record(check::QUOTE_ROOT, result);

    match context.verifier.verify(bytes, collateral, context.now, trusted) {
        Ok(claims) => {
            facts.fmspc = Some(claims.fmspc);
            facts.tcb_status = claims.statuses.first().map(|(_, status)| status.to_string());
            facts.evaluation_number = Some(claims.evaluation_number);
            recorder.pass(
                check::QUOTE_CHAIN,
                format!("FMSPC {}, valid until {}", hex::encode(claims.fmspc), claims.expires),
            );
            recorder.record(check::QUOTE_TCB, tcb(&claims, context.policy));
            recorder.record(check::QUOTE_COLLATERAL, freshness(&claims, context.policy, context.now));
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

fn freshness(claims: &QuoteClaims, policy: &Policy, now: u64) -> Result<String, String> {
    let floor = policy.tcb.min_evaluation_number;
    if claims.evaluation_number < floor {
        return Err(format!("evaluation number {}, expected at least {floor}", claims.evaluation_number));
    }
    if claims.pck_pce_id != claims.tcb_info_pce_id {
        return Err(format!(
            "PCEID {} in the PCK certificate, {} in the TCB info",
            hex::encode(&claims.pck_pce_id),
            hex::encode(claims.tcb_info_pce_id)
        ));
    }
    let days = policy.tcb.max_collateral_age_days;
    for (name, issued) in [("TCB info", claims.tcb_info_issued), ("QE identity", claims.qe_identity_issued)] {
        let age = now.saturating_sub(issued);
        if age > u64::from(days) * DAY {
            return Err(format!("{name} is {} days old, expected at most {days}", age / DAY));
        }
    }
    Ok(format!("evaluation number {}, TCB info issued {}", claims.evaluation_number, claims.tcb_info_issued))
}
