//! The command line.

mod output;
mod parse;
mod purchase;
mod service;
mod summary;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use precis_protocol::embeddings::EncodingFormat;

use self::parse::{count, encoding, seconds, time};
use crate::exit;

pub use self::output::{Format, OutputArgs};
pub use self::purchase::PurchaseArgs;
pub use self::service::{Accepted, Online, OwnCollateral, Target, Trust};
pub use self::summary::{QuoteArgs, SummarizeArgs, Wish};

/// Summaries from a confidential service: verified before anything is sent, paid per summary, proved by a receipt.
#[derive(Parser)]
#[command(name = "precis", version, after_help = exit::TABLE, max_term_width = 100, term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Check a service against a policy and print every check; nothing but a random nonce is sent
    Verify(VerifyArgs),
    /// Verify a service and ask what a summary of FILE would cost; nothing is paid
    Quote(QuoteArgs),
    /// Verify a service, pay for a summary of each FILE, check the receipts and print them
    Summarize(SummarizeArgs),
    /// Verify a service, pay for vectors of texts, check the receipt and print them
    Embed(EmbedArgs),
    /// Verify a service, pay for an order of texts by their nearness to a query, check the receipt and print it
    Rerank(RerankArgs),
    /// Work with saved receipts
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// Work with policies
    #[command(subcommand)]
    Policy(PolicyCommand),
}

/// Work with policies.
#[derive(Subcommand)]
pub enum PolicyCommand {
    /// Print the policy that accepts exactly the release that FILE states
    FromRelease(FromReleaseArgs),
}

/// `precis policy from-release`.
#[derive(Args)]
pub struct FromReleaseArgs {
    /// Release statement, `precis-release.json`
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Work with saved receipts.
#[derive(Subcommand)]
pub enum ReceiptCommand {
    /// Check a saved receipt, offline unless a source is named, with the evidence inside it, and print every check
    Verify(ReceiptVerifyArgs),
}

/// `precis verify`.
#[derive(Args)]
pub struct VerifyArgs {
    /// Origin of the service
    #[arg(value_name = "URL", env = "PRECIS_URL", hide_env_values = true, required_unless_present = "evidence")]
    pub url: Option<String>,
    /// Judge evidence saved earlier, without any network
    #[arg(long, value_name = "FILE")]
    pub evidence: Option<PathBuf>,
    /// With --evidence: judge as at this time, Unix seconds or YYYY-MM-DDTHH:MM:SSZ; by default now
    #[arg(long, value_name = "TIME", value_parser = time, requires = "evidence")]
    pub at: Option<u64>,
    /// Keep what the service presented, to judge it again with --evidence
    #[arg(long, value_name = "FILE", conflicts_with = "evidence")]
    pub save_evidence: Option<PathBuf>,
    /// Write the verdict as an EAT Attestation Result (claims set, JSON, unsigned)
    #[arg(long, value_name = "FILE")]
    pub ear: Option<PathBuf>,
    /// Say under each check why it matters
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub online: Online,
    #[command(flatten)]
    pub collateral: OwnCollateral,
    #[command(flatten)]
    pub trust: Trust,
    /// Longest wait for one answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    pub timeout: Duration,
    #[command(flatten)]
    pub accepted: Accepted,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Texts to work on.
#[derive(Args)]
pub struct Texts {
    /// Files, UTF-8: each is one text; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Each line of the files that is not empty is a text
    #[arg(long)]
    pub lines: bool,
    /// Keep the body of the request: the receipt is for exactly these bytes (`precis receipt verify --document`)
    #[arg(long, value_name = "FILE")]
    pub save_request: Option<PathBuf>,
}

/// `precis embed`.
#[derive(Args)]
pub struct EmbedArgs {
    #[command(flatten)]
    pub texts: Texts,
    /// Encoding of the vectors on the wire: float, base64 (little-endian 32-bit), or int8
    #[arg(long, value_name = "FORMAT", default_value = "base64", value_parser = encoding)]
    pub encoding: EncodingFormat,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub purchase: PurchaseArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `precis rerank`.
#[derive(Args)]
pub struct RerankArgs {
    /// Text to look for
    #[arg(value_name = "QUERY")]
    pub query: String,
    #[command(flatten)]
    pub texts: Texts,
    /// At most this many results
    #[arg(long, value_name = "N", value_parser = count)]
    pub top: Option<u32>,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub purchase: PurchaseArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `precis receipt verify`.
#[derive(Args)]
pub struct ReceiptVerifyArgs {
    /// Receipt files, as `precis summarize --receipt` wrote them; of several the chain is checked, too
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The document, to check that it is the one that was sent and that the summary's sentences stand in it; for a JSON request whose
    /// encoding cannot be guessed, the exact body
    #[arg(long, value_name = "FILE")]
    pub document: Option<PathBuf>,
    /// A summary, to check that it is the one the receipt is for
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
    /// Judge by this evidence, saved with `precis verify --save-evidence`, instead of what is inside the receipt: what Intel revoked
    /// and downgraded until then applies
    #[arg(long, value_name = "FILE")]
    pub evidence: Option<PathBuf>,
    #[command(flatten)]
    pub collateral: OwnCollateral,
    /// JSON-RPC endpoint of the chain that was paid on: does it have the block, the settlement and the refund that the receipt names?
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub rpc: Vec<String>,
    #[command(flatten)]
    pub trust: Trust,
    /// The time to judge at, Unix seconds or YYYY-MM-DDTHH:MM:SSZ: a receipt from later is refused; by default now
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<u64>,
    /// Say under each check why it matters
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub accepted: Accepted,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Whether a command line that cannot be parsed asks for JSON.
pub fn wants_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let arguments: Vec<OsString> = arguments.take_while(|argument| argument != "--").collect();
    let named = |pair: &[OsString]| matches!(pair, [name, value] if name == "--format" && value == "json");
    arguments.iter().any(|a| a == "--json" || a == "--format=json") || arguments.windows(2).any(named)
}

impl Command {
    /// The output format that was asked for.
    pub fn format(&self) -> Format {
        match self {
            Self::Verify(args) => args.output.format(),
            Self::Quote(args) => args.output.format(),
            Self::Summarize(args) => args.output.format(),
            Self::Embed(args) => args.output.format(),
            Self::Rerank(args) => args.output.format(),
            Self::Receipt(ReceiptCommand::Verify(args)) => args.output.format(),
            Self::Policy(PolicyCommand::FromRelease(args)) => args.output.format(),
        }
    }
}

#[cfg(test)]
mod tests;
