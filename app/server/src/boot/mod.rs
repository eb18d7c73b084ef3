//! Boot: keys, keyset, publish, fetch the own transaction, collateral, self-check, ready (SPEC 2, 3).
//!
//! What is outside the enclave (rofl-appd, the Oasis node, Intel's PCS, the payment chain) may be absent at first: each
//! step is retried, and readiness says what is waited for. What is inside (model files, ledger) fails at once.

mod evidence;
mod keys;
mod leases;
mod payments;
mod refresh;
mod rotation;
mod watch;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use precis_rofl::appd::Appd;
use precis_store::Ledger;
use precis_summarize::Models;

use keys::Shared;

use crate::config::Settings;
use crate::edge::{self, memory::Bound};
use crate::jobs::tokens::check_open_jobs;
use crate::readiness::Readiness;
use crate::service::{Engine, Identity, Service};
use crate::{clock, random};
use evidence::Publisher;
use keys::Surroundings;

/// Keysets of a shorter life are for trying out: each is a transaction on chain, and a day of them more than the ledger keeps.
const SHORT_KEYSET_SECONDS: u64 = 3600;

/// What a service is made of that can be something else in a test: its models, its clock, what stands around its ledger.
pub struct Parts {
    /// Loads the models from the configured directory, the abstractive one by its name.
    pub models: fn(&Path, &str, &precis_summarize::Settings) -> anyhow::Result<Models>,
    /// Tells the time, Unix seconds.
    pub clock: fn() -> u64,
    /// Wraps the opened ledger.
    pub ledger: fn(Arc<dyn Ledger>) -> Arc<dyn Ledger>,
    /// Bounds of connections, bodies and places.
    pub edge: edge::Limits,
}

impl Default for Parts {
    /// What the enclave runs.
    fn default() -> Self {
        Self {
            models: |directory, name, settings| Ok(precis_summarize::load_with(directory, name, settings)?),
            clock: clock::system,
            ledger: |ledger| ledger,
            edge: edge::Limits::default(),
        }
    }
}

/// Boots, then keeps the service's evidence fresh for as long as the process lives. Returns only on failure.
///
/// # Errors
/// A model file or a ledger that cannot be used, or a configuration that the chain contradicts.
pub async fn run(settings: Settings, parts: Parts, address: SocketAddr, readiness: &Readiness) -> anyhow::Result<()> {
    clock::set(parts.clock);
    if settings.config.keyset_seconds < SHORT_KEYSET_SECONDS {
        tracing::warn!(event = "config.short_keyset", seconds = settings.config.keyset_seconds);
    }
    let engine = load_models(&settings, parts.models).await?;
    Bound::of(&parts.edge, engine.memory(edge::memory::resident())).tell();
    let http = precis_rofl::http_client().context("HTTP client")?;
    let appd = Appd::new(&settings.config.appd_socket);
    let shared = readiness.until("rofl-appd", async || Shared::derive(&appd).await).await;
    let payments = payments::open(&settings, &shared, readiness, parts.ledger).await?;
    check_open_jobs(payments.ledger.as_ref(), &settings.config).await?;
    let (app_id, [key_id]) = (shared.app_id.as_str(), random::bytes()?);
    let surroundings = Surroundings {
        app_id,
        instance_id: random::bytes()?,
        settings: &settings,
        engine: &engine,
        payments: &payments,
    };
    let publisher = Publisher { settings: &settings, appd: &appd, http: &http, payments: &payments };
    let first = rotation::first(&surroundings, &publisher, key_id, readiness).await?;
    let identity = Identity::new(first, shared.fingerprint.clone());
    let service = Arc::new(Service::new(settings, address, identity, engine, payments));
    readiness.ready(Arc::clone(&service));
    refresh::forever(&service, &appd, &http).await
}

async fn load_models(
    settings: &Settings,
    load: fn(&Path, &str, &precis_summarize::Settings) -> anyhow::Result<Models>,
) -> anyhow::Result<Engine> {
    let config = &settings.config;
    let (dir, name, queue, batch) = (config.model_dir.clone(), config.model.clone(), config.queue, config.batch);
    let cache_bytes = (config.kv_mib > 0).then_some(config.kv_mib << 20);
    let size = precis_summarize::Settings { batch: batch as usize, cache_bytes, ..Default::default() };
    let (started, prices) = (std::time::Instant::now(), settings.prices.clone());
    let models = tokio::task::spawn_blocking(move || load(&dir, &name, &size)).await??;
    let engine = Engine::of_models(models, prices, queue, batch);
    tracing::info!(event = "boot.models", milliseconds = started.elapsed().as_millis());
    Ok(engine)
}
