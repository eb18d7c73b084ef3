//! Configuration: environment first (the platform hands secrets and public variables over as environment), flags for a
//! laptop. Nothing else in the server reads the environment. What matters to a caller is shown in the keyset.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use alloy_primitives::Address;
use clap::Parser;
use precis_payment::Network;
use precis_protocol::encoding::lower_hex;
use precis_protocol::price::{PerMode, Price, PriceList};

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
    /// URL callers use; names the paid resource. Default: the bound address.
    #[arg(long, env = "PRECIS_PUBLIC_URL")]
    pub public_url: Option<String>,
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
    #[arg(long, env = "PRECIS_OASIS_GRPC_URL", default_value = "https://grpc.oasis.io:443")]
    pub oasis_grpc_url: String,
    /// Nexus API.
    #[arg(long, env = "PRECIS_NEXUS_URL", default_value = "https://nexus.oasis.io/v1")]
    pub nexus_url: String,
    /// Intel PCS or a cache of it.
    #[arg(long, env = "PRECIS_PCS_URL", default_value = "https://api.trustedservices.intel.com")]
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
    #[arg(long, env = "PRECIS_RPC_URL", default_value = "https://mainnet.base.org")]
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
    #[arg(long, env = "PRECIS_FACILITATOR_URL")]
    pub facilitator_url: Option<String>,
    /// Seconds a settlement is waited for before its outcome counts as unknown.
    #[arg(long, env = "PRECIS_CONFIRM_SECONDS", default_value_t = 20)]
    pub confirm_seconds: u64,
    /// Blocks that must show a settlement of the enclave's own before it counts, the first included.
    #[arg(long, env = "PRECIS_CONFIRMATIONS", default_value_t = 1)]
    pub confirmations: u64,
    /// Price of extractive summaries, `base,per_1k_tokens` in atomic units.
    #[arg(long, env = "PRECIS_PRICE_EXTRACTIVE", default_value = "1000,500")]
    pub price_extractive: String,
    /// Price of abstractive summaries, `base,per_1k_tokens` in atomic units.
    #[arg(long, env = "PRECIS_PRICE_ABSTRACTIVE", default_value = "2000,3000")]
    pub price_abstractive: String,
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
    /// Work predicted to take longer than this many seconds is paid for first, and paid back if it fails. Needs the enclave
    /// wallet as payee. Default: never.
    #[arg(long, env = "PRECIS_UPFRONT_SECONDS")]
    pub upfront_seconds: Option<u64>,
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
    /// Seconds a keyset is valid from boot.
    #[arg(long, env = "PRECIS_KEYSET_SECONDS", default_value_t = 7 * 24 * 3600)]
    pub keyset_seconds: u64,
}

/// Whether payers must name their payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PaymentIdentifier {
    /// They may.
    Optional,
    /// They must.
    Required,
}

/// Settings that were checked.
#[derive(Clone)]
pub struct Settings {
    /// As given.
    pub config: Config,
    /// Parsed `runtime_id`.
    pub runtime_id: [u8; 32],
    /// Parsed `chain_context`.
    pub chain_context: [u8; 32],
    /// Parsed prices.
    pub prices: PriceList,
    /// Longest wait for an answer.
    pub answer_within: Duration,
    /// DER of the mock root, where one is configured.
    pub mock_root: Option<Vec<u8>>,
}

/// A setting that cannot work; names the variable.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: {what}")]
pub struct ConfigError {
    variable: &'static str,
    what: String,
}

impl Config {
    /// Checks every setting without binding a port or opening a connection.
    ///
    /// # Errors
    /// The first setting that cannot work.
    pub fn validate(self) -> Result<Settings, ConfigError> {
        let refuse = |variable, what: &str| ConfigError { variable, what: what.into() };
        let runtime_id = lower_hex(&self.runtime_id).map_err(|e| refuse("PRECIS_RUNTIME_ID", &e.to_string()))?;
        let chain_context =
            lower_hex(&self.chain_context).map_err(|e| refuse("PRECIS_CHAIN_CONTEXT", &e.to_string()))?;
        let modes = PerMode {
            extractive: price(&self.price_extractive).ok_or_else(|| refuse("PRECIS_PRICE_EXTRACTIVE", PRICE_FORM))?,
            abstractive: price(&self.price_abstractive)
                .ok_or_else(|| refuse("PRECIS_PRICE_ABSTRACTIVE", PRICE_FORM))?,
        };
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
        if !(3600..=90 * 24 * 3600).contains(&self.keyset_seconds) {
            return Err(refuse("PRECIS_KEYSET_SECONDS", "is one hour to 90 days"));
        }
        if self.upfront_seconds.is_some() && self.pay_to.is_some() {
            return Err(refuse(
                "PRECIS_UPFRONT_SECONDS",
                "needs the enclave wallet as payee, for what must be paid back",
            ));
        }
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
        let prices = PriceList { version: 1, modes };
        Ok(Settings { config: self, runtime_id, chain_context, prices, answer_within, mock_root })
    }
}

const PRICE_FORM: &str = "is `base,per_1k_tokens`, two whole numbers of atomic units, not both zero";

fn price(text: &str) -> Option<Price> {
    let (base, per_1k_tokens) = text.split_once(',')?;
    let price = Price { base: base.trim().parse().ok()?, per_1k_tokens: per_1k_tokens.trim().parse().ok()? };
    (price.base > 0 || price.per_1k_tokens > 0).then_some(price)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_defaults_are_a_valid_configuration() {
        let settings = Config::parse_from(["precis-server"]).validate().unwrap();
        assert_eq!(settings.prices.modes.extractive, Price { base: 1000, per_1k_tokens: 500 });
        assert!(settings.mock_root.is_none());
    }

    #[test]
    fn a_setting_that_cannot_work_is_named() {
        for (flag, value, variable) in [
            ("--runtime-id", "00", "PRECIS_RUNTIME_ID"),
            ("--price-extractive", "1000", "PRECIS_PRICE_EXTRACTIVE"),
            ("--price-abstractive", "0,0", "PRECIS_PRICE_ABSTRACTIVE"),
            ("--queue", "0", "PRECIS_QUEUE"),
            ("--batch", "0", "PRECIS_BATCH"),
            ("--kv-mib", "1048577", "PRECIS_KV_MIB"),
            ("--answer-seconds", "0", "PRECIS_ANSWER_SECONDS"),
            ("--trust-root", "/does/not/exist", "PRECIS_TRUST_ROOT"),
            ("--sweep-seconds", "5", "PRECIS_SWEEP_SECONDS"),
            ("--result-seconds", "5", "PRECIS_RESULT_SECONDS"),
        ] {
            let error = Config::parse_from(["precis-server", flag, value]).validate().err().unwrap();
            assert_eq!(error.variable, variable);
        }
    }

    #[test]
    fn what_pays_back_and_what_is_swept_is_the_enclave_wallet() {
        const ELSEWHERE: &str = "0x1111111111111111111111111111111111111111";
        for (flag, value, variable) in [
            ("--upfront-seconds", "60", "PRECIS_UPFRONT_SECONDS"),
            ("--sweep-to", "0x2222222222222222222222222222222222222222", "PRECIS_SWEEP_TO"),
        ] {
            let given = ["precis-server", flag, value];
            assert!(Config::parse_from(given).validate().is_ok());
            let elsewhere = [&given[..], &["--pay-to", ELSEWHERE]].concat();
            assert_eq!(Config::parse_from(elsewhere).validate().err().unwrap().variable, variable);
        }
    }
}
