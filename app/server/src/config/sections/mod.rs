//! The sections of the file, one folder for all of them: [`payment`] is about money, [`service`] about everything else.

pub mod payment;
pub mod service;

use crate::config::error::ConfigError;
use crate::config::given::Given;
use crate::config::section::Section;
use crate::config::setting::Group;
use crate::config::tasks::{self, Priced};

use payment::{Facilitator, Network, Payment, Sweep, TaskPrice};
use service::{Attestation, Channel, Ledger, Limits, Model, Server};

/// The whole file.
#[derive(Clone, Debug)]
pub struct File {
    /// `[server]`.
    pub server: Server,
    /// `[payment]`.
    pub payment: Payment,
    /// `[[payment.network]]`, one or more.
    pub networks: Vec<Network>,
    /// `[payment.facilitator]`.
    pub facilitator: Facilitator,
    /// `[payment.sweep]`.
    pub sweep: Sweep,
    /// `[tasks."…"]`, one for each task of the service.
    pub prices: Vec<(&'static Priced, TaskPrice)>,
    /// `[limits]`.
    pub limits: Limits,
    /// `[model]`.
    pub model: Model,
    /// `[ledger]`.
    pub ledger: Ledger,
    /// `[channel]`.
    pub channel: Channel,
    /// `[attestation]`.
    pub attestation: Attestation,
}

/// Keys of the sections.
pub mod at {
    use crate::config::key::Key;

    /// `[server]`.
    pub fn server() -> Key {
        Key::root().then("server")
    }

    /// `[payment]`.
    pub fn payment() -> Key {
        Key::root().then("payment")
    }

    /// `[[payment.network]]`.
    pub fn networks() -> Key {
        payment().then("network")
    }

    /// `[payment.facilitator]`.
    pub fn facilitator() -> Key {
        payment().then("facilitator")
    }

    /// `[payment.sweep]`.
    pub fn sweep() -> Key {
        payment().then("sweep")
    }

    /// `[tasks."…"]` of a task.
    pub fn task(id: &str) -> Key {
        Key::root().then("tasks").then(id)
    }

    /// `[limits]`.
    pub fn limits() -> Key {
        Key::root().then("limits")
    }

    /// `[model]`.
    pub fn model() -> Key {
        Key::root().then("model")
    }

    /// `[ledger]`.
    pub fn ledger() -> Key {
        Key::root().then("ledger")
    }

    /// `[channel]`.
    pub fn channel() -> Key {
        Key::root().then("channel")
    }

    /// `[attestation]`.
    pub fn attestation() -> Key {
        Key::root().then("attestation")
    }
}

impl File {
    /// Every section with its settings, in the order of the documentation.
    pub fn describe() -> Vec<Group> {
        let mut groups = vec![
            Server::describe(&at::server()),
            Payment::describe(&at::payment()),
            Network::describe(&at::networks().entries()),
            Facilitator::describe(&at::facilitator()),
            Sweep::describe(&at::sweep()),
        ];
        groups.extend(tasks::ALL.iter().map(describe_price));
        groups.extend([
            Limits::describe(&at::limits()),
            Model::describe(&at::model()),
            Ledger::describe(&at::ledger()),
            Channel::describe(&at::channel()),
            Attestation::describe(&at::attestation()),
        ]);
        groups
    }

    /// Reads everything.
    ///
    /// # Errors
    /// The first setting that cannot be read.
    pub fn read(given: &Given) -> Result<Self, ConfigError> {
        let (list, entry) = (at::networks(), Network::describe(&at::networks().entries()));
        // Without any there is one, which has the defaults.
        let entries = given.entries(&list, &entry.settings).max(1);
        let networks = (0..entries).map(|index| Network::read(given, &list.entry(index)));
        let price = |priced: &'static Priced| Ok((priced, TaskPrice::read(given, &at::task(priced.task.id()))?));
        Ok(Self {
            server: Server::read(given, &at::server())?,
            payment: Payment::read(given, &at::payment())?,
            networks: networks.collect::<Result<_, _>>()?,
            facilitator: Facilitator::read(given, &at::facilitator())?,
            sweep: Sweep::read(given, &at::sweep())?,
            prices: tasks::ALL.iter().map(price).collect::<Result<_, ConfigError>>()?,
            limits: Limits::read(given, &at::limits())?,
            model: Model::read(given, &at::model())?,
            ledger: Ledger::read(given, &at::ledger())?,
            channel: Channel::read(given, &at::channel())?,
            attestation: Attestation::read(given, &at::attestation())?,
        })
    }
}

fn describe_price(priced: &Priced) -> Group {
    let mut group = TaskPrice::describe(&at::task(priced.task.id()));
    let defaults = [priced.price.base.to_string(), priced.price.per_1k_tokens.to_string()];
    let settings = group.settings.into_iter().zip(defaults);
    group.settings = settings.map(|(setting, default)| setting.with_default(&default)).collect();
    group
}
