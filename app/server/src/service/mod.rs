//! The running service: who it is, what it sells, how it is paid. Built once by [`crate::boot`].

mod engine;
pub(crate) mod extensions;
mod identity;
mod payments;
mod recent;

use std::net::SocketAddr;
use std::sync::Mutex;

use precis_protocol::price::PerMode;
use precis_protocol::service::{ModelDescription, ServiceDescription};

pub use engine::{Engine, Model};
pub(crate) use engine::{SETTLEMENT_SECONDS, digests};
pub use identity::{Identity, OwnEvidence};
pub use payments::Payments;

use precis_store::Holder;

use crate::config::Settings;
use crate::jobs::Jobs;
use crate::pipeline::ReceiptChain;

/// Everything a request needs.
pub struct Service {
    /// Checked settings.
    pub settings: Settings,
    /// URL callers use.
    pub public_url: String,
    /// Keys, keyset, evidence.
    pub identity: Identity,
    /// Models and the thread they run on.
    pub engine: Engine,
    /// Ledger, facilitator, view of the chain.
    pub payments: Payments,
    /// What every quote declares of the x402 extensions.
    pub extensions: serde_json::Map<String, serde_json::Value>,
    /// Jobs in flight.
    pub jobs: Jobs,
    /// Receipts of this boot.
    pub receipts: Mutex<ReceiptChain>,
}

impl Service {
    /// Puts the parts together.
    pub fn new(
        settings: Settings,
        address: SocketAddr,
        identity: Identity,
        engine: Engine,
        payments: Payments,
    ) -> Self {
        let public_url = settings.config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let receipts = Mutex::new(ReceiptChain::genesis(&identity.keyset_digest));
        let extensions = extensions::declared(settings.config.payment_identifier);
        let jobs = Jobs::default();
        Self { settings, public_url, identity, engine, payments, extensions, jobs, receipts }
    }

    /// Names this process where several share a ledger.
    pub fn holder(&self) -> Holder {
        self.identity.keyset.instance_id
    }

    /// `/v1/service`.
    pub fn describe(&self) -> ServiceDescription {
        let keyset = &self.identity.keyset;
        ServiceDescription {
            name: "Precis".into(),
            version: keyset.release.version.clone(),
            app_id: keyset.app_id.clone(),
            keyset_digest: self.identity.keyset_digest,
            payment: keyset.payment.clone(),
            price_list: keyset.price_list.clone(),
            models: PerMode {
                extractive: describe(&self.engine.extractive),
                abstractive: describe(&self.engine.abstractive),
            },
            config: self.payments.describe(&self.settings),
        }
    }
}

fn describe(model: &Model) -> ModelDescription {
    ModelDescription {
        name: model.summarizer.manifest().name.clone(),
        digest: model.digest,
        parameters: model.summarizer.parameters(),
        max_document_tokens: model.summarizer.limits().max_document_tokens,
        max_document_bytes: model.summarizer.limits().max_document_bytes as u64,
    }
}
