//! How the service is paid: the ledger, the facilitator, and its own view of the payment chain.

use std::sync::{Arc, PoisonError, RwLock};

use alloy_primitives::Address;
use k256::ecdsa::SigningKey;
use precis_payment::AtomicUnits;
use precis_payment::authorize::address_of;
use precis_payment::chain::ChainView;
use precis_payment::facilitator::{Facilitator, Unavailable};
use precis_payment::wire::PaymentPayload;
use precis_protocol::challenge::Block;
use precis_protocol::limits::{MAX_DOCUMENT_BYTES, MAX_REQUEST_BODY_BYTES};
use precis_protocol::service::{ServiceConfig, ServiceLimits};
use precis_store::Ledger;

use super::extensions::BAZAAR;
use super::recent::Recent;
use crate::config::Settings;
use crate::error::{Class, Failure};
use crate::redact;

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
    /// Puts the parts together; `remote` if the facilitator is another's.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        facilitator: Arc<dyn Facilitator>,
        chain: ChainView,
        wallet: SigningKey,
        remote: bool,
    ) -> Self {
        let (unable, block, time) = (RwLock::default(), Recent::default(), Recent::default());
        Self { ledger, facilitator, chain, wallet, remote, unable, block, time }
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
