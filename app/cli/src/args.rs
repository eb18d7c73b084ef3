//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use precis_client::{MaxPrice, MediaType};
use precis_protocol::Mode;
use precis_protocol::embeddings::EncodingFormat;

use crate::exit;

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
    /// Verify a service, pay for a summary of FILE, check its receipt and print it
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

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document, also when the command fails.
    Json,
}

/// How results are written.
#[derive(Args)]
pub struct OutputArgs {
    /// How results are written on standard output; progress goes to standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl OutputArgs {
    fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

/// Common to all commands that judge.
#[derive(Args)]
pub struct Common {
    /// What you accept: app id, enclave identities, TCB rules (TOML)
    #[arg(long, value_name = "FILE", env = "PRECIS_POLICY", hide_env_values = true)]
    pub policy: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
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

/// Whose collateral counts: what Intel publishes about the platform. By default the service presents it.
#[derive(Args)]
pub struct OwnCollateral {
    /// Fetch it from this PCS API instead: Intel's, or a cache that you trust to be up to date
    #[arg(long, value_name = "URL", conflicts_with = "collateral")]
    pub pcs: Option<String>,
    /// Read it from this file instead
    #[arg(long, value_name = "FILE")]
    pub collateral: Option<PathBuf>,
}

/// Whose certificates are accepted.
#[derive(Args)]
pub struct Trust {
    /// Accept certificates of these authorities as well (PEM); HTTPS_PROXY and NO_PROXY are honoured
    #[arg(long, value_name = "FILE", env = "PRECIS_CACERT", hide_env_values = true)]
    pub cacert: Option<PathBuf>,
}

/// How a service is reached.
#[derive(Args)]
pub struct Reach {
    /// Longest wait for one answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    pub timeout: Duration,
    /// Do without the encrypted channel: whoever ends the TLS connection reads the document
    #[arg(long)]
    pub plain_https: bool,
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
    pub common: Common,
}

/// What to summarize, where and how.
#[derive(Args)]
pub struct Request {
    /// Document: text, Markdown, HTML, PDF, DOCX, PPTX, ODT, EPUB, RTF or mail; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// By default as the document itself says, then as its name says
    #[arg(long, value_name = "TYPE")]
    pub media_type: Option<MediaType>,
    /// extractive quotes sentences verbatim, abstractive writes new ones
    #[arg(long, value_name = "MODE", default_value = "extractive", value_parser = mode)]
    pub mode: Mode,
    /// At most this many words
    #[arg(long, value_name = "N", value_parser = count)]
    pub max_words: Option<u32>,
    /// At most this many sentences
    #[arg(long, value_name = "N", value_parser = count)]
    pub max_sentences: Option<u32>,
    /// What the summary should be about
    #[arg(long, value_name = "TEXT")]
    pub focus: Option<String>,
    #[command(flatten)]
    pub target: Target,
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
    pub common: Common,
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
}

/// `precis quote`.
#[derive(Args)]
pub struct QuoteArgs {
    #[command(flatten)]
    pub request: Request,
}

/// `precis summarize`.
#[derive(Args)]
pub struct SummarizeArgs {
    #[command(flatten)]
    pub request: Request,
    /// Show after the summary where each sentence stands in the document, or what supports it and what the document does not contain
    #[arg(long)]
    pub grounding: bool,
    #[command(flatten)]
    pub purchase: PurchaseArgs,
}

/// Payment, and what is kept of it.
#[derive(Args)]
pub struct PurchaseArgs {
    /// The most to pay: 0.05, 0.05USDC or 50000atomic; by default 100000atomic, which is 0.10 USDC
    #[arg(long, value_name = "PRICE")]
    pub max_price: Option<MaxPrice>,
    /// File with the key that pays, 32 bytes of hex, readable by you only; or set PRECIS_KEY to the key itself
    #[arg(long, value_name = "FILE", env = "PRECIS_KEY_FILE", hide_env_values = true)]
    pub key_file: Option<PathBuf>,
    /// Save the receipt here, too; it verifies offline with `precis receipt verify`. That of a job that failed goes to FILE.failure.json
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
    /// Order it and leave (exit code 6) if it takes longer; the same command without this option waits for it
    #[arg(long)]
    pub no_wait: bool,
    /// Call off what the same command ordered, if the work has not begun; nothing is charged then, and no key is needed
    #[arg(long, conflicts_with_all = ["no_wait", "new_payment", "again"])]
    pub cancel: bool,
    /// Buy it once more although it was bought before; otherwise the kept one is printed and nothing is charged
    #[arg(long)]
    pub again: bool,
    /// Give up an unfinished payment for the same request and sign another. You may be charged twice
    #[arg(long)]
    pub new_payment: bool,
    /// Where your purchases are recorded: unfinished payments, and every receipt; by default $XDG_STATE_HOME/precis, else ~/.local/state/precis
    #[arg(long, value_name = "DIRECTORY", env = "PRECIS_STATE_HOME", hide_env_values = true)]
    pub state_dir: Option<PathBuf>,
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
    pub common: Common,
}

/// Longest wait that can be asked for, in seconds.
const MAX_TIMEOUT_SECONDS: u64 = 3600;

fn count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "give a whole number".into())
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(n @ 1..=MAX_TIMEOUT_SECONDS) => Ok(Duration::from_secs(n)),
        _ => Err(format!("give 1 to {MAX_TIMEOUT_SECONDS} seconds")),
    }
}

fn time(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().or_else(|| precis_verify::time::unix_seconds(text));
    seconds.ok_or_else(|| "give Unix seconds, or a date such as 2026-11-25T08:00:00Z".into())
}

fn encoding(text: &str) -> Result<EncodingFormat, String> {
    match text {
        "float" => Ok(EncodingFormat::Float),
        "base64" => Ok(EncodingFormat::Base64),
        "int8" => Ok(EncodingFormat::Int8),
        _ => Err("use float, base64 or int8".into()),
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    Mode::ALL.into_iter().find(|m| m.name() == text).ok_or_else(|| "use extractive or abstractive".into())
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
            Self::Verify(args) => args.common.output.format(),
            Self::Quote(args) => args.request.target.common.output.format(),
            Self::Summarize(args) => args.request.target.common.output.format(),
            Self::Embed(args) => args.target.common.output.format(),
            Self::Rerank(args) => args.target.common.output.format(),
            Self::Receipt(ReceiptCommand::Verify(args)) => args.common.output.format(),
            Self::Policy(PolicyCommand::FromRelease(args)) => args.output.format(),
        }
    }
}

#[cfg(test)]
mod tests;
