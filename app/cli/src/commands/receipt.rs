//! `precis receipt verify FILE…`: with the evidence inside each file, and offline unless a source is named; of several, the chain
//! between them. One verdict over all of it, the same in text, JSON and exit code.

use std::path::Path;

use precis_client::{Authorities, ReceiptOnChain, Saved, verify_saved};
use precis_protocol::evidence_file::{EvidenceFile, OwnCollateral};
use precis_protocol::limits::{
    MAX_EVIDENCE_FILE_BYTES, MAX_RECEIPT_FILE_BYTES, MAX_REQUEST_BODY_BYTES, MAX_RESPONSE_BYTES,
};
use precis_protocol::receipt::{ReceiptFile, ReceiptStatus};
use precis_verify::text::one_line;
use precis_verify::{Beside, Policy, Transcript, Verdict, check_receipt_chain};
use serde_json::{Value, json};

use super::reach;
use crate::args::ReceiptVerifyArgs;
use crate::clock::now;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::{documents, input, policy};

/// What a document, a summary and other evidence say about one receipt has no meaning for another.
const ONE_ONLY: &str =
    "--document, --summary, --evidence and --collateral are about one receipt; give one FILE with them";

/// Files and certificates that the options name, read once.
#[derive(Default)]
struct Given {
    document: Option<Vec<u8>>,
    summary: Option<Vec<u8>>,
    evidence: Option<EvidenceFile>,
    authorities: Authorities,
}

pub(super) async fn verify(args: &ReceiptVerifyArgs, output: Output) -> Result<Exit, Failure> {
    let (policy, _) = policy::load(args.accepted.policy.as_deref())?;
    let several = args.files.len() > 1;
    let about_one = args.document.is_some() || args.summary.is_some() || args.evidence.is_some();
    if several && (about_one || args.collateral.collateral.is_some()) {
        return Err(Failure::usage(ONE_ONLY));
    }
    let at = args.at.unwrap_or_else(now);
    let given = Given::read(args)?;
    let mut judged = Vec::with_capacity(args.files.len());
    for file in &args.files {
        let bytes = input::read_file(file, MAX_RECEIPT_FILE_BYTES, "receipt")?;
        judged.push(judge(&bytes, args, &policy, at, &given).await?);
    }
    let chain = several.then(|| {
        let receipts: Vec<_> = judged.iter().filter_map(|saved| saved.receipt.clone()).collect();
        check_receipt_chain(&receipts, policy.root.is_insecure())
    });
    let verdict = worst(judged.iter().map(|saved| &saved.appraisal.transcript).chain(&chain));
    output
        .result(|| text(&judged, args, chain.as_ref(), verdict), || to_json(&judged, args, chain.as_ref(), verdict))?;
    if let [only] = judged.as_slice()
        && let Some(what) = only.receipt.as_ref().and_then(|signed| of_failure(signed.receipt.status))
    {
        output.progress(what);
    }
    Ok(Exit::of_verdict(verdict))
}

impl Given {
    fn read(args: &ReceiptVerifyArgs) -> Result<Self, Failure> {
        let read = |path: &Option<std::path::PathBuf>, limit, what| {
            path.as_deref().map(|path| input::read_file(path, limit, what)).transpose()
        };
        Ok(Self {
            document: read(&args.document, MAX_REQUEST_BODY_BYTES, "document")?,
            summary: read(&args.summary, MAX_RESPONSE_BYTES, "summary")?,
            evidence: args.evidence.as_deref().map(evidence).transpose()?,
            authorities: input::authorities(&args.trust)?,
        })
    }
}

async fn judge(
    file: &[u8],
    args: &ReceiptVerifyArgs,
    policy: &Policy,
    at: u64,
    given: &Given,
) -> Result<Saved, Failure> {
    let on_chain = match args.rpc.as_slice() {
        [] => ReceiptOnChain::default(),
        urls => ReceiptOnChain::ask(file, urls, &given.authorities).await,
    };
    let attestation = given.evidence.as_ref().map(|evidence| evidence.attestation.as_slice());
    let own = collateral(file, args, policy, attestation).await?;
    let own = own.as_ref().or_else(|| given.evidence.as_ref()?.own_collateral.as_ref());
    let text = given.document.as_deref().and_then(|document| documents::read_text(document, &request_type(file)));
    let beside = Beside {
        document: given.document.as_deref(),
        text: text.as_ref().map(|text| text.as_str()),
        summary: given.summary.as_deref(),
        attestation,
        collateral: own.map(|own| &*own.collateral),
        on_chain: on_chain.as_online(),
    };
    Ok(verify_saved(file, policy, at, &beside))
}

