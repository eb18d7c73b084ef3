//! After boot: unfinished payments of an earlier life are reconciled, keysets are replaced, and what the service needs is
//! watched.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use precis_rofl::appd::Appd;
use precis_store::EXPIRED_PER_CALL;

use super::{rotation, watch};
use crate::clock;
use crate::jobs::sweep::sweep;
use crate::pipeline;
use crate::service::Service;

/// Unknown settlements are looked at this often.
const RECONCILE_EVERY: Duration = Duration::from_secs(30);

/// Runs for as long as the process lives.
///
/// # Errors
/// When this process can use the ledger no longer. The next one may.
pub async fn forever(service: &Arc<Service>, appd: &Appd, http: &reqwest::Client) -> anyhow::Result<()> {
    let kept = async {
        tokio::join!(
            rotation::keep_in_force(service, appd, http),
            keep_reconciled(service),
            watch::keep_watched(service),
            keep_swept(service)
        )
    };
    tokio::select! {
        _ = kept => Ok(()),
        why = service.payments.ledger.lost() => Err(why).context("the ledger is lost to this process"),
    }
}

async fn keep_reconciled(service: &Arc<Service>) {
    loop {
        if let Err(failure) = pipeline::reconcile(service).await {
            tracing::warn!(event = "ledger.reconcile_failed", code = failure.code());
        }
        expire(service).await;
        tokio::time::sleep(RECONCILE_EVERY).await;
    }
}

async fn keep_swept(service: &Arc<Service>) {
    let Some(to) = service.settings.config.sweep_to else { return };
    loop {
        for rail in service.payments.rails.iter().filter(|rail| rail.has_chain()) {
            if let Err(failure) = sweep(service, rail, to).await {
                tracing::warn!(event = "sweep.failed", network = %rail.network(), code = failure.code());
            }
        }
        // Several times in each period: one that is about to end leaves no time.
        tokio::time::sleep(Duration::from_secs((service.settings.config.sweep_seconds / 4).min(3600))).await;
    }
}

/// Forgets what is due, however much that is.
async fn expire(service: &Service) {
    loop {
        let before = clock::now().saturating_sub(service.settings.config.result_seconds);
        match service.payments.ledger.expire(before).await {
            Ok(count) if count >= EXPIRED_PER_CALL as u64 => tracing::info!(event = "ledger.expired", count),
            Ok(0) => return,
            Ok(count) => return tracing::info!(event = "ledger.expired", count),
            Err(error) => return tracing::error!(event = "ledger.expire_failed", why = %error),
        }
    }
}
