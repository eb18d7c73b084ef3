//! Configuration: environment first (the platform hands secrets and public variables over as environment), flags for a
//! laptop. Nothing else in the server reads the environment. What matters to a caller is shown in the keyset.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use alloy_primitives::Address;
use clap::{CommandFactory as _, Parser};
use precis_payment::Network;
use precis_payment::http::Credential;
use precis_protocol::encoding::lower_hex;
use precis_protocol::price::Price;
use precis_protocol::{PerTask, Task};

use crate::names;

/// Settings as given. Every one has an environment variable of the same name with the prefix `PRECIS_`.
#[derive(Parser, Clone)]
#[command(name = "precis-server", version, about = "Confidential, paid document summaries inside a TEE")]
pub struct Config {
    /// Address of the public routes.
    #[arg(long, env = "PRECIS_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// Address of health routes; keep it off the public network.
    #[arg(long, env = "PRECIS_INTERNAL_LISTEN", default_value = "127.0.0.1:8081")]
    pub internal_listen: SocketAddr,
    /// File that receives the bound addresses as `KEY=value` lines, for ports chosen by the system.
    #[arg(long, env = "PRECIS_ADDRESS_FILE")]
    pub address_file: Option<PathBuf>,
    /// URL callers use, a literal in the measured settings: names the paid resource and stands in signed offers. Default: the
    /// bound address.
    #[arg(long, env = "PRECIS_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// URL callers use, where the platform fills in the host: names the paid resource in quotes, and nothing is signed over it.
    #[arg(long, env = "PRECIS_PLATFORM_URL", conflicts_with = "public_url")]
    pub platform_url: Option<String>,
    /// Directory of the ledger, on the enclave's encrypted disk.
    #[arg(long, env = "PRECIS_STATE_DIR", default_value = "/data")]
    pub state_dir: PathBuf,
    /// Directory of the model files that the manifests name.
    #[arg(long, env = "PRECIS_MODEL_DIR", default_value = "/models")]
    pub model_dir: PathBuf,
    /// Abstractive model: name of a manifest, or file name of a filled one in the model directory.
    #[arg(long, env = "PRECIS_MODEL", default_value = precis_model::DEFAULT_MODEL)]
    pub model: String,
    /// Socket of rofl-appd.
    #[arg(long, env = "PRECIS_APPD_SOCKET", default_value = "/run/rofl-appd.sock")]
    pub appd_socket: PathBuf,
    /// gRPC endpoint of an Oasis node.
    #[arg(long, env = "PRECIS_OASIS_GRPC_URL", hide_env_values = true, default_value = "https://grpc.oasis.io:443")]
    pub oasis_grpc_url: String,
    /// Nexus API.
    #[arg(long, env = "PRECIS_NEXUS_URL", hide_env_values = true, default_value = "https://nexus.oasis.io/v1")]
    pub nexus_url: String,
    /// Intel PCS or a cache of it.
    #[arg(
        long,
        env = "PRECIS_PCS_URL",
        hide_env_values = true,
        default_value = "https://api.trustedservices.intel.com"
    )]
    pub pcs_url: String,
    /// ParaTime of the registration, 64 hex. Default: Sapphire mainnet.
    #[arg(
        long,
        env = "PRECIS_RUNTIME_ID",
        default_value = "000000000000000000000000000000000000000000000000f80306c9858e7279"
    )]
    pub runtime_id: String,
    /// Consensus chain context, 64 hex. Default: Oasis mainnet.
    #[arg(
        long,
        env = "PRECIS_CHAIN_CONTEXT",
        default_value = "bb3d748def55bdfb797a2ac53ee6ee141e54cd2ab2dc2375f4a0703a178e6e55"
    )]
    pub chain_context: String,
    /// DER file of a mock root for the self-check, instead of Intel's. Only for a devnet.
    #[arg(long, env = "PRECIS_TRUST_ROOT")]
    pub trust_root: Option<PathBuf>,
    /// JSON-RPC endpoint of the payment chain.
    #[arg(long, env = "PRECIS_RPC_URL", hide_env_values = true, default_value = "https://mainnet.base.org")]
    pub rpc_url: String,
    /// CAIP-2 network of the payment chain.
    #[arg(long, env = "PRECIS_NETWORK", default_value = "eip155:8453")]
    pub network: Network,
    /// EIP-3009 token.
    #[arg(long, env = "PRECIS_ASSET", default_value = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913")]
    pub asset: Address,
    /// EIP-712 name of the token.
    #[arg(long, env = "PRECIS_ASSET_NAME", default_value = "USD Coin")]
    pub asset_name: String,
    /// EIP-712 version of the token.
    #[arg(long, env = "PRECIS_ASSET_VERSION", default_value = "2")]
    pub asset_version: String,
    /// Payee. Default: the enclave wallet.
    #[arg(long, env = "PRECIS_PAY_TO")]
    pub pay_to: Option<Address>,
    /// Remote x402 facilitator. Default: the enclave settles itself.
    #[arg(long, env = "PRECIS_FACILITATOR_URL", hide_env_values = true)]
    pub facilitator_url: Option<String>,
    /// Credential for the facilitator: one header, `Name: value`, sent with every request to it. A secret.
    #[arg(long, env = "PRECIS_FACILITATOR_AUTH", hide_env_values = true)]
    pub facilitator_auth: Option<String>,
    /// Seconds a settlement is waited for before its outcome counts as unknown.
    #[arg(long, env = "PRECIS_CONFIRM_SECONDS", default_value_t = 20)]
    pub confirm_seconds: u64,
    /// Blocks that must show a settlement of the enclave's own before it counts, the first included.
    #[arg(long, env = "PRECIS_CONFIRMATIONS", default_value_t = 1)]
    pub confirmations: u64,
    /// Most that one unit of gas may cost the enclave wallet, gwei. Above it nothing is settled: finished work waits, and no
    /// payment is taken.
    #[arg(long, env = "PRECIS_MAX_GAS_GWEI", default_value_t = 100)]
    pub max_gas_gwei: u64,
    /// Atomic units of the token that one whole coin of the chain is worth (3000000000: one ETH is 3000 USDC). With it, what a
    /// settlement may cost follows from the price. Default: unknown, so that only `max_gas_gwei` holds.
    #[arg(long, env = "PRECIS_COIN_UNITS")]
    pub coin_units: Option<u128>,
    /// Percent of a price that the gas of its settlement may cost, where `coin_units` is given. While it costs more, nothing is
    /// quoted at that price and no payment is taken; what is claimed already is settled up to `max_gas_gwei`.
    #[arg(long, env = "PRECIS_GAS_SHARE_PERCENT", default_value_t = 50)]
    pub gas_share_percent: u32,
    /// Whether the enclave wallet settles payments of contract accounts (EIP-1271). Their code can make a settlement revert at the
    /// wallet's expense after any simulation; where they are taken, they pay before the work.
    #[arg(long, env = "PRECIS_CONTRACT_ACCOUNTS", value_enum, default_value_t = ContractAccounts::Off)]
    pub contract_accounts: ContractAccounts,
    /// Price of extractive summaries, `base,per_1k_tokens` in atomic units.
    #[arg(long, env = "PRECIS_PRICE_EXTRACTIVE", default_value = "1000,500")]
    pub price_extractive: String,
    /// Price of abstractive summaries, `base,per_1k_tokens` in atomic units.
    #[arg(long, env = "PRECIS_PRICE_ABSTRACTIVE", default_value = "2000,3000")]
    pub price_abstractive: String,
    /// Price of vectors, `base,per_1k_tokens` in atomic units.
    #[arg(long, env = "PRECIS_PRICE_EMBEDDINGS", default_value = "200,100")]
    pub price_embeddings: String,
    /// Price of reranking, `base,per_1k_tokens` in atomic units.
    #[arg(long, env = "PRECIS_PRICE_RERANK", default_value = "200,100")]
    pub price_rerank: String,
    /// Jobs that may wait for the model.
    #[arg(long, env = "PRECIS_QUEUE", default_value_t = 16)]
    pub queue: u32,
    /// Jobs, and sequences of the language model, that run side by side.
    #[arg(long, env = "PRECIS_BATCH", default_value_t = 8)]
    pub batch: u32,
    /// MiB that the language model's cache of keys and values takes at most. 0: what the batch needs, up to a quarter of the
    /// memory.
    #[arg(long, env = "PRECIS_KV_MIB", default_value_t = 0)]
    pub kv_mib: u64,
    /// Jobs of one payer that may be unsettled at a time.
    #[arg(long, env = "PRECIS_MAX_UNSETTLED", default_value_t = 4)]
    pub max_unsettled_per_payer: u32,
    /// Seconds a request may wait for its answer before it gets a ticket to fetch it with.
    #[arg(long, env = "PRECIS_ANSWER_SECONDS", default_value_t = 25)]
    pub answer_seconds: u64,
    /// Work predicted to take longer than this many seconds is paid for first, and paid back if it fails; or `never`. A number
    /// needs the enclave wallet as payee. Default: 3 with the enclave wallet as payee, else never.
    #[arg(long, env = "PRECIS_UPFRONT_SECONDS")]
    pub upfront_seconds: Option<Upfront>,
    /// Work predicted to take longer than this many seconds, and not paid for first, is refused. Default: 30 where another address
    /// than the enclave wallet is the payee, else no limit.
    #[arg(long, env = "PRECIS_UNPAID_SECONDS")]
    pub unpaid_seconds: Option<u64>,
    /// Whether payers must name their payments (x402 extension `payment-identifier`).
    #[arg(long, env = "PRECIS_PAYMENT_IDENTIFIER", value_enum, default_value_t = PaymentIdentifier::Optional)]
    pub payment_identifier: PaymentIdentifier,
    /// Seconds a result can be fetched again after its job has ended and its authorization is void.
    #[arg(long, env = "PRECIS_RESULT_SECONDS", default_value_t = 24 * 3600)]
    pub result_seconds: u64,
    /// Address that the enclave wallet's surplus goes to. Default: it stays.
    #[arg(long, env = "PRECIS_SWEEP_TO")]
    pub sweep_to: Option<Address>,
    /// Atomic units that stay in the wallet beside what may have to be paid back.
    #[arg(long, env = "PRECIS_SWEEP_KEEP", default_value_t = 0)]
    pub sweep_keep: u64,
    /// Seconds between two sweeps.
    #[arg(long, env = "PRECIS_SWEEP_SECONDS", default_value_t = 24 * 3600)]
    pub sweep_seconds: u64,
    /// `postgres://` URL of a ledger that several replicas share. Default: a file in the state directory.
    #[arg(long, env = "PRECIS_LEDGER_URL", hide_env_values = true)]
    pub ledger_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed: addresses and networks such as `10.0.0.0/8`, with commas between them.
    /// Default: none, so that all who come through one proxy are one caller.
    #[arg(long, env = "PRECIS_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<crate::edge::ProxyNetwork>,
    /// Seconds a keyset is valid from when it is made. A successor is made when half of them are over.
    #[arg(long, env = "PRECIS_KEYSET_SECONDS", default_value_t = 7 * 24 * 3600)]
    pub keyset_seconds: u64,
    /// Seconds that jobs in flight may take to end after a stop signal.
    #[arg(long, env = "PRECIS_DRAIN_SECONDS", default_value_t = 300)]
    pub drain_seconds: u64,
    /// Greatest age of the payment chain's newest block, in seconds, while payments are taken. 0: any, for chains that make
    /// blocks on demand. Default: 20 blocks by the chain's own pace, at least a minute.
    #[arg(long, env = "PRECIS_HEAD_SECONDS")]
    pub head_seconds: Option<u64>,
}

