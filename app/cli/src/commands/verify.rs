//! `precis verify URL`: the auditor's list, live; `precis verify --evidence FILE`: the same over what was saved, without network.

use std::path::Path;

use precis_client::{ChannelChoice, Connection};
use precis_protocol::digest::Digest;
use precis_protocol::evidence_file::EvidenceFile;
use precis_protocol::limits::MAX_EVIDENCE_FILE_BYTES;
use precis_verify::text::one_line;
use precis_verify::{Appraisal, Policy, ear, verify_evidence_file};
use serde_json::{Value, json};

use super::reach;
use crate::args::VerifyArgs;
use crate::clock::now;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::{input, policy};

/// What was judged, and when.
struct Judged {
    service: String,
    at: u64,
    nonce: Option<[u8; 32]>,
    attestation: Vec<u8>,
    appraisal: Appraisal,
}

pub(super) async fn run(args: &VerifyArgs, output: Output) -> Result<Exit, Failure> {
    let (policy, policy_digest) = policy::load(args.accepted.policy.as_deref())?;
    let judged = match (&args.evidence, &args.url) {
        (Some(file), _) => saved(file, args, &policy).await?,
        (None, Some(url)) => live(url, args, &policy, output).await?,
        (None, None) => return Err(Failure::usage("nothing to verify: give a URL, or --evidence FILE")),
    };
    let transcript = &judged.appraisal.transcript;
    output.result(|| transcript.render(args.explain), || to_json(&judged))?;
    if let Some(path) = &args.ear {
        let result = attestation_result(&judged, policy_digest);
        output.save(path, result.to_string().as_bytes(), "attestation result")?;
    }
    Ok(Exit::of_verdict(transcript.verdict()))
}

async fn live(url: &str, args: &VerifyArgs, policy: &Policy, output: Output) -> Result<Judged, Failure> {
    let sources = reach::sources(&args.online, &args.trust)?;
    let connection = Connection { timeout: args.timeout, channel: ChannelChoice::Encrypted, sources };
    let mut discovered = precis_client::discover(url, connection).await?;
    if let Some(own) = reach::own_collateral(&args.collateral, discovered.attestation(), policy).await? {
        discovered = discovered.with_collateral(own);
    }
    let at = now();
    if let Some(path) = &args.save_evidence {
        let file = serde_json::to_vec(&discovered.to_file(at))
            .map_err(|error| Failure::usage(format!("the evidence cannot be written ({error})")))?;
        output.save(path, &file, "evidence")?;
    }
    Ok(Judged {
        service: url.to_owned(),
        at,
        nonce: Some(discovered.nonce()),
        attestation: discovered.attestation().to_vec(),
        appraisal: discovered.appraise(policy, at),
    })
}

async fn saved(path: &Path, args: &VerifyArgs, policy: &Policy) -> Result<Judged, Failure> {
    let at = args.at.unwrap_or_else(now);
    let mut bytes = input::read_file(path, MAX_EVIDENCE_FILE_BYTES, "evidence")?;
    // A file that does not parse is refused in the transcript; there is nothing of it to name besides.
    let mut file = EvidenceFile::parse(&bytes).ok();
    if let Some(file) = &mut file
        && let Some(own) = reach::own_collateral(&args.collateral, &file.attestation, policy).await?
    {
        file.own_collateral = Some(own);
        bytes = serde_json::to_vec(file)
            .map_err(|error| Failure::usage(format!("the evidence cannot be judged ({error})")))?;
    }
    let appraisal = verify_evidence_file(&bytes, policy, at);
    let (service, nonce, attestation) = file
        .map(|file| (one_line(&file.service), Some(file.nonce), file.attestation))
        .unwrap_or_else(|| (path.display().to_string(), None, Vec::new()));
    Ok(Judged { service, at, nonce, attestation, appraisal })
}

fn to_json(judged: &Judged) -> Value {
    let Appraisal { transcript, facts, .. } = &judged.appraisal;
    json!({"service": judged.service, "at": judged.at, "transcript": transcript, "facts": facts})
}

fn attestation_result(judged: &Judged, policy: Digest) -> Value {
    let policy_id = policy.to_string();
    let context = ear::Context {
        attestation: &judged.attestation,
        nonce: judged.nonce,
        policy_id: &policy_id,
        issued_at: judged.at,
    };
    ear::attestation_result(&judged.appraisal, &context)
}
