//! One file for each command; what they share stands here.

mod cancel;
mod policy;
mod quote;
mod receipt;
mod report;
mod summarize;
mod verify;

use precis_client::{ChannelChoice, Connection, Session, Sources};
use precis_protocol::evidence_file::OwnCollateral;
use precis_protocol::limits::MAX_EVIDENCE_FILE_BYTES;
use precis_verify::Policy;

use crate::args::{self, Command, Online, PolicyCommand, ReceiptCommand, Request, Trust};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::{input, now};

/// Runs a command.
///
/// # Errors
/// A [`Failure`] that says how the process ends and why.
pub async fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Verify(args) => verify::run(&args, output).await,
        Command::Quote(args) => quote::run(&args, output).await,
        Command::Summarize(args) => summarize::run(&args, output).await,
        Command::Receipt(ReceiptCommand::Verify(args)) => receipt::verify(&args, output).await,
        Command::Policy(PolicyCommand::FromRelease(args)) => policy::from_release(&args, output),
    }
}

/// Whom to ask about the chains, and whose certificates to accept.
fn sources(online: &Online, trust: &Trust) -> Result<Sources, Failure> {
    let authorities = input::authorities(trust)?;
    Ok(Sources { oasis_grpc: online.oasis_grpc.clone(), rpc: online.rpc.clone(), authorities })
}

/// Collateral of the caller's own for the platform that `attestation` names, if a source was given.
async fn own_collateral(
    source: &args::OwnCollateral,
    attestation: &[u8],
    policy: &Policy,
) -> Result<Option<OwnCollateral>, Failure> {
    match (&source.pcs, &source.collateral) {
        (Some(url), _) => Ok(Some(precis_client::fetch_collateral(attestation, policy, url).await?)),
        (None, Some(path)) => {
            let bytes = input::read_file(path, MAX_EVIDENCE_FILE_BYTES, "collateral")?;
            Ok(Some(precis_client::read_collateral(&bytes, path)?))
        }
        (None, None) => Ok(None),
    }
}

/// Discovers and verifies the service that `args` name. Nothing of the caller's is sent.
async fn verified(args: &Request, policy: &Policy, output: Output) -> Result<Session, Failure> {
    let channel = if args.reach.plain_https { ChannelChoice::PlainHttps } else { ChannelChoice::Encrypted };
    let sources = sources(&args.online, &args.trust)?;
    let connection = Connection { timeout: args.reach.timeout, channel, sources: sources.clone() };
    let discovered = precis_client::discover(&args.url, connection).await?;
    let mut session = discovered.verify(policy, now()).map_err(|appraisal| Failure::verdict(appraisal.transcript))?;
    output.verified("verify", session.transcript());
    if channel == ChannelChoice::PlainHttps {
        output.progress("channel: plain HTTPS by your choice; whoever ends the TLS connection reads the document");
    }
    session.ask_token(&sources).await;
    Ok(session)
}
