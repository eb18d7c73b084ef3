//! Evidence, policy and time in, transcript out (SPEC 8). One function decides; everything else feeds it.

use precis_protocol::attestation::Attestation;
use precis_protocol::keyset::{Keyset, PaymentTarget};
use precis_protocol::limits::MAX_EVIDENCE_ITEMS;
use precis_protocol::task::TaskTerms;
use precis_protocol::{Digest, PerTask, Task};

use crate::app_state::Instance;
use crate::challenge;
use crate::check;
use crate::evidence::{self, QuoteTime};
use crate::policy::{AllowedModels, AppId, Policy};
use crate::presented::{Freshness, Presented};
use crate::quote::{DcapVerifier, QuoteVerifier};
use crate::service::{Facts, VerifiedService};
use crate::text::shown;
use crate::time::CLOCK_TOLERANCE_SECONDS;
use crate::transcript::{Recorder, Transcript};

/// The result of an appraisal.
#[derive(Debug, Clone)]
pub struct Appraisal {
    /// Every check and the verdict.
    pub transcript: Transcript,
    /// The verified service; present if and only if the verdict is VERIFIED.
    pub service: Option<VerifiedService>,
    /// What the attestation says, verified or not.
    pub facts: Facts,
}

/// Appraises an attestation against a policy at `now` (Unix seconds).
#[must_use]
pub fn verify(presented: &Presented<'_>, policy: &Policy, now: u64) -> Appraisal {
    verify_with(&DcapVerifier, presented, policy, now)
}

/// [`verify`] with another quote verifier, for a second opinion.
#[must_use]
pub fn verify_with(verifier: &dyn QuoteVerifier, presented: &Presented<'_>, policy: &Policy, now: u64) -> Appraisal {
    judge(verifier, presented, policy, now, Freshness::Live)
}

/// Appraises an attestation that was kept, for what was signed at `at` (Unix seconds) by the keys in it: nonce and age of its challenge
/// were for whoever kept it (SPEC 8.1).
#[must_use]
pub fn verify_archived(attestation: &[u8], policy: &Policy, at: u64) -> Appraisal {
    let presented = Presented { attestation, ..Presented::default() };
    judge(&DcapVerifier, &presented, policy, at, Freshness::Archived { later: None })
}

fn judge(
    verifier: &dyn QuoteVerifier,
    presented: &Presented<'_>,
    policy: &Policy,
    now: u64,
    freshness: Freshness,
) -> Appraisal {
    let mut recorder = Recorder::new(policy.root.is_insecure(), check::ATTESTATION_CHECKS);
    let (candidate, facts) = appraise(&mut recorder, verifier, presented, policy, now, freshness);
    let transcript = recorder.finish();
    let service = candidate.filter(|_| transcript.is_verified());
    Appraisal { transcript, service, facts }
}

/// The appraisal of bytes that are no attestation at all.
pub(crate) fn refuse(policy: &Policy, why: String) -> Appraisal {
    let mut recorder = Recorder::new(policy.root.is_insecure(), check::ATTESTATION_CHECKS);
    recorder.fail(check::DOCUMENT_PARSE, why);
    Appraisal { transcript: recorder.finish(), service: None, facts: Facts::default() }
}

/// Records every attestation check. The candidate is what a VERIFIED transcript would vouch for.
pub(crate) fn appraise(
    recorder: &mut Recorder,
    verifier: &dyn QuoteVerifier,
    presented: &Presented<'_>,
    policy: &Policy,
    now: u64,
    freshness: Freshness,
) -> (Option<VerifiedService>, Facts) {
    let mut facts = Facts::default();
    let attestation = match parse(presented.attestation) {
        Ok(attestation) => attestation,
        Err(error) => {
            recorder.fail(check::DOCUMENT_PARSE, error);
            return (None, facts);
        }
    };
    recorder.pass(
        check::DOCUMENT_PARSE,
        format!("{} bytes, {} evidence", presented.attestation.len(), attestation.evidence.len()),
    );

    let keyset_digest = Keyset::digest(&attestation.keyset);
    facts.keyset_digest = Some(keyset_digest);
    let keyset = keyset_checks(recorder, presented, policy, now, &attestation, keyset_digest, freshness, &mut facts);
    let app_id = keyset.as_ref().and_then(|keyset| AppId::parse(&keyset.app_id));
    let at = match freshness {
        Freshness::Archived { later: Some(until) } => QuoteTime::OfCollateral { from: now, until },
        _ => QuoteTime::At(now),
    };
    let context = evidence::Context {
        verifier,
        policy,
        at,
        collateral: presented.collateral,
        keyset_digest,
        keyset_app: app_id,
        epoch: presented.epoch,
        app: presented.app,
        tls_key: presented.tls_key,
    };
    let enclave_identity = evidence::appraise(recorder, &context, &attestation, &mut facts);

    let service = match (keyset, app_id, enclave_identity) {
        (Some(keyset), Some(app_id), Some(enclave_identity)) => Some(VerifiedService {
            tasks: allowed_tasks(policy, &keyset),
            payments: keyset.payments.iter().filter(|target| policy.allows_payment(target)).cloned().collect(),
            keyset,
            keyset_digest,
            enclave_identity,
            app_id,
            insecure: policy.root.is_insecure(),
            attestation: presented.attestation.to_vec(),
        }),
        _ => None,
    };
    (service, facts)
}

