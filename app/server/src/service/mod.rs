//! The running service: who it is, what it sells, how it is paid. Built once by [`crate::boot`].

mod engine;
pub(crate) mod extensions;
mod identity;
mod payments;
mod period;
mod rail;
mod recent;
mod unsold;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use precis_protocol::Task;
use precis_protocol::service::{ModelDescription, ServiceDescription, TaskDescription};
use serde_json::{Map, Value};

pub use engine::{Engine, Known, Permit, Sold};
pub(crate) use engine::{SETTLEMENT_SECONDS, digest_of};
pub use identity::{Generation, Identity, OwnEvidence, SecretKeys};
pub use payments::Payments;
pub(crate) use payments::some_of;
pub use rail::Rail;

use precis_store::Holder;

use crate::clock;
use crate::config::{Origin, Settings};
use crate::error::{Class, Failure};
use crate::flights::Flights;
use crate::health::{Check, Health};
use crate::task::{self, OFFERINGS, Offering};

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
    /// Ledger, wallet, networks.
    pub payments: Payments,
    /// Declarations of the x402 extensions in quotes, by the path of the route.
    extensions: BTreeMap<&'static str, Map<String, Value>>,
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
        let identifier = settings.config.payment_identifier;
        let declared =
            |offering: &&dyn Offering| (offering.path(), extensions::declared(identifier, offering.catalogued()));
        let extensions = OFFERINGS.iter().map(declared).collect();
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

    /// Declarations of the x402 extensions in the quotes of a route.
    pub fn extensions_of(&self, path: &str) -> Map<String, Value> {
        self.extensions.get(path).cloned().unwrap_or_default()
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
            payments: keyset.payments.clone(),
            tasks: self.engine.sold().filter_map(|(task, sold)| Some((task, describe(task, &sold)?))).collect(),
            config: self.payments.describe(&self.settings),
        }
    }
}

fn describe(task: Task, sold: &Sold<'_>) -> Option<TaskDescription> {
    Some(TaskDescription {
        path: task::offering(task).ok()?.path().to_owned(),
        model: Some(ModelDescription { name: sold.facts.model_name.clone(), digest: sold.facts.model }),
        parameters: sold.facts.parameters.clone(),
        price: sold.price(),
        limits: sold.facts.limits,
    })
}
