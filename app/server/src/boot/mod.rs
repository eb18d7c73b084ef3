//! Boot: keys, keyset, publish, fetch the own transaction, collateral, self-check, ready (SPEC 2, 3).
//!
//! What is outside the enclave (rofl-appd, the Oasis node, Intel's PCS, the payment chain) may be absent at first: each
//! step is retried, and readiness says what is waited for. What is inside (model files, ledger) fails at once.

pub(crate) mod archive;
mod evidence;
mod keys;
mod readiness;
mod refresh;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use precis_rofl::appd::Appd;

pub use keys::{Boot, Shared};
pub use readiness::Readiness;

use crate::config::Settings;
use crate::service::{Engine, Identity, Payments, Service};

/// Boots, then keeps the service's evidence fresh for as long as the process lives. Returns only on failure.
///
/// # Errors
/// A model file or a ledger that cannot be used, or a configuration that the chain contradicts.
pub async fn run(settings: Settings, address: SocketAddr, readiness: &Readiness) -> anyhow::Result<()> {
    let engine = load_models(&settings).await?;
    let http = precis_rofl::http_client().context("HTTP client")?;
    let appd = Appd::new(&settings.config.appd_socket);
    let shared = readiness.until("rofl-appd", async || Shared::derive(&appd).await).await;
    let payments = Payments::open(&settings, &shared, readiness).await?;
    let boot = Boot::generate()?;
    let keyset = boot.keyset(&settings, &shared, &engine, &payments).context("keyset")?;
    let identity = Identity::new(boot, &shared, keyset)?;
    evidence::publish(&settings, &appd, &http, &identity, &payments, readiness).await?;
    let service = Arc::new(Service::new(settings, address, identity, engine, payments));
    readiness.ready(Arc::clone(&service));
    refresh::forever(&service, &http).await
}

async fn load_models(settings: &Settings) -> anyhow::Result<Engine> {
    let (dir, queue) = (settings.config.model_dir.clone(), settings.config.queue);
    let started = std::time::Instant::now();
    let engine = tokio::task::spawn_blocking(move || Engine::load(&dir, queue)).await??;
    tracing::info!(event = "boot.models", milliseconds = started.elapsed().as_millis());
    Ok(engine)
}