/// An attestation out of which no quote can be read. Whoever made the attestation must act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the evidence cannot be read: {0}")]
pub struct UnreadableEvidence(String);

/// The enclave identity that the first item of evidence claims. Nothing is verified: a service uses it to name itself in the
/// policy of its own self-check.
///
/// # Errors
/// [`UnreadableEvidence`] when document, transaction or quote do not parse strictly.
pub fn enclave_identity_of(attestation: &[u8]) -> Result<[u8; 32], UnreadableEvidence> {
    let attestation = parse(attestation).map_err(UnreadableEvidence)?;
    let identity =
        attestation.evidence.first().map(|item| evidence::quote_in(item).map(|quote| quote.enclave_identity()));
    identity.unwrap_or_else(|| Err("no evidence".to_owned())).map_err(UnreadableEvidence)
}

/// The raw quote of the item of evidence that `policy` would have judged. Nothing is verified: who fetches collateral of their own needs
/// the platform that it names.
///
/// # Errors
/// [`UnreadableEvidence`] when there is none, or document, transaction or quote do not parse strictly.
pub fn quote_of(attestation: &[u8], policy: &Policy) -> Result<Vec<u8>, UnreadableEvidence> {
    let attestation = parse(attestation).map_err(UnreadableEvidence)?;
    let item = attestation.evidence.iter().find(|item| policy.evidence.contains(&evidence::kind_of(item)));
    let item = item.ok_or_else(|| UnreadableEvidence("no evidence of a kind that the policy accepts".to_owned()))?;
    evidence::quote_bytes(item).map_err(UnreadableEvidence)
}

/// The instance that the first registration in the evidence is of. Nothing is verified: it says whom to ask a node about.
///
/// # Errors
/// [`UnreadableEvidence`] when there is none, or document or transaction do not parse strictly.
pub fn instance_of(attestation: &[u8]) -> Result<Instance, UnreadableEvidence> {
    let attestation = parse(attestation).map_err(UnreadableEvidence)?;
    let none = || UnreadableEvidence("it holds no registration".to_owned());
    attestation.evidence.iter().find_map(evidence::instance_in).ok_or_else(none)?.map_err(UnreadableEvidence)
}

fn parse(bytes: &[u8]) -> Result<Attestation, String> {
    let attestation = Attestation::parse(bytes).map_err(|error| error.to_string())?;
    let items = attestation.evidence.len();
    if items == 0 || items > MAX_EVIDENCE_ITEMS {
        return Err(format!("{items} items of evidence, expected 1 to {MAX_EVIDENCE_ITEMS}"));
    }
    // The compact encoding is the only one, so that no byte of the document is free.
    match serde_json::to_vec(&attestation) {
        Ok(canonical) if canonical == bytes => Ok(attestation),
        _ => Err("not the compact JSON encoding of its contents".to_owned()),
    }
}

