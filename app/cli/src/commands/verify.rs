//! `precis verify URL`: the auditor's list.

use precis_client::{ChannelChoice, Connection};
use serde_json::json;

use crate::args::VerifyArgs;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::{now, policy};

pub(super) async fn run(args: &VerifyArgs, output: Output) -> Result<Exit, Failure> {
    let policy = policy::load(args.common.policy.as_deref())?;
    let connection = Connection { timeout: args.timeout, channel: ChannelChoice::Encrypted };
    let discovered = precis_client::discover(&args.url, connection).await?;
    let appraisal = discovered.appraise(&policy, now());
    let transcript = &appraisal.transcript;
    output.result(
        || transcript.render(args.explain),
        || json!({"service": args.url, "transcript": transcript, "facts": appraisal.facts}),
    )?;
    Ok(Exit::of_verdict(transcript.verdict()))
}
