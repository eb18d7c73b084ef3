//! The instance's registrations: one at start, one at every change of metadata, one at every epoch,
//! each a real `rofl.Register` transaction in a round of its own.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{sync::watch, task::JoinSet};

use super::mock::{Chain, InstanceKeys, Measurements, MockCollateral, MockPki, Register, TdQuote};

/// On-chain prefix of an application's metadata keys.
const METADATA_NAMESPACE: &str = "net.oasis.app.";
/// Pairs an application may set: 64 on chain, of which ten are the system's.
const MAX_PAIRS: usize = 54;
/// Longest key on chain, prefix included, in bytes.
const MAX_KEY_BYTES: usize = 1024;
/// Longest value, in bytes.
const MAX_VALUE_BYTES: usize = 16 * 1024;
/// Epochs that a registration lives beyond its own.
const EXPIRES_AFTER_EPOCHS: u64 = 2;
/// Rounds kept; older ones are forgotten, as nodes forget.
const MAX_ROUNDS: usize = 1_024;

/// A metadata limit was exceeded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LimitExceeded;

/// What one boot of the mock machine is made of.
pub(super) struct Machine {
    pub(super) app_id: String,
    pub(super) app_id_bytes: [u8; 21],
    pub(super) chain: Chain,
    pub(super) keys: InstanceKeys,
    pub(super) pki: MockPki,
    pub(super) collateral: MockCollateral,
    pub(super) measurements: Measurements,
    pub(super) quote_nonce: [u8; 32],
    pub(super) epoch_length: Duration,
}

/// One registration on the devnet's chain.
#[derive(Clone)]
pub(super) struct Registration {
    pub(super) round: u64,
    pub(super) nonce: u64,
    pub(super) unix_seconds: u64,
    pub(super) expiration: u64,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) raw: Vec<u8>,
}

struct Ledger {
    metadata: BTreeMap<String, String>,
    next_round: u64,
    registered: u64,
    /// Oldest first.
    rounds: VecDeque<Registration>,
}

/// Metadata and registrations of the one instance.
pub(super) struct Registrar {
    pub(super) machine: Machine,
    ledger: Mutex<Ledger>,
    changed: watch::Sender<()>,
}

impl Registrar {
    /// Registers once and keeps the registration current from then on.
    pub(super) fn start(machine: Machine, tasks: &mut JoinSet<()>) -> Arc<Self> {
        let ledger = Ledger {
            metadata: BTreeMap::new(),
            // Rounds rise across restarts, as they do on a chain.
            next_round: unix_now(),
            registered: 0,
            rounds: VecDeque::new(),
        };
        let (changed, mut changes) = watch::channel(());
        let registrar = Arc::new(Self { machine, ledger: Mutex::new(ledger), changed });
        registrar.register();
        let task = registrar.clone();
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    outcome = changes.changed() => if outcome.is_err() { return },
                    () = tokio::time::sleep(task.until_next_epoch()) => {}
                }
                task.register();
            }
        });
        registrar
    }

    pub(super) fn app_id(&self) -> &str {
        &self.machine.app_id
    }

    pub(super) fn epoch(&self) -> u64 {
        unix_now() / self.machine.epoch_length.as_secs().max(1)
    }

    /// Metadata as the application set it, without prefix.
    pub(super) fn metadata(&self) -> BTreeMap<String, String> {
        self.ledger().metadata.clone()
    }

    pub(super) fn replace_metadata(&self, metadata: BTreeMap<String, String>) -> Result<(), LimitExceeded> {
        self.set(|current| *current = metadata)
    }

    pub(super) fn upsert_metadata(&self, metadata: BTreeMap<String, String>) -> Result<(), LimitExceeded> {
        self.set(|current| current.extend(metadata))
    }

    pub(super) fn delete_metadata(&self, keys: &BTreeSet<String>) {
        let within_limits = self.set(|current| current.retain(|key, _| !keys.contains(key)));
        debug_assert!(within_limits.is_ok());
    }

    /// Registrations, newest first.
    pub(super) fn registrations(&self) -> Vec<Registration> {
        self.ledger().rounds.iter().rev().cloned().collect()
    }

    /// The raw transactions of a round; none if the devnet does not have the round.
    pub(super) fn transactions(&self, round: u64) -> Option<Vec<Vec<u8>>> {
        let ledger = self.ledger();
        let wanted = match round {
            u64::MAX => ledger.rounds.back(),
            round => ledger.rounds.iter().find(|registration| registration.round == round),
        };
        wanted.map(|registration| vec![registration.raw.clone()])
    }

    fn set(&self, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Result<(), LimitExceeded> {
        let mut ledger = self.ledger();
        let mut updated = ledger.metadata.clone();
        change(&mut updated);
        let fits = updated.len() <= MAX_PAIRS
            && updated.iter().all(|(key, value)| {
                METADATA_NAMESPACE.len() + key.len() <= MAX_KEY_BYTES && value.len() <= MAX_VALUE_BYTES
            });
        if !fits {
            return Err(LimitExceeded);
        }
        if updated != ledger.metadata {
            ledger.metadata = updated;
            self.changed.send_replace(());
        }
        Ok(())
    }

    fn register(&self) {
        let machine = &self.machine;
        let expiration = self.epoch() + EXPIRES_AFTER_EPOCHS;
        let mut ledger = self.ledger();
        let pairs = ledger.metadata.iter();
        let metadata: BTreeMap<String, String> =
            pairs.map(|(k, v)| (format!("{METADATA_NAMESPACE}{k}"), v.clone())).collect();
        let (round, nonce) = (ledger.next_round, ledger.registered);
        let report_data = machine.keys.report_data(machine.quote_nonce);
        let quote = TdQuote::new(machine.measurements, report_data).sign(&machine.pki);
        let raw = Register {
            chain: &machine.chain,
            app_id: machine.app_id_bytes,
            keys: &machine.keys,
            quote: &quote,
            collateral: &machine.collateral,
            height: round,
            expiration,
            nonce,
            metadata: metadata.clone(),
        }
        .sign();
        let unix_seconds = unix_now();
        let registration = Registration { round, nonce, unix_seconds, expiration, metadata, raw };
        ledger.rounds.push_back(registration);
        if ledger.rounds.len() > MAX_ROUNDS {
            ledger.rounds.pop_front();
        }
        ledger.next_round += 1;
        ledger.registered += 1;
        tracing::info!(round, expiration, "registered");
    }

    fn until_next_epoch(&self) -> Duration {
        let length = self.machine.epoch_length.as_secs().max(1);
        Duration::from_secs(length - unix_now() % length)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
