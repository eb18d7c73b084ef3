//! How the service is paid: the ledger, the facilitator, and its own view of the payment chain.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use alloy_primitives::{Address, B256};
use anyhow::Context as _;
use k256::ecdsa::SigningKey;
use precis_payment::AtomicUnits;
use precis_payment::authorize::address_of;
use precis_payment::chain::{Asset, AssetError, ChainView};
use precis_payment::exact::TokenDomain;
use precis_payment::facilitator::{Facilitator, SignedTransaction, Unavailable};
use precis_payment::http::facilitator_client;
use precis_payment::local::{GasBudget, LocalFacilitator, LocalOptions};
use precis_payment::remote::HttpFacilitator;
use precis_payment::wire::PaymentPayload;
use precis_protocol::challenge::Block;
use precis_protocol::limits::{MAX_DOCUMENT_BYTES, MAX_REQUEST_BODY_BYTES};
use precis_protocol::service::{ServiceConfig, ServiceLimits};
use precis_store::{Broadcast, EmbeddedLedger, Flow, Ledger, Record, SealingKey, State};

use super::extensions::BAZAAR;
use super::leases::LedgerLeases;
use super::recent::Recent;
use crate::boot::{Readiness, Shared};
use crate::config::{ContractAccounts, Settings};
use crate::error::{Class, Failure};
use crate::{random, redact};

/// Longest wait for one answer of the node or a remote facilitator.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
const WEI_PER_GWEI: u128 = 1_000_000_000;
/// The ledger's file in the state directory.
const LEDGER_FILE: &str = "ledger.redb";

/// Ledger, facilitator, view of the chain.
pub struct Payments {
    /// Every payment and what became of it.
    pub ledger: Arc<dyn Ledger>,
    /// Verifies and settles.
    pub facilitator: Arc<dyn Facilitator>,
    /// Reads the chain.
    pub chain: ChainView,
    /// Receives payments, pays gas, pays back.
    pub wallet: SigningKey,
    remote: bool,
    /// Why payments cannot be taken now.
    unable: RwLock<Option<Unavailable>>,
    block: Recent<Block>,
    time: Recent<u64>,
}

impl Payments {
    /// Opens the ledger and checks the chain; an absent chain is waited for, a wrong one refuses the start.
    ///
    /// # Errors
    /// A ledger that cannot be opened, or a configuration that the chain contradicts.
    pub async fn open(
        settings: &Settings,
        shared: &Shared,
        readiness: &Readiness,
        around: fn(Arc<dyn Ledger>) -> Arc<dyn Ledger>,
    ) -> anyhow::Result<Self> {
        let config = &settings.config;
        let domain = TokenDomain { name: config.asset_name.clone(), version: config.asset_version.clone() };
        let asset = Asset { network: config.network, address: config.asset, domain };
        let http = precis_payment::http::client(CALL_TIMEOUT)?;
        let chain = ChainView::new(http, &config.rpc_url, asset)?;
        let checked = readiness.until("payment chain", async || match chain.check_asset().await {
            Err(error @ AssetError::Chain { .. }) => Err(error),
            outcome => Ok(outcome),
        });
        checked.await?;
        let wallet = shared.wallet.clone();
        let ledger = around(open_ledger(settings, shared, readiness).await?);
        let confirm_timeout = Duration::from_secs(config.confirm_seconds);
        let facilitator: Arc<dyn Facilitator> = match &config.facilitator_url {
            None => Arc::new(local(settings, chain.clone(), &wallet, &ledger).await?),
            Some(url) => {
                let http = facilitator_client(CALL_TIMEOUT, settings.facilitator_credential.as_ref())?;
                let remote = HttpFacilitator::new(http, url, chain.clone())?.with_confirm_timeout(confirm_timeout);
                Arc::new(remote.with_confirmations(config.confirmations))
            }
        };
        // What time can heal is waited for; what only the configuration can is not.
        let able = readiness.until("settlement", async || match facilitator.ready().await {
            Err(why @ (Unavailable::WrongChain | Unavailable::Unsupported)) => Ok(Err(why)),
            Err(Unavailable::NoGas) => Err(format!("{}: {}", Unavailable::NoGas, shared.wallet_address())),
            Err(why) => Err(why.to_string()),
            Ok(()) => Ok(Ok(())),
        });
        able.await.context("facilitator")?;
        let remote = config.facilitator_url.is_some();
        Ok(Self {
            ledger,
            facilitator,
            chain,
            wallet,
            remote,
            unable: RwLock::default(),
            block: Recent::default(),
            time: Recent::default(),
        })
    }