/// Whether payers must name their payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PaymentIdentifier {
    /// They may.
    Optional,
    /// They must.
    Required,
}

/// Whether the enclave wallet settles payments of contract accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ContractAccounts {
    /// They are refused.
    Off,
    /// They pay before the work.
    On,
}

/// When work is paid for first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upfront {
    /// Never.
    Never,
    /// When it is predicted to take longer than this many seconds.
    Above(u64),
}

impl std::str::FromStr for Upfront {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "never" => Ok(Self::Never),
            seconds => seconds.parse().map(Self::Above).map_err(|_| "is a number of seconds, or `never`"),
        }
    }
}

/// Predicted work above which payment comes first by default, seconds. A payer who moves its money away before settlement gets
/// at most this much work for nothing with each of its [`Config::max_unsettled_per_payer`] jobs.
const DEFAULT_UPFRONT_SECONDS: u64 = 3;
/// Longest predicted work that is done unpaid by default where nothing can be paid back, seconds.
const DEFAULT_UNPAID_SECONDS: u64 = 30;

/// Settings that were checked.
#[derive(Clone)]
pub struct Settings {
    /// As given.
    pub config: Config,
    /// URL callers use, where a setting names it.
    pub origin: Option<Origin>,
    /// Parsed `runtime_id`.
    pub runtime_id: [u8; 32],
    /// Parsed `chain_context`.
    pub chain_context: [u8; 32],
    /// Parsed prices: what has none is not sold.
    pub prices: PerTask<Price>,
    /// Predicted seconds of work above which payment comes first; none for never.
    pub upfront_seconds: Option<u64>,
    /// Longest predicted work that is done before it is paid, seconds; none for no limit.
    pub unpaid_seconds: Option<u64>,
    /// What the facilitator wants to see.
    pub facilitator_credential: Option<Credential>,
    /// Longest wait for an answer.
    pub answer_within: Duration,
    /// DER of the mock root, where one is configured.
    pub mock_root: Option<Vec<u8>>,
}

