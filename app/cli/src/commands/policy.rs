//! `precis policy from-release FILE`: a release statement becomes a policy. Nothing in it is verified but its form.

use precis_protocol::limits::MAX_RELEASE_BYTES;
use precis_protocol::release::Release;
use precis_verify::release::policy_toml;
use serde_json::json;

use crate::args::FromReleaseArgs;
use crate::exit::{Exit, Failure};
use crate::input;
use crate::output::Output;

pub(super) fn from_release(args: &FromReleaseArgs, output: Output) -> Result<Exit, Failure> {
    let bytes = input::read_file(&args.file, MAX_RELEASE_BYTES, "release statement")?;
    let unusable = |why: String| Failure::usage(format!("{} cannot be used: {why}", args.file.display()));
    let release = Release::parse(&bytes).map_err(|error| unusable(error.to_string()))?;
    let policy = policy_toml(&release);
    // What is printed must be a policy, or the statement names what no policy can.
    precis_verify::Policy::parse(&policy, |_| Err("none is named".to_owned()))
        .map_err(|error| unusable(error.to_string()))?;
    output.result(|| policy.clone(), || json!({"policy": policy}))?;
    output.progress(
        "this statement is its maker's word: rebuild the commit and compare the identities before you rely on it",
    );
    Ok(Exit::Ok)
}
