//! The settings as the service uses them: checked, with every default filled in.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use alloy_primitives::Address;
use precis_payment::Network;
use precis_payment::exact::TokenDomain;
use precis_payment::http::Credential;
use precis_protocol::PerTask;
use precis_protocol::price::Price;

use crate::config::origin::Origin;
use crate::config::shapes::PaymentIdentifier;
use crate::edge::ProxyNetwork;

/// Values that are used as they were given; each is documented where it is declared, in [`crate::config::sections`].
#[derive(Clone)]
pub struct Config {
    /// `server.listen`.
    pub listen: SocketAddr,
    /// `server.internal_listen`.
    pub internal_listen: SocketAddr,
    /// `server.address_file`.
    pub address_file: Option<PathBuf>,
    /// `server.trusted_proxies`.
    pub trusted_proxies: Vec<ProxyNetwork>,
    /// `server.drain`, seconds.
    pub drain_seconds: u64,
    /// `ledger.dir`.
    pub state_dir: PathBuf,
    /// `ledger.url`.
    pub ledger_url: Option<String>,
    /// `ledger.keep_results`, seconds.
    pub result_seconds: u64,
    /// `model.dir`.
    pub model_dir: PathBuf,
    /// `model.name`.
    pub model: String,
    /// `model.batch`.
    pub batch: u32,
    /// `model.kv_mib`; 0 where none is given.
    pub kv_mib: u64,
    /// `limits.queue`.
    pub queue: u32,
    /// `limits.unsettled_per_payer`.
    pub max_unsettled_per_payer: u32,
    /// `limits.answer_within`, seconds.
    pub answer_seconds: u64,
    /// `channel.keyset_lifetime`, seconds.
    pub keyset_seconds: u64,
    /// `attestation.appd_socket`.
    pub appd_socket: PathBuf,
    /// `attestation.oasis_grpc_url`.
    pub oasis_grpc_url: String,
    /// `attestation.nexus_url`.
    pub nexus_url: String,
    /// `attestation.pcs_url`.
    pub pcs_url: String,
    /// `[[payment.network]]`, one or more.
    pub networks: Vec<NetworkSettings>,
    /// `payment.identifier`.
    pub payment_identifier: PaymentIdentifier,
    /// `payment.contract_accounts`.
    pub contract_accounts: ContractAccounts,
    /// `payment.facilitator.url`.
    pub facilitator_url: Option<String>,
    /// `payment.sweep.to`.
    pub sweep_to: Option<Address>,
    /// `payment.sweep.keep`.
    pub sweep_keep: u64,
    /// `payment.sweep.every`, seconds.
    pub sweep_seconds: u64,
}

/// A network that payments are taken on.
#[derive(Clone)]
pub struct NetworkSettings {
    /// `payment.network[].network`.
    pub network: Network,
    /// `payment.network[].asset`.
    pub asset: Address,
    /// `payment.network[].asset_name` and `asset_version`.
    pub domain: TokenDomain,
    /// `payment.network[].rpc_urls`, with its key.
    pub rpc_url: String,
    /// `payment.network[].pay_to`; none for the enclave wallet.
    pub pay_to: Option<Address>,
    /// `payment.network[].confirmations`.
    pub confirmations: u64,
    /// `payment.network[].confirm_within`, seconds.
    pub confirm_seconds: u64,
    /// `payment.network[].head_age`, seconds; 0 for any, none for the chain's own pace.
    pub head_seconds: Option<u64>,
    /// `payment.network[].max_gas_gwei`.
    pub max_gas_gwei: u64,
    /// `payment.network[].coin_units`.
    pub coin_units: Option<u128>,
    /// `payment.network[].gas_share_percent`.
    pub gas_share_percent: u32,
}

/// Set if the enclave wallet settles payments of contract accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractAccounts {
    /// They are refused.
    Off,
    /// They pay before the work.
    On,
}

/// Everything that was set.
#[derive(Clone)]
pub struct Settings {
    /// As given.
    pub config: Config,
    /// URL callers use, where a setting names it.
    pub origin: Option<Origin>,
    /// `attestation.runtime_id`.
    pub runtime_id: [u8; 32],
    /// `attestation.chain_context`.
    pub chain_context: [u8; 32],
    /// `[tasks."…"]`.
    pub prices: PerTask<Price>,
    /// Predicted seconds of work above which payment comes first; none for never.
    pub upfront_seconds: Option<u64>,
    /// Longest predicted work that is done before it is paid, seconds; none for no limit.
    pub unpaid_seconds: Option<u64>,
    /// Credential for the facilitator.
    pub facilitator_credential: Option<Credential>,
    /// Longest wait for an answer.
    pub answer_within: Duration,
    /// DER of the mock root, where one is configured.
    pub mock_root: Option<Vec<u8>>,
}