    /// Address of the enclave wallet.
    pub fn wallet_address(&self) -> Address {
        address_of(&self.wallet)
    }

    /// What of a payment the ledger keeps. A remote facilitator may want the extensions, too: those that the payer echoed, and
    /// of `declared` the one for catalogues, which the header of a quote has no room for.
    pub fn kept(
        &self,
        payment: PaymentPayload,
        declared: &serde_json::Map<String, serde_json::Value>,
    ) -> PaymentPayload {
        if !self.remote {
            return PaymentPayload { resource: None, extensions: None, ..payment };
        }
        let mut extensions = payment.extensions.unwrap_or_default();
        if let Some(catalogued) = declared.get(BAZAAR) {
            extensions.entry(BAZAAR).or_insert_with(|| catalogued.clone());
        }
        PaymentPayload { extensions: Some(extensions), ..payment }
    }

    /// Whether payments can be taken now, by the latest check.
    ///
    /// # Errors
    /// `cannot_settle`: work would be done for nothing. `gas_price`: it costs too much now.
    pub fn can_settle(&self) -> Result<(), Failure> {
        match *self.unable.read().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(why @ Unavailable::GasPrice) => Err(Failure::new(Class::GasPrice, why.to_string())),
            Some(why) => Err(Failure::new(Class::CannotSettle, why.to_string())),
        }
    }

    /// Whether a payment of `price` is worth its settlement, by what gas cost lately.
    ///
    /// # Errors
    /// `gas_price`: new payments are not taken for now. What is claimed already is settled all the same.
    pub fn worth_settling(&self, price: AtomicUnits) -> Result<(), Failure> {
        self.facilitator.affordable(price).map_err(|why| Failure::new(Class::GasPrice, why.to_string()))
    }

    /// Asks whether payments can be taken. An endpoint that does not answer is found out by the payment itself.
    pub async fn check_settlement(&self) {
        let found = match self.facilitator.ready().await {
            Err(
                why @ (Unavailable::NoGas
                | Unavailable::GasPrice
                | Unavailable::WrongChain
                | Unavailable::Credential
                | Unavailable::Redirected),
            ) => Some(why),
            _ => None,
        };
        let mut unable = self.unable.write().unwrap_or_else(PoisonError::into_inner);
        if *unable != found {
            tracing::warn!(event = "settlement.able", able = found.is_none(), why = found.map(|why| why.to_string()));
        }
        *unable = found;
    }

    /// A recent final block of the payment chain, which no reorganization takes back; a little old when the chain does not answer.
    ///
    /// # Errors
    /// `chain_unavailable` when there has been no answer for [`super::recent::STALE`].
    pub async fn recent_block(&self) -> Result<Block, Failure> {
        let network = self.chain.asset().network;
        let ask = async || {
            let block = self.chain.finalized_block().await.ok()?;
            Some(Block { network: network.to_string(), number: block.number, hash: block.hash })
        };
        self.block.get(ask).await.ok_or_else(|| Failure::new(Class::ChainUnavailable, ""))
    }

    /// Time of a block that is there by now, Unix seconds.
    ///
    /// # Errors
    /// `chain_unavailable`, as [`Payments::recent_block`].
    pub async fn chain_time(&self) -> Result<u64, Failure> {
        let ask = async || self.chain.recent_block().await.ok().map(|block| block.timestamp);
        self.time.get(ask).await.ok_or_else(|| Failure::new(Class::ChainUnavailable, ""))
    }

    /// The configuration that matters to callers and that the measurement does not fix.
    pub fn describe(&self, settings: &Settings) -> ServiceConfig {
        let config = &settings.config;
        ServiceConfig {
            asset_name: config.asset_name.clone(),
            asset_version: config.asset_version.clone(),
            facilitator: config.facilitator_url.as_deref().map_or_else(|| "enclave".into(), redact::urls),
            rpc_host: rpc_host(&config.rpc_url),
            sweep_to: config.sweep_to,
            limits: ServiceLimits {
                max_document_bytes: MAX_DOCUMENT_BYTES as u64,
                max_request_body_bytes: MAX_REQUEST_BODY_BYTES as u64,
                queue: config.queue,
                max_unsettled_per_payer: config.max_unsettled_per_payer,
                answer_seconds: config.answer_seconds,
                result_seconds: config.result_seconds,
                upfront_seconds: settings.upfront_seconds,
                unpaid_seconds: settings.unpaid_seconds,
            },
        }
    }
}

