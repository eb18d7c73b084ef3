//! `precis-devnet`: starts everything outside the enclave, on loopback, and tells where it is in an environment file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use alloy_primitives::Address;
use clap::Parser;
use precis_devnet::chain::contracts::{TOKEN_NAME, TOKEN_VERSION};
use precis_devnet::{Devnet, Options, Token, start};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Everything outside the enclave, on loopback: a payment chain with a token and a payer, rofl-appd, mock TDX quotes and
/// the Oasis endpoints that tell of them. INSECURE by design.
///
/// Ready once the environment file exists. Ends with SIGTERM or ctrl-c.
#[derive(Parser)]
#[command(name = "precis-devnet", version)]
struct Arguments {
    /// Folder for keys, socket, trust root, policy and environment.
    #[arg(long, value_name = "DIR", default_value = ".precis/devnet")]
    dir: PathBuf,
    /// Environment file [default: DIR/env]
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
    /// Use the chain at this http:// URL, such as anvil, instead of our own.
    #[arg(long, value_name = "URL")]
    rpc: Option<String>,
    /// Key of a funded account, for a chain that cannot set balances.
    #[arg(long, value_name = "FILE", requires = "rpc")]
    deployer_key_file: Option<PathBuf>,
    /// Be paid in this token (EIP-3009) of the chain at --rpc instead of one of our own; the payer is then not funded.
    #[arg(long, value_name = "ADDRESS", requires = "rpc")]
    token: Option<Address>,
    /// EIP-712 domain name of that token.
    #[arg(long, value_name = "NAME", default_value = TOKEN_NAME, requires = "token")]
    token_name: String,
    /// EIP-712 domain version of that token.
    #[arg(long, value_name = "VERSION", default_value = TOKEN_VERSION, requires = "token")]
    token_version: String,
    /// Where our own chain listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", conflicts_with = "rpc")]
    listen: SocketAddr,
    /// Chain id of our own chain.
    #[arg(long, value_name = "ID", default_value_t = 31_337, conflicts_with = "rpc")]
    chain_id: u64,
    /// Seconds between blocks of our own chain; without it every transaction is mined at once.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, conflicts_with = "rpc")]
    block_interval: Option<Duration>,
    /// Application id, rofl1…
    #[arg(long, value_name = "APP_ID")]
    app_id: Option<String>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    let parsed = Duration::try_from_secs_f64(seconds).ok().filter(|duration| !duration.is_zero());
    parsed.ok_or_else(|| "not a number of seconds above zero".to_owned())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("precis-devnet: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let (name, version) = (arguments.token_name, arguments.token_version);
    let options = Options {
        dir: arguments.dir,
        env: arguments.env,
        rpc: arguments.rpc,
        deployer_key_file: arguments.deployer_key_file,
        token: arguments.token.map(|address| Token { address, name, version }),
        listen: arguments.listen,
        chain_id: arguments.chain_id,
        block_interval: arguments.block_interval,
        app_id: arguments.app_id,
    };
    // Heard from here on, so that a signal during the start ends it in order, too.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = async {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    };
    tokio::pin!(stop);
    let devnet = tokio::select! {
        devnet = start(options) => devnet?,
        () = &mut stop => return Ok(()),
    };
    announce(&devnet);
    stop.await;
    drop(devnet);
    Ok(())
}

/// For humans; programs read the environment file.
fn announce(devnet: &Devnet) {
    let oasis = &devnet.oasis;
    eprintln!("chain      {} ({})", devnet.rpc_url(), devnet.network());
    eprintln!("token      {}", devnet.token);
    eprintln!("verifier   {} (receipts, on chain)", devnet.receipt_verifier);
    eprintln!("payer      {} (key in {})", devnet.payer.address(), devnet.payer_key_file.display());
    eprintln!("wallet     {} (of the enclave)", oasis.wallet_address);
    eprintln!("rofl-appd  {}", oasis.appd_socket.display());
    eprintln!("oasis grpc {}", oasis.grpc_url);
    eprintln!("nexus      {}", oasis.nexus_url);
    eprintln!("intel pcs  {} (mock, INSECURE)", oasis.pcs_url);
    eprintln!("policy     {}", oasis.policy.display());
    eprintln!("ready      {}", devnet.env_file.display());
}
