//! The service: how it is reached, whom to ask about it, and what is accepted.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::parse::seconds;

/// The policy.
#[derive(Args)]
pub struct Accepted {
    /// What you accept: app id, enclave identities, TCB rules (TOML)
    #[arg(long, value_name = "FILE", env = "PRECIS_POLICY", hide_env_values = true)]
    pub policy: Option<PathBuf>,
}

/// The service, and how it is reached and judged.
#[derive(Args)]
pub struct Target {
    /// Origin of the service
    #[arg(long, value_name = "URL", env = "PRECIS_URL", hide_env_values = true)]
    pub url: String,
    /// Pay on this network, CAIP-2; by default the first that the policy names and the service is paid on
    #[arg(long, value_name = "NETWORK", env = "PRECIS_PAY_ON", hide_env_values = true)]
    pub network: Option<String>,
    #[command(flatten)]
    pub reach: Reach,
    #[command(flatten)]
    pub online: Online,
    #[command(flatten)]
    pub trust: Trust,
    #[command(flatten)]
    pub accepted: Accepted,
}

/// Whom to believe about the state of the chains. What nobody was asked about is not evaluated, and the transcript says so.
#[derive(Args)]
pub struct Online {
    /// gRPC endpoint of an Oasis node: is the registration still in force?
    #[arg(long, value_name = "URL", env = "PRECIS_OASIS_GRPC_URL", hide_env_values = true)]
    pub oasis_grpc: Option<String>,
    /// JSON-RPC endpoint of a payment chain: does it have the block that the challenge names, what are the token's decimals? Once for each chain
    #[arg(long, value_name = "URL", env = "PRECIS_RPC_URL", hide_env_values = true, value_delimiter = ',')]
    pub rpc: Vec<String>,
}

/// The collateral that counts: what Intel publishes about the platform. By default the service presents it.
#[derive(Args)]
pub struct OwnCollateral {
    /// Fetch it from this PCS API instead: Intel's, or a cache that you trust to be up to date
    #[arg(long, value_name = "URL", conflicts_with = "collateral")]
    pub pcs: Option<String>,
    /// Read it from this file instead
    #[arg(long, value_name = "FILE")]
    pub collateral: Option<PathBuf>,
}

/// The certificates that are accepted.
#[derive(Args)]
pub struct Trust {
    /// Accept certificates of these authorities as well (PEM); HTTPS_PROXY and NO_PROXY are honoured
    #[arg(long, value_name = "FILE", env = "PRECIS_CACERT", hide_env_values = true)]
    pub cacert: Option<PathBuf>,
}

/// The way to a service.
#[derive(Args)]
pub struct Reach {
    /// Longest wait for one answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    pub timeout: Duration,
    /// Do without the encrypted channel: whoever ends the TLS connection reads the document
    #[arg(long)]
    pub plain_https: bool,
}