/// The facilitator in this process: its wallet's nonces are leased in the ledger, and what an earlier life sent is followed
/// on.
async fn local(
    settings: &Settings,
    chain: ChainView,
    wallet: &SigningKey,
    ledger: &Arc<dyn Ledger>,
) -> anyhow::Result<LocalFacilitator> {
    let config = &settings.config;
    let (confirm_timeout, options) = (Duration::from_secs(config.confirm_seconds), LocalOptions::default());
    let options = LocalOptions {
        confirm_timeout,
        // A stuck transaction is replaced while it is still waited for.
        replace_after: options.replace_after.min(confirm_timeout / 2),
        confirmations: config.confirmations,
        max_fee_per_gas: u128::from(config.max_gas_gwei) * WEI_PER_GWEI,
        budget: config
            .coin_units
            .map(|units_per_coin| GasBudget { share_percent: config.gas_share_percent, units_per_coin }),
        contract_accounts: config.contract_accounts == ContractAccounts::On,
    };
    let holder = random::bytes().context("random")?;
    let leases = LedgerLeases::new(Arc::clone(ledger), holder, config.network, address_of(wallet));
    let facilitator = LocalFacilitator::sharing(chain, wallet.clone(), options, Arc::new(leases));
    match ledger.unfinished().await {
        Ok(open) => open.records.iter().filter_map(sent).for_each(|transaction| facilitator.adopt(&transaction)),
        // The node tells what waits, if not for what.
        Err(why) => tracing::warn!(event = "wallet.not_recovered", why = %why),
    }
    Ok(facilitator)
}

/// The transaction of a job that may not be mined yet. That of a job to be paid first is left alone: if it never left, nothing
/// may be charged as long as the document is gone.
fn sent(record: &Record) -> Option<SignedTransaction> {
    if record.flow == Flow::Upfront && matches!(record.state, State::Settling { .. } | State::Unknown { .. }) {
        return None;
    }
    let (State::Settling { broadcast } | State::Unknown { broadcast } | State::Refunding { broadcast, .. }) =
        &record.state
    else {
        return None;
    };
    let Broadcast { transaction, raw } = broadcast.as_ref()?;
    Some(SignedTransaction { hash: B256::from(*transaction), raw: raw.clone().into() })
}

async fn open_ledger(settings: &Settings, shared: &Shared, readiness: &Readiness) -> anyhow::Result<Arc<dyn Ledger>> {
    let config = &settings.config;
    let key = || SealingKey::new(*shared.sealing);
    if let Some(url) = &config.ledger_url {
        return shared_ledger(url, key, readiness).await;
    }
    std::fs::create_dir_all(&config.state_dir).with_context(|| format!("create {}", config.state_dir.display()))?;
    let path = config.state_dir.join(LEDGER_FILE);
    let ledger = EmbeddedLedger::open(&path, key()).await.with_context(|| format!("open {}", path.display()))?;
    Ok(Arc::new(ledger))
}

#[cfg(feature = "postgres")]
async fn shared_ledger(
    url: &str,
    key: impl Fn() -> SealingKey,
    readiness: &Readiness,
) -> anyhow::Result<Arc<dyn Ledger>> {
    use precis_store::{LedgerError, PostgresLedger};
    let opened = readiness.until("ledger", async || match PostgresLedger::connect(url, key()).await {
        Err(error @ (LedgerError::WrongKey | LedgerError::Corrupt(_) | LedgerError::Newer { .. })) => Ok(Err(error)),
        Ok(ledger) => Ok(Ok(ledger)),
        Err(error) => Err(error),
    });
    Ok(Arc::new(opened.await.context("ledger")?))
}

#[cfg(not(feature = "postgres"))]
async fn shared_ledger(_: &str, _: impl Fn() -> SealingKey, _: &Readiness) -> anyhow::Result<Arc<dyn Ledger>> {
    anyhow::bail!("this build has no ledger that is shared; build with the feature `postgres`")
}

/// Host and port of a URL: paths and user parts of RPC endpoints carry API keys.
fn rpc_host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_shown_without_its_key() {
        assert_eq!(rpc_host("https://user:secret@rpc.example:8545/v2/secret?key=secret"), "rpc.example:8545");
        assert_eq!(rpc_host("http://127.0.0.1:8545"), "127.0.0.1:8545");
    }
}