/// The type of the document that a saved receipt is for; nothing if the file is none, which the transcript says.
fn request_type(file: &[u8]) -> String {
    ReceiptFile::parse(file).map(|file| file.request.media_type).unwrap_or_default()
}

async fn collateral(
    file: &[u8],
    args: &ReceiptVerifyArgs,
    policy: &Policy,
    attestation: Option<&[u8]>,
) -> Result<Option<OwnCollateral>, Failure> {
    // A file that does not parse is refused in the transcript; there is no platform to ask for.
    let inside = ReceiptFile::parse(file).ok().map(|file| file.attestation);
    match attestation.or(inside.as_deref()) {
        Some(attestation) => reach::own_collateral(&args.collateral, attestation, policy).await,
        None => Ok(None),
    }
}

/// A sound receipt of a failure is easily taken for one of a summary.
fn of_failure(status: ReceiptStatus) -> Option<&'static str> {
    match status {
        ReceiptStatus::Completed => None,
        ReceiptStatus::FailedUncharged => Some("status: the job failed and nothing was charged; there is no summary"),
        ReceiptStatus::FailedRefunded => {
            Some("status: the job failed and its payment was paid back; there is no summary")
        }
    }
}

fn evidence(path: &Path) -> Result<EvidenceFile, Failure> {
    let bytes = input::read_file(path, MAX_EVIDENCE_FILE_BYTES, "evidence")?;
    EvidenceFile::parse(&bytes).map_err(|error| Failure::usage(format!("{} cannot be used: {error}", path.display())))
}

fn worst<'a>(transcripts: impl Iterator<Item = &'a Transcript>) -> Verdict {
    let verdicts: Vec<Verdict> = transcripts.map(Transcript::verdict).collect();
    if verdicts.contains(&Verdict::Rejected) || verdicts.is_empty() {
        Verdict::Rejected
    } else if verdicts.contains(&Verdict::Incomplete) {
        Verdict::Incomplete
    } else {
        Verdict::Verified
    }
}

/// The verdict over all stands first and last; those on each receipt and on the chain are indented, so that no line between begins
/// like a verdict.
fn text(judged: &[Saved], args: &ReceiptVerifyArgs, chain: Option<&Transcript>, verdict: Verdict) -> String {
    let (Some(chain), several) = (chain, judged) else {
        return judged.iter().map(|saved| saved.appraisal.transcript.render(args.explain)).collect();
    };
    let insecure = if chain.insecure() { " (INSECURE)" } else { "" };
    let overall = format!("{}{insecure}: {} receipts and the chain between them\n", verdict.as_str(), several.len());
    let mut out = overall.clone();
    let mut part = |title: &str, transcript: &Transcript| {
        out.push_str(&format!("== {title}\n"));
        transcript.render(args.explain).lines().for_each(|line| out.push_str(&format!("  {line}\n")));
    };
    for (saved, file) in several.iter().zip(&args.files) {
        part(&one_line(&file.display().to_string()), &saved.appraisal.transcript);
    }
    part("the chain between them", chain);
    out.push_str(&overall);
    out
}

fn to_json(judged: &[Saved], args: &ReceiptVerifyArgs, chain: Option<&Transcript>, verdict: Verdict) -> Value {
    let one = |saved: &Saved| {
        let appraisal = &saved.appraisal;
        json!({"verdict": appraisal.transcript.verdict(), "transcript": appraisal.transcript, "facts": appraisal.facts})
    };
    match (judged, chain) {
        ([only], None) => one(only),
        _ => {
            let receipts = judged.iter().zip(&args.files).map(|(saved, file)| {
                let mut entry = one(saved);
                entry["file"] = json!(one_line(&file.display().to_string()));
                entry
            });
            json!({"verdict": verdict, "receipts": receipts.collect::<Vec<_>>(), "chain": chain})
        }
    }
}