/// A variable that nothing reads.
#[derive(Debug, thiserror::Error)]
pub struct UnknownVariable {
    name: String,
    near: Option<String>,
}

impl std::fmt::Display for UnknownVariable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: there is no such setting", self.name)?;
        match &self.near {
            Some(near) => write!(formatter, "; {near} was probably meant"),
            None => write!(formatter, "; unset it, `precis-server --help` lists all"),
        }
    }
}

/// A setting that cannot work; names the variable.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: {what}")]
pub struct ConfigError {
    variable: &'static str,
    what: String,
}

impl Config {
    /// Refuses variables that start with [`names::PREFIX`] and are no setting of any program of this project.
    ///
    /// # Errors
    /// The first of them, with the setting that was probably meant.
    pub fn check_environment() -> Result<(), UnknownVariable> {
        let given = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        match names::unknown(given, &Self::variables()).into_iter().next() {
            None => Ok(()),
            Some((name, near)) => Err(UnknownVariable { name, near }),
        }
    }

    /// Names of the variables that hold settings.
    pub fn variables() -> Vec<String> {
        let command = Self::command();
        let names = command.get_arguments().filter_map(|argument| argument.get_env());
        names.filter_map(|name| name.to_str().map(str::to_owned)).collect()
    }

    /// Checks every setting without binding a port or opening a connection.
    ///
    /// # Errors
    /// The first setting that cannot work.
    pub fn validate(self) -> Result<Settings, ConfigError> {
        let refuse = |variable, what: &str| ConfigError { variable, what: what.into() };
        let runtime_id = lower_hex(&self.runtime_id).map_err(|e| refuse("PRECIS_RUNTIME_ID", &e.to_string()))?;
        let chain_context =
            lower_hex(&self.chain_context).map_err(|e| refuse("PRECIS_CHAIN_CONTEXT", &e.to_string()))?;
        let origin = match (&self.public_url, &self.platform_url) {
            (Some(url), _) => Some(Origin::measured(url).map_err(|e| refuse("PRECIS_PUBLIC_URL", e))?),
            (None, Some(url)) => Some(Origin::of_platform(url).map_err(|e| refuse("PRECIS_PLATFORM_URL", e))?),
            (None, None) => None,
        };
        let prices = [
            (Task::SummaryExtractive, &self.price_extractive, "PRECIS_PRICE_EXTRACTIVE"),
            (Task::SummaryAbstractive, &self.price_abstractive, "PRECIS_PRICE_ABSTRACTIVE"),
            (Task::Embeddings, &self.price_embeddings, "PRECIS_PRICE_EMBEDDINGS"),
            (Task::Rerank, &self.price_rerank, "PRECIS_PRICE_RERANK"),
        ];
        let parsed = prices
            .into_iter()
            .map(|(task, text, variable)| Ok((task, price(text).ok_or_else(|| refuse(variable, PRICE_FORM))?)));
        let prices = parsed.collect::<Result<_, ConfigError>>()?;
        if !(1..=1024).contains(&self.queue) {
            return Err(refuse("PRECIS_QUEUE", "is 1 to 1024"));
        }
        if !(1..=64).contains(&self.batch) {
            return Err(refuse("PRECIS_BATCH", "is 1 to 64"));
        }
        if self.kv_mib > 1 << 20 {
            return Err(refuse("PRECIS_KV_MIB", "is at most 1048576"));
        }
        if self.max_unsettled_per_payer == 0 {
            return Err(refuse("PRECIS_MAX_UNSETTLED", "is at least 1"));
        }
        if !(1..=600).contains(&self.answer_seconds) {
            return Err(refuse("PRECIS_ANSWER_SECONDS", "is 1 to 600"));
        }
        if !(1..=300).contains(&self.confirm_seconds) {
            return Err(refuse("PRECIS_CONFIRM_SECONDS", "is 1 to 300"));
        }
        if !(1..=100).contains(&self.confirmations) {
            return Err(refuse("PRECIS_CONFIRMATIONS", "is 1 to 100"));
        }
        if !(1..=1_000_000).contains(&self.max_gas_gwei) {
            return Err(refuse("PRECIS_MAX_GAS_GWEI", "is 1 to 1000000"));
        }
        if self.coin_units == Some(0) {
            return Err(refuse("PRECIS_COIN_UNITS", "is at least 1"));
        }
        if !(1..=10_000).contains(&self.gas_share_percent) {
            return Err(refuse("PRECIS_GAS_SHARE_PERCENT", "is 1 to 10000"));
        }
        if self.contract_accounts == ContractAccounts::On && self.pay_to.is_some() {
            return Err(refuse(
                "PRECIS_CONTRACT_ACCOUNTS",
                "needs the enclave wallet as payee: contract accounts pay first, and may have to be paid back",
            ));
        }
        if !(60..=90 * 24 * 3600).contains(&self.keyset_seconds) {
            return Err(refuse("PRECIS_KEYSET_SECONDS", "is one minute to 90 days"));
        }
        if self.drain_seconds > 3600 {
            return Err(refuse("PRECIS_DRAIN_SECONDS", "is at most one hour"));
        }
        if self.head_seconds.is_some_and(|seconds| seconds > 24 * 3600) {
            return Err(refuse("PRECIS_HEAD_SECONDS", "is at most one day"));
        }
        if matches!(self.upfront_seconds, Some(Upfront::Above(_))) && self.pay_to.is_some() {
            return Err(refuse(
                "PRECIS_UPFRONT_SECONDS",
                "needs the enclave wallet as payee, for what must be paid back",
            ));
        }
        if self.unpaid_seconds == Some(0) {
            return Err(refuse(
                "PRECIS_UNPAID_SECONDS",
                "is at least 1: work of a second is the least that is predicted",
            ));
        }
        let auth = self.facilitator_auth.as_deref().map(str::parse::<Credential>).transpose();
        let facilitator_credential = auth.map_err(|e| refuse("PRECIS_FACILITATOR_AUTH", &e.to_string()))?;
        if facilitator_credential.is_some() && self.facilitator_url.is_none() {
            return Err(refuse("PRECIS_FACILITATOR_AUTH", "is for PRECIS_FACILITATOR_URL, which is not set"));
        }
        let upfront_seconds = match (self.upfront_seconds, self.pay_to) {
            (Some(Upfront::Above(seconds)), _) => Some(seconds),
            (None, None) => Some(DEFAULT_UPFRONT_SECONDS),
            (Some(Upfront::Never), _) | (None, Some(_)) => None,
        };
        let unpaid_seconds = self.unpaid_seconds.or(self.pay_to.map(|_| DEFAULT_UNPAID_SECONDS));
        if self.sweep_to.is_some() && self.pay_to.is_some() {
            return Err(refuse("PRECIS_SWEEP_TO", "is for the enclave wallet, which is not the payee here"));
        }
        if !(60..=90 * 24 * 3600).contains(&self.sweep_seconds) {
            return Err(refuse("PRECIS_SWEEP_SECONDS", "is 60 seconds to 90 days"));
        }
        if !(3600..=90 * 24 * 3600).contains(&self.result_seconds) {
            return Err(refuse("PRECIS_RESULT_SECONDS", "is one hour to 90 days"));
        }
        if self.ledger_url.is_some() && !cfg!(feature = "postgres") {
            return Err(refuse("PRECIS_LEDGER_URL", "needs a build with the feature `postgres`"));
        }
        let mock_root = match &self.trust_root {
            None => None,
            Some(path) => Some(
                std::fs::read(path).map_err(|e| refuse("PRECIS_TRUST_ROOT", &format!("{}: {e}", path.display())))?,
            ),
        };
        let answer_within = Duration::from_secs(self.answer_seconds);
        Ok(Settings {
            config: self,
            origin,
            runtime_id,
            chain_context,
            prices,
            upfront_seconds,
            unpaid_seconds,
            facilitator_credential,
            answer_within,
            mock_root,
        })
    }
}

const PRICE_FORM: &str = "is `base,per_1k_tokens`, two whole numbers of atomic units, not both zero";

fn price(text: &str) -> Option<Price> {
    let (base, per_1k_tokens) = text.split_once(',')?;
    let price = Price { base: base.trim().parse().ok()?, per_1k_tokens: per_1k_tokens.trim().parse().ok()? };
    (price.base > 0 || price.per_1k_tokens > 0).then_some(price)
}

mod origin;
#[cfg(test)]
mod tests;

pub use origin::Origin;
