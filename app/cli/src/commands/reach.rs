//! The service that a command names: whom to ask about it, and how it is reached and verified.

use precis_client::{ChannelChoice, Connection, Session, Sources};
use precis_protocol::evidence_file::OwnCollateral;
use precis_protocol::limits::MAX_EVIDENCE_FILE_BYTES;
use precis_verify::Policy;

use crate::args::{self, Online, Target, Trust};
use crate::clock::now;
use crate::exit::Failure;
use crate::input;
use crate::output::Output;

/// Whom to ask about the chains, and whose certificates to accept.
pub(super) fn sources(online: &Online, trust: &Trust) -> Result<Sources, Failure> {
    let authorities = input::authorities(trust)?;
    Ok(Sources { oasis_grpc: online.oasis_grpc.clone(), rpc: online.rpc.clone(), authorities })
}

/// Collateral of the caller's own for the platform that `attestation` names, if a source was given.
pub(super) async fn own_collateral(
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
pub(super) async fn verified(args: &Target, policy: &Policy, output: Output) -> Result<Session, Failure> {
    let channel = if args.reach.plain_https { ChannelChoice::PlainHttps } else { ChannelChoice::Encrypted };
    let sources = sources(&args.online, &args.trust)?;
    let connection = Connection { timeout: args.reach.timeout, channel, sources: sources.clone() };
    let discovered = precis_client::discover(&args.url, connection).await?;
    let mut session = discovered.verify(policy, now()).map_err(|appraisal| Failure::verdict(appraisal.transcript))?;
    output.verified("verify", session.transcript());
    if channel == ChannelChoice::PlainHttps {
        output.progress("channel: plain HTTPS by your choice; whoever ends the TLS connection reads the document");
    }
    if let Some(network) = &args.network {
        session.pay_on(network)?;
    }
    session.ask_token(&sources).await;
    Ok(session)
}
