//! Keysets come into force and are replaced: long before their period is over, and before their channel key has opened as
//! much as it can (SPEC 2.6). A keyset that cannot be replaced goes on while it is in time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use precis_rofl::appd::Appd;
use tokio::time::Instant;

use super::evidence::{Digests, Publisher};
use super::keys::{self, Surroundings};
use crate::clock;
use crate::readiness::Readiness;
use crate::service::{Generation, Service};

/// Time between two looks at clock and channel.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest pause between two tries to bring a keyset into force; they begin at [`LOOK_EVERY`] and double.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The same as a part of a keyset's period, where that is shorter.
const LONGEST_PAUSE_PART: u64 = 16;
/// Registrations are renewed every few epochs and collateral every month; an hour is well inside both.
const EVIDENCE_EVERY: Duration = Duration::from_secs(3600);

/// The first keyset of this process, with its evidence. Waits for what is outside the enclave.
///
/// # Errors
/// When its evidence does not verify: the platform is not what the service must run on.
pub(super) async fn first(
    surroundings: &Surroundings<'_>,
    publisher: &Publisher<'_>,
    key_id: u8,
    readiness: &Readiness,
) -> anyhow::Result<Generation> {
    let mut tried: Option<Generation> = None;
    let attempt = async || {
        // One that waited for too long is not worth publishing any more.
        let young = tried.take().filter(|tried| !tried.period().is_due(clock::now()));
        let made = young.map_or_else(|| keys::generate(key_id).and_then(|keys| surroundings.generation(keys)), Ok);
        let generation = match made {
            Ok(generation) => generation,
            Err(error) => return Ok(Err(error.context("keyset"))),
        };
        let digests = Digests { newest: generation.keyset_digest, previous: None };
        match publisher.publish(&generation, digests).await {
            Ok(Ok(())) => Ok(Ok(generation)),
            Ok(Err(unverified)) => Ok(Err(unverified.into())),
            Err(error) => {
                tried = Some(generation);
                Err(format!("{error:#}"))
            }
        }
    };
    let generation = readiness.until("own evidence", attempt).await?;
    tracing::info!(event = "boot.attested", keyset = %generation.keyset_digest);
    Ok(generation)
}

/// Keeps a keyset in force, and its evidence fresh, for as long as the process lives.
pub(super) async fn keep_in_force(service: &Arc<Service>, appd: &Appd, http: &reqwest::Client) {
    let publisher = Publisher { settings: &service.settings, appd, http, payments: &service.payments };
    let mut rotation = Rotation { service, publisher, next: None, pause: LOOK_EVERY, try_at: Instant::now() };
    let mut evidence_at = Instant::now() + EVIDENCE_EVERY;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        service.identity.forget_what_is_over(clock::now());
        rotation.look().await;
        if Instant::now() >= evidence_at {
            rotation.renew_evidence().await;
            evidence_at = Instant::now() + EVIDENCE_EVERY;
        }
    }
}

struct Rotation<'a> {
    service: &'a Arc<Service>,
    publisher: Publisher<'a>,
    /// Made and perhaps published, but not in force.
    next: Option<Generation>,
    pause: Duration,
    try_at: Instant,
}

impl Rotation<'_> {
    /// Replaces the keyset in force if it is time to.
    async fn look(&mut self) {
        let current = self.service.identity.current();
        let due = current.period().is_due(clock::now()) || current.is_filling();
        if !due || Instant::now() < self.try_at {
            return;
        }
        match self.renew(&current).await {
            Ok(next) => {
                tracing::info!(event = "keyset.renewed", keyset = %next.keyset_digest, opened = current.channel.opened());
                self.service.identity.replace(next);
                self.pause = LOOK_EVERY;
            }
            Err(error) => {
                let late = current.period().is_late(clock::now());
                tracing::warn!(event = "keyset.not_renewed", late, why = %format!("{error:#}"));
                self.try_at = Instant::now() + self.pause;
                let part = Duration::from_secs(self.service.settings.config.keyset_seconds / LONGEST_PAUSE_PART);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE).min(part);
            }
        }
    }

    async fn renew(&mut self, current: &Generation) -> anyhow::Result<Generation> {
        // One that was tried before is tried again while it is young: each other one is another transaction on chain.
        let young = self.next.take().filter(|next| !next.period().is_due(clock::now()));
        let next = match young {
            Some(next) => next,
            None => successor(self.service, current).context("keyset")?,
        };
        let digests = Digests { newest: next.keyset_digest, previous: Some(current.keyset_digest) };
        let published = self.publisher.publish(&next, digests).await;
        match published.and_then(|verified| verified.map_err(anyhow::Error::from)) {
            Ok(()) => Ok(next),
            Err(error) => {
                self.next = Some(next);
                Err(error)
            }
        }
    }

    /// What was verified before stays served when fresher evidence cannot be had: it judges itself by its own dates.
    async fn renew_evidence(&self) {
        let current = self.service.identity.current();
        let digests = match &self.next {
            Some(next) => Digests { newest: next.keyset_digest, previous: Some(current.keyset_digest) },
            None => Digests { newest: current.keyset_digest, previous: self.service.identity.previous_digest() },
        };
        match self.publisher.publish(&current, digests).await.and_then(|verified| verified.map_err(anyhow::Error::from))
        {
            Ok(()) => tracing::info!(event = "evidence.renewed"),
            Err(error) => tracing::warn!(event = "evidence.kept", why = %format!("{error:#}")),
        }
    }
}

/// A keyset to follow `current`: other keys, the same process and settings.
fn successor(service: &Service, current: &Generation) -> anyhow::Result<Generation> {
    let surroundings = Surroundings {
        app_id: &current.keyset.app_id,
        instance_id: service.identity.instance_id,
        settings: &service.settings,
        engine: &service.engine,
        payments: &service.payments,
    };
    // Both keys are in use for a while, so requests must name them apart.
    let key_id = current.keyset.ohttp_config.first().map_or(0, |id| id.wrapping_add(1));
    surroundings.generation(keys::generate(key_id)?)
}