#[expect(clippy::too_many_arguments, reason = "one caller; the arguments are the inputs of the checks, named")]
fn keyset_checks(
    recorder: &mut Recorder,
    presented: &Presented<'_>,
    policy: &Policy,
    now: u64,
    attestation: &Attestation,
    keyset_digest: Digest,
    freshness: Freshness,
    facts: &mut Facts,
) -> Option<Keyset> {
    challenge::freshness(recorder, presented, policy, now, &attestation.challenge, freshness);
    let keyset = match Keyset::parse(&attestation.keyset) {
        Ok(keyset) => keyset,
        Err(error) => {
            recorder.fail(check::KEYSET_WELL_FORMED, format!("{error} ({keyset_digest})"));
            return None;
        }
    };
    facts.app_id = Some(shown(&keyset.app_id));
    facts.instance_id = Some(keyset.instance_id);
    facts.release = Some(shown(&format!("{} ({})", keyset.release.version, keyset.release.commit)));
    recorder.pass(check::KEYSET_WELL_FORMED, keyset_digest.to_string());

    let period = format!("notBefore {}, notAfter {}, now {now}", keyset.not_before, keyset.not_after);
    let in_time = keyset.not_before <= now.saturating_add(CLOCK_TOLERANCE_SECONDS)
        && now <= keyset.not_after.saturating_add(CLOCK_TOLERANCE_SECONDS);
    recorder.record(check::KEYSET_TIME, if in_time { Ok(period) } else { Err(period) });

    challenge::signature(recorder, &attestation.challenge, &keyset, &keyset_digest);
    payment(recorder, policy, &keyset);
    models(recorder, policy, &keyset);
    recorder
        .pass(check::RELEASE_ALLOWED, format!("version {}, commit {}", keyset.release.version, keyset.release.commit));
    match presented.ohttp_config {
        Some(config) => channel(recorder, config, &keyset.ohttp_config),
        None => recorder
            .optional(check::CHANNEL_KEY, "no OHTTP configuration was presented; the keyset's is the one to use"),
    }
    Some(keyset)
}

fn payment(recorder: &mut Recorder, policy: &Policy, keyset: &Keyset) {
    let (allowed, other): (Vec<_>, Vec<_>) = keyset.payments.iter().partition(|target| policy.allows_payment(target));
    let listed = |targets: &[&PaymentTarget]| {
        let each = targets.iter().map(|target| format!("{} of {} to {}", target.network, target.asset, target.pay_to));
        each.collect::<Vec<_>>().join(", ")
    };
    if policy.payments.is_empty() {
        recorder.optional(check::PAYMENT_ALLOWED, format!("the policy pins nothing: {}", listed(&allowed)));
        return;
    }
    let result = match (allowed.is_empty(), other.is_empty()) {
        (false, true) => Ok(listed(&allowed)),
        (false, false) => Ok(format!("{}; not used: {}", listed(&allowed), listed(&other))),
        (true, _) => {
            let pins: Vec<_> = policy.payments.iter().map(ToString::to_string).collect();
            Err(format!("expected {}, found {}", pins.join(" or "), listed(&other)))
        }
    };
    recorder.record(check::PAYMENT_ALLOWED, result);
}

fn allowed_tasks(policy: &Policy, keyset: &Keyset) -> PerTask<TaskTerms> {
    keyset
        .tasks
        .iter()
        .filter(|(task, _)| policy.tasks.contains_key(*task))
        .map(|(task, terms)| (*task, *terms))
        .collect()
}

/// Every task that the policy allows and the service sells is done by a model that the policy names. Other tasks are not judged and
/// cannot be bought.
fn models(recorder: &mut Recorder, policy: &Policy, keyset: &Keyset) {
    let found = |task: Task, terms: &TaskTerms| {
        terms.model.map_or_else(|| format!("{task} by no model"), |model| format!("{task} {model}"))
    };
    let (mut fits, mut foreign, mut any) = (Vec::new(), Vec::new(), Vec::new());
    for (task, terms) in &allowed_tasks(policy, keyset) {
        match policy.tasks.get(task) {
            Some(AllowedModels::Only(allowed)) if terms.model.is_none_or(|model| allowed.contains(&model)) => {
                fits.push(found(*task, terms));
            }
            Some(AllowedModels::Only(_)) | None => foreign.push(found(*task, terms)),
            Some(AllowedModels::Any) => any.push(found(*task, terms)),
        }
    }
    if !foreign.is_empty() {
        recorder.fail(check::MODEL_ALLOWED, format!("{}, which the policy does not name", foreign.join(", ")));
    } else if !any.is_empty() {
        recorder.optional(check::MODEL_ALLOWED, format!("the policy accepts any model: {}", any.join(", ")));
    } else if fits.is_empty() {
        recorder.fail(check::MODEL_ALLOWED, "the service sells none of the tasks that the policy allows");
    } else {
        recorder.pass(check::MODEL_ALLOWED, fits.join(", "));
    }
}

/// The configuration in use is the keyset's, bare or as a list of one (RFC 9458 section 3.2: u16 length before each).
fn channel(recorder: &mut Recorder, used: &[u8], expected: &[u8]) {
    let listed = u16::try_from(expected.len()).ok().map(|length| [&length.to_be_bytes(), expected].concat());
    let result = if used == expected || listed.is_some_and(|listed| listed == used) {
        Ok(format!("{}", Digest::of(expected)))
    } else {
        Err(format!("expected {}, found {}", Digest::of(expected), Digest::of(used)))
    };
    recorder.record(check::CHANNEL_KEY, result);
}
