//! After boot: unfinished payments of an earlier life are reconciled, and the evidence is kept fresh.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use precis_rofl::register::Retry;
use precis_store::EXPIRED_PER_CALL;

use super::evidence;
use crate::clock;
use crate::pipeline;
use crate::service::Service;

/// Registrations are renewed every few epochs and collateral every month; an hour is well inside both.
const EVIDENCE_EVERY: Duration = Duration::from_secs(3600);
/// Unknown settlements are looked at this often.
const RECONCILE_EVERY: Duration = Duration::from_secs(30);

/// Whether the wallet can pay for gas is asked this often.
const READINESS_EVERY: Duration = Duration::from_secs(15);

/// Runs for as long as the process lives.
///
/// # Errors
/// When this process can use the ledger no longer. The next one may.
pub async fn forever(service: &Arc<Service>, http: &reqwest::Client) -> anyhow::Result<()> {
    let kept = async {
        tokio::join!(
            keep_evidence(service, http),
            keep_reconciled(service),
            keep_able_to_settle(service),
            keep_swept(service)
        )
    };
    tokio::select! {
        _ = kept => Ok(()),
        why = service.payments.ledger.lost() => Err(why).context("the ledger is lost to this process"),
    }
}

async fn keep_evidence(service: &Arc<Service>, http: &reqwest::Client) {
    loop {
        tokio::time::sleep(EVIDENCE_EVERY).await;
        // What was verified before stays served when fresher evidence cannot be had: it judges itself by its own dates.
        match renewed(service, http).await {
            Ok(()) => tracing::info!(event = "evidence.renewed"),
            Err(error) => tracing::warn!(event = "evidence.kept", why = %format!("{error:#}")),
        }
    }
}

async fn renewed(service: &Arc<Service>, http: &reqwest::Client) -> anyhow::Result<()> {
    let gathered = evidence::gather(&service.settings, http, &service.identity, Retry::default()).await?;
    let block = service.payments.recent_block().await.map_err(|failure| anyhow::anyhow!(failure.code()))?;
    let (own, _) = evidence::check(&service.settings, &service.identity, gathered, block)?;
    service.identity.set_evidence(own);
    Ok(())
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

async fn keep_able_to_settle(service: &Arc<Service>) {
    loop {
        tokio::time::sleep(READINESS_EVERY).await;
        service.payments.check_settlement().await;
    }
}

async fn keep_swept(service: &Arc<Service>) {
    let Some(to) = service.settings.config.sweep_to else { return };
    loop {
        if let Err(failure) = pipeline::sweep(service, to).await {
            tracing::warn!(event = "sweep.failed", code = failure.code());
        }
        tokio::time::sleep(Duration::from_secs(service.settings.config.sweep_seconds.min(3600))).await;
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
