//! `precis-server reproduce RECEIPT DOCUMENT`: makes a disputed summary again and compares digests.
//!
//! The saved receipt (SPEC 7.5) holds everything but the document: the request's path with the options in it, or the digest of
//! the JSON body that has them; the exact result; the salts. What comes out again with the same model and parameters is the
//! same bytes, so a result that differs was not made as the receipt says.

mod again;
mod report;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use precis_protocol::limits::{MAX_POLICY_BYTES, MAX_RECEIPT_FILE_BYTES, MAX_REQUEST_BODY_BYTES};
use precis_protocol::receipt::ReceiptFile;
use precis_summarize::Models;
use precis_verify::{Beside, Policy};

use crate::clock;
pub use report::{Judged, Outcome, Report};

/// Shown by `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  the same: model, parameters and result have the digests of the receipt
  1  different: the same model and parameters make another result
  2  usage: a file cannot be read, or the document is not the one of the receipt
  5  cannot tell: another model or other parameters, or a receipt that proves nothing";
/// Exit code for what the caller must change.
const EXIT_USAGE: u8 = 2;
/// Longest mock root read, bytes.
const MAX_ROOT_BYTES: usize = 64 * 1024;

/// What to reproduce, and with what.
#[derive(clap::Args)]
pub struct Arguments {
    /// Saved receipt (`precis summarize --receipt FILE`).
    receipt: PathBuf,
    /// The document, byte for byte as it was sent; for a JSON request the whole body.
    document: PathBuf,
    /// Directory of the model files.
    #[arg(long, env = "PRECIS_MODEL__DIR", default_value = "/models")]
    model_dir: PathBuf,
    /// Abstractive model, as the service was configured.
    #[arg(long, env = "PRECIS_MODEL__NAME", default_value = precis_summarize::DEFAULT_MODEL)]
    model: String,
    /// Judge the receipt under this policy first; without one only its own consistency is looked at.
    #[arg(long, env = "PRECIS_POLICY")]
    policy: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Carries it out; the exit code says how it went.
pub fn run(arguments: &Arguments) -> ExitCode {
    let report = files(arguments).and_then(|(file, body)| {
        let load = || Ok(precis_summarize::load_named(&arguments.model_dir, &arguments.model)?);
        reproduce(&file, &body, arguments.policy.as_deref(), load)
    });
    match report.and_then(|report| print(&report, arguments.json).map(|()| report.outcome())) {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(error) => {
            eprintln!("precis-server: {error:#}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn files(arguments: &Arguments) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    Ok((read(&arguments.receipt, MAX_RECEIPT_FILE_BYTES)?, read(&arguments.document, MAX_REQUEST_BODY_BYTES)?))
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    let text = if json { serde_json::to_string_pretty(report)? } else { report.to_string() };
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

/// Makes the summary of a saved receipt again. The models are loaded only once the receipt is worth it.
///
/// # Errors
/// What the caller must change: not a saved receipt, another document, a policy that cannot be used.
pub fn reproduce(
    file: &[u8],
    body: &[u8],
    policy: Option<&Path>,
    load: impl FnOnce() -> anyhow::Result<Models>,
) -> anyhow::Result<Report> {
    let saved = ReceiptFile::parse(file)
        .context("the receipt is not a saved one (SPEC 7.5), which has the result and the request beside it")?;
    let judged = policy.map(|path| judge(file, path)).transpose()?;
    again::reproduce(&saved, body, judged, load)
}

fn judge(file: &[u8], path: &Path) -> anyhow::Result<Judged> {
    let text = String::from_utf8(read(path, MAX_POLICY_BYTES)?).context("the policy is not UTF-8")?;
    let beside = path.parent().unwrap_or(Path::new(""));
    let policy = Policy::parse(&text, |name| read(&beside.join(name), MAX_ROOT_BYTES).map_err(|e| format!("{e:#}")))?;
    let transcript = precis_verify::verify_receipt_file(file, &policy, clock::now(), &Beside::default()).transcript;
    Ok(Judged { verdict: transcript.verdict(), insecure: transcript.insecure() })
}

fn read(path: &Path, limit: usize) -> anyhow::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let opened = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    opened.take(most).read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
    anyhow::ensure!(bytes.len() <= limit, "{} is larger than {limit} bytes", path.display());
    Ok(bytes)
}
