//! The running service: who it is, what it sells, how it is paid. Built once by [`crate::boot`].

mod engine;
pub(crate) mod extensions;
mod identity;
mod payments;
mod period;
mod recent;

use std::net::SocketAddr;

use precis_protocol::price::PerMode;
use precis_protocol::service::{ModelDescription, ServiceDescription};

pub use engine::{Engine, Model};
pub(crate) use engine::{SETTLEMENT_SECONDS, digests};
pub use identity::{Generation, Identity, OwnEvidence, SecretKeys};
pub use payments::Payments;

use precis_store::Holder;

use crate::clock;
use crate::config::{Origin, Settings};
use crate::error::{Class, Failure};
use crate::flights::Flights;
use crate::health::{Check, Health};

/// What must not fail for a payment to be taken. Whether it could be settled has an answer of its own.
const NEEDED: [Check; 5] = [Check::Keyset, Check::Ledger, Check::Chain, Check::Workers, Check::Disk];

/// Everything a request needs.
pub struct Service {
    /// Checked settings.
    pub settings: Settings,
    /// URL callers use.
    pub origin: Origin,
    /// Keys, keyset, evidence.
    pub identity: Identity,
    /// Models and the thread they run on.
    pub engine: Engine,
    /// Ledger, facilitator, view of the chain.
    pub payments: Payments,
    /// What every quote declares of the x402 extensions.
    pub extensions: serde_json::Map<String, serde_json::Value>,
    /// Jobs in flight.
    pub flights: Flights,
    /// What payments need, as it was found last.
    pub health: Health,
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
        let origin = settings.origin.clone().unwrap_or_else(|| Origin::bound(address));
        let extensions = extensions::declared(settings.config.payment_identifier);
        let (flights, health) = (Flights::default(), Health::default());
        Self { settings, origin, identity, engine, payments, extensions, flights, health }
    }

    /// Names this process where several share a ledger.
    pub fn holder(&self) -> Holder {
        self.identity.instance_id
    }

    /// Whether a payment can be taken now for work that ends within `seconds`, as far as this service goes.
    ///
    /// # Errors
    /// `stopping`, or `not_ready` with the first check that fails.
    pub fn takes_payments(&self, seconds: u64) -> Result<(), Failure> {
        drop(self.flights.enter()?);
        let in_time = self.identity.current().period().may_promise(clock::now(), seconds);
        let failing = if in_time { self.health.first_of(&NEEDED) } else { Some(Check::Keyset) };
        failing.map_or(Ok(()), |check| Err(Failure::new(Class::NotReady, check.sentence())))
    }

    /// `/v1/service`.
    pub fn describe(&self) -> ServiceDescription {
        let current = self.identity.current();
        let keyset = &current.keyset;
        ServiceDescription {
            name: "Precis".into(),
            version: keyset.release.version.clone(),
            app_id: keyset.app_id.clone(),
            keyset_digest: current.keyset_digest,
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
