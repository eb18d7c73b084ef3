//! How the service is paid: the ledger, the facilitator, and its own view of the payment chain.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use precis_payment::chain::{Asset, AssetError, ChainView};
use precis_payment::exact::TokenDomain;
use precis_payment::facilitator::Facilitator;
use precis_payment::local::{LocalFacilitator, LocalOptions};
use precis_payment::remote::HttpFacilitator;
use precis_protocol::challenge::Block;
use precis_protocol::limits::{MAX_DOCUMENT_BYTES, MAX_REQUEST_BODY_BYTES};
use precis_protocol::service::{ServiceConfig, ServiceLimits};
use precis_store::{EmbeddedLedger, Ledger, SealingKey};
use tokio::sync::Mutex;

use crate::boot::{Readiness, Shared};
use crate::config::Settings;
use crate::error::{Class, Failure};

/// Longest wait for one answer of the node or a remote facilitator.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// A block is asked for anew after this long.
const BLOCK_FRESH: Duration = Duration::from_secs(2);
/// A block is served for this long when the chain does not answer.
const BLOCK_STALE: Duration = Duration::from_secs(120);
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
    block: Mutex<Option<(Instant, Block)>>,
}

impl Payments {
    /// Opens the ledger and checks the chain; an absent chain is waited for, a wrong one refuses the start.
    ///
    /// # Errors
    /// A ledger that cannot be opened, or a configuration that the chain contradicts.
    pub async fn open(settings: &Settings, shared: &Shared, readiness: &Readiness) -> anyhow::Result<Self> {
        let config = &settings.config;
        std::fs::create_dir_all(&config.state_dir).with_context(|| format!("create {}", config.state_dir.display()))?;
        let path = config.state_dir.join(LEDGER_FILE);
        let ledger = EmbeddedLedger::open(&path, SealingKey::new(*shared.sealing))
            .await
            .with_context(|| format!("open {}", path.display()))?;
        let domain = TokenDomain { name: config.asset_name.clone(), version: config.asset_version.clone() };
        let asset = Asset { network: config.network, address: config.asset, domain };
        let http = precis_payment::http::client(CALL_TIMEOUT)?;
        let chain = ChainView::new(http.clone(), &config.rpc_url, asset)?;
        let checked = readiness.until("payment chain", async || match chain.check_asset().await {
            Err(error @ AssetError::Chain { .. }) => Err(error),
            outcome => Ok(outcome),
        });
        checked.await?;
        let facilitator: Arc<dyn Facilitator> = match &config.facilitator_url {
            None => Arc::new(LocalFacilitator::new(chain.clone(), shared.wallet.clone(), LocalOptions::default())),
            Some(url) => Arc::new(HttpFacilitator::new(http, url, chain.clone())?),
        };
        Ok(Self { ledger: Arc::new(ledger), facilitator, chain, block: Mutex::new(None) })
    }

    /// A recent final block of the payment chain, which no reorganization takes back; a little old when the chain does not answer.
    ///
    /// # Errors
    /// `chain_unavailable` when there has been no answer for [`BLOCK_STALE`].
    pub async fn recent_block(&self) -> Result<Block, Failure> {
        let mut cached = self.block.lock().await;
        if let Some((at, block)) = &*cached
            && at.elapsed() < BLOCK_FRESH
        {
            return Ok(block.clone());
        }
        match self.chain.finalized_block().await {
            Ok(block) => {
                let block =
                    Block { network: self.chain.asset().network.to_string(), number: block.number, hash: block.hash };
                *cached = Some((Instant::now(), block.clone()));
                Ok(block)
            }
            Err(_) => match &*cached {
                Some((at, block)) if at.elapsed() < BLOCK_STALE => Ok(block.clone()),
                _ => Err(Failure::new(Class::ChainUnavailable, "")),
            },
        }
    }

    /// The configuration that matters to callers and that the measurement does not fix.
    pub fn describe(&self, settings: &Settings) -> ServiceConfig {
        let config = &settings.config;
        ServiceConfig {
            asset_name: config.asset_name.clone(),
            asset_version: config.asset_version.clone(),
            facilitator: config.facilitator_url.clone().unwrap_or_else(|| "enclave".into()),
            rpc_host: rpc_host(&config.rpc_url),
            limits: ServiceLimits {
                max_document_bytes: MAX_DOCUMENT_BYTES as u64,
                max_request_body_bytes: MAX_REQUEST_BODY_BYTES as u64,
                queue: config.queue,
                max_unsettled_per_payer: config.max_unsettled_per_payer,
            },
        }
    }
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
