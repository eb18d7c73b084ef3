//! Means of being paid: the ledger, the wallet, and the networks that payments are taken on.

use std::sync::Arc;

use alloy_primitives::Address;
use k256::ecdsa::SigningKey;
use precis_payment::Network;
use precis_payment::authorize::address_of;
use precis_payment::wire::PaymentPayload;
use precis_protocol::challenge::Block;
use precis_protocol::limits::{MAX_DOCUMENT_BYTES, MAX_REQUEST_BODY_BYTES};
use precis_protocol::service::{NetworkConfig, ServiceConfig, ServiceLimits};
use precis_store::{Authorization, Ledger};

use super::extensions::BAZAAR;
use super::rail::Rail;
use super::unsold::Unsold;
use crate::config::{NetworkSettings, Settings};
use crate::error::{Class, Failure};
use crate::redact;

/// Ledger, wallet, networks.
pub struct Payments {
    /// Every payment and what became of it.
    pub ledger: Arc<dyn Ledger>,
    /// Receives payments, pays gas, pays back: one key on all networks.
    pub wallet: SigningKey,
    /// The networks, in the order of the settings; one at least.
    pub rails: Vec<Rail>,
    /// Payers whose documents could not be summarized lately.
    pub(crate) unsold: Unsold,
    remote: bool,
}

impl Payments {
    /// Puts the parts together; `remote` if the facilitator is another's.
    pub fn new(ledger: Arc<dyn Ledger>, wallet: SigningKey, rails: Vec<Rail>, remote: bool) -> Self {
        Self { ledger, wallet, rails, unsold: Unsold::default(), remote }
    }

    /// Address of the enclave wallet.
    pub fn wallet_address(&self) -> Address {
        address_of(&self.wallet)
    }

    /// The network of this name, if payments are taken on it.
    pub fn on(&self, network: Network) -> Option<&Rail> {
        self.rails.iter().find(|rail| rail.network() == network)
    }

    /// The network that a job was paid on.
    ///
    /// # Errors
    /// If it is not configured any more, which boot excludes for jobs that are open.
    pub fn of(&self, authorization: &Authorization) -> Result<&Rail, Failure> {
        let rail = authorization.network.parse().ok().and_then(|network| self.on(network));
        rail.ok_or_else(|| Failure::internal("ledger", "a job was paid on a network that is not configured"))
    }

    /// The networks that payments can be taken on now.
    ///
    /// # Errors
    /// The first network's reason, if none takes a payment.
    pub fn open(&self) -> Result<Vec<&Rail>, Failure> {
        some_of(self.rails.iter().map(|rail| rail.is_open().map(|()| rail)))
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

    /// A recent final block of one of the networks, of those that answer the first.
    ///
    /// # Errors
    /// `chain_unavailable` when none has answered lately.
    pub async fn recent_block(&self) -> Result<Block, Failure> {
        // One that is known to fail is asked last: it may keep the caller waiting.
        let (open, closed): (Vec<&Rail>, Vec<&Rail>) = self.rails.iter().partition(|rail| rail.has_chain());
        let mut last = Failure::new(Class::ChainUnavailable, "");
        for rail in open.into_iter().chain(closed) {
            match rail.recent_block().await {
                Ok(block) => return Ok(block),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    /// The configuration that matters to callers and that the measurement does not fix.
    pub fn describe(&self, settings: &Settings) -> ServiceConfig {
        let config = &settings.config;
        ServiceConfig {
            networks: config.networks.iter().map(describe_network).collect(),
            facilitator: config.facilitator_url.as_deref().map_or_else(|| "enclave".into(), redact::urls),
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

/// The successes, or the first failure.
///
/// # Errors
/// The first failure, if all fail.
pub(crate) fn some_of<T>(outcomes: impl Iterator<Item = Result<T, Failure>>) -> Result<Vec<T>, Failure> {
    let (mut there, mut first) = (Vec::new(), None);
    for outcome in outcomes {
        match outcome {
            Ok(item) => there.push(item),
            Err(failure) => first = first.or(Some(failure)),
        }
    }
    match first {
        Some(failure) if there.is_empty() => Err(failure),
        _ => Ok(there),
    }
}

fn describe_network(settings: &NetworkSettings) -> NetworkConfig {
    NetworkConfig {
        network: settings.network.to_string(),
        asset_name: settings.domain.name.clone(),
        asset_version: settings.domain.version.clone(),
        rpc_host: rpc_host(&settings.rpc_url),
        confirmations: settings.confirmations,
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
