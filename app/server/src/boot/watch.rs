//! Looks at what the service needs, again and again, so that `/readyz` follows the facts and comes back when they do.

use std::sync::Arc;
use std::time::Duration;

use precis_payment::Network;
use rustix::fs::statvfs;
use tokio::time::Instant;

use crate::clock;
use crate::health::Check;
use crate::service::{Rail, Service};

/// Time between two looks at a network while all is well.
const CALM: Duration = Duration::from_secs(5);
/// The same while something is not, and between two looks at everything else.
const WORRIED: Duration = Duration::from_secs(1);
/// Whether payments could be settled is asked this often: it takes several questions to the node.
const SETTLEMENT_EVERY: Duration = Duration::from_secs(15);
/// A node that gave no answer for so long does not answer; one that was asked in vain once may have been busy.
const SILENCE: Duration = Duration::from_secs(30);
/// How old the newest block may be, in blocks of the chain's own pace.
const BLOCKS_BEHIND: u64 = 20;
/// The least age that counts as old, seconds: blocks come unevenly.
const SHORTEST_BEHIND_SECONDS: u64 = 60;
/// Free bytes below which the ledger may soon be unable to grow.
const LEAST_ROOM_BYTES: u64 = 64 << 20;

/// Looks for as long as the process lives.
pub(super) async fn keep_watched(service: &Arc<Service>) {
    // Each network by itself: one that keeps its watcher waiting keeps nobody else.
    let networks = futures::future::join_all(service.payments.rails.iter().map(|rail| Head::of(rail).keep_looking()));
    tokio::join!(networks, keep_checked(service));
}

async fn keep_checked(service: &Arc<Service>) {
    loop {
        let found = |check, outcome| service.health.found(check, outcome, clock::now());
        found(Check::Keyset, keyset(service));
        found(Check::Ledger, ledger(service));
        found(Check::Workers, workers(service));
        found(Check::Disk, room(service));
        let chain = one_of(service, |(chain, _)| chain);
        let settlement = match chain {
            // One that could settle may have no chain, and the other way around: then nothing is open.
            Ok(()) => one_of(service, |(chain, settlement)| chain.or(settlement)),
            Err(_) => one_of(service, |(_, settlement)| settlement),
        };
        found(Check::Chain, chain);
        found(Check::Settlement, settlement);
        tokio::time::sleep(WORRIED).await;
    }
}

/// The failure that all networks share, by what each says of its chain and of settlement; one that works is enough.
fn one_of(service: &Service, fails: impl Fn((Option<String>, Option<String>)) -> Option<String>) -> Result<(), String> {
    let rails = &service.payments.rails;
    let whys: Option<Vec<(Network, String)>> =
        rails.iter().map(|rail| Some((rail.network(), fails(rail.failing())?))).collect();
    match whys.as_deref() {
        None => Ok(()),
        Some([(_, why)]) => Err(why.clone()),
        Some(several) => {
            let named: Vec<String> = several.iter().map(|(network, why)| format!("{network}: {why}")).collect();
            Err(named.join("; "))
        }
    }
}

fn keyset(service: &Service) -> Result<(), String> {
    let (current, now) = (service.identity.current(), clock::now());
    match current.period().is_late(now) {
        true => Err(format!("period {} to {}, no successor", current.keyset.not_before, current.keyset.not_after)),
        false => Ok(()),
    }
}

/// A ledger that fails tries by itself whether it works again.
fn ledger(service: &Service) -> Result<(), String> {
    let health = service.payments.ledger.health();
    match health.failing_since {
        _ if health.writable => Ok(()),
        Some(since) => Err(format!("writing fails for {} s", since.elapsed().as_secs())),
        None => Err("writing fails".into()),
    }
}

fn workers(service: &Service) -> Result<(), String> {
    if service.engine.is_alive() { Ok(()) } else { Err("a thread of the models has ended".into()) }
}

/// Room on the disk of a ledger that is a file of ours.
fn room(service: &Service) -> Result<(), String> {
    let config = &service.settings.config;
    if config.ledger_url.is_some() {
        return Ok(());
    }
    let disk = statvfs(config.state_dir.as_path()).map_err(|error| format!("the state directory: {error}"))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < LEAST_ROOM_BYTES { Err(format!("{} MiB are free", free >> 20)) } else { Ok(()) }
}

/// The newest block that a network's node knows, and whether payments could be settled there.
struct Head<'a> {
    rail: &'a Rail,
    answered: Instant,
    /// Seconds between two blocks, rounded up.
    pace_seconds: Option<u64>,
    settlement_at: Instant,
}

impl<'a> Head<'a> {
    fn of(rail: &'a Rail) -> Self {
        let now = Instant::now();
        // What was found at boot stands until it is due again.
        let settlement_at = if rail.is_settlement_known() { now + SETTLEMENT_EVERY } else { now };
        Self { rail, answered: now, pace_seconds: None, settlement_at }
    }

    async fn keep_looking(mut self) {
        loop {
            self.look().await;
            tokio::time::sleep(if self.rail.is_open().is_ok() { CALM } else { WORRIED }).await;
        }
    }

    async fn look(&mut self) {
        let outcome = self.chain().await;
        // First: a network that is back is asked whether it can settle before it takes a payment.
        if outcome.is_ok() && Instant::now() >= self.settlement_at {
            self.rail.check_settlement().await;
            if self.rail.is_settlement_known() {
                self.settlement_at = Instant::now() + SETTLEMENT_EVERY;
            }
        }
        self.rail.found_chain(outcome);
    }

    async fn chain(&mut self) -> Result<(), String> {
        let chain = &self.rail.chain;
        if !self.rail.is_checked() {
            // It did not answer at boot.
            chain.check_asset().await.map_err(|why| why.to_string())?;
            self.rail.set_checked();
        }
        let head = match chain.recent_block().await {
            Ok(head) => head,
            Err(_) if self.answered.elapsed() < SILENCE => return Ok(()),
            Err(why) => return Err(why.to_string()),
        };
        self.answered = Instant::now();
        let bound = match self.rail.settings.head_seconds {
            Some(0) => return Ok(()),
            Some(seconds) => seconds,
            None => {
                if self.pace_seconds.is_none() {
                    self.pace_seconds = chain.pace(&head).await.ok();
                }
                behind(self.pace_seconds.unwrap_or(1))
            }
        };
        in_step(head.timestamp, clock::now(), bound)
    }
}

/// The age at which a block is old on a chain of this pace.
fn behind(pace_seconds: u64) -> u64 {
    pace_seconds.saturating_mul(BLOCKS_BEHIND).max(SHORTEST_BEHIND_SECONDS)
}

fn in_step(head: u64, now: u64, bound: u64) -> Result<(), String> {
    match now.saturating_sub(head) {
        age if age > bound => Err(format!("the newest block is {age} s old, more than {bound} s")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_on_the_newest_block_follows_the_pace_of_the_chain() {
        assert_eq!((behind(2), behind(12)), (60, 240));
        assert!(in_step(1_000, 1_060, behind(2)).is_ok());
        assert!(in_step(1_000, 1_061, behind(2)).is_err());
        assert!(in_step(1_000, 1_240, behind(12)).is_ok());
        assert!(in_step(2_000, 1_000, behind(2)).is_ok(), "a block ahead of our clock is not old");
    }
}
