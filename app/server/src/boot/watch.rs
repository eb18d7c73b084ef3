//! Looks at what the service needs, again and again, so that `/readyz` follows the facts and comes back when they do.

use std::sync::Arc;
use std::time::Duration;

use rustix::fs::statvfs;
use tokio::time::Instant;

use crate::clock;
use crate::health::Check;
use crate::service::Service;

/// Time between two looks while all is well.
const CALM: Duration = Duration::from_secs(5);
/// The same while something is not.
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
    let mut head = Head { answered: Instant::now(), pace_seconds: None };
    let mut settlement_at = Instant::now() + SETTLEMENT_EVERY;
    loop {
        let found = |check, outcome| service.health.found(check, outcome, clock::now());
        found(Check::Keyset, keyset(service));
        found(Check::Ledger, ledger(service));
        found(Check::Workers, workers(service));
        found(Check::Disk, room(service));
        found(Check::Chain, head.look(service).await);
        if Instant::now() >= settlement_at {
            service.payments.check_settlement().await;
            settlement_at = Instant::now() + SETTLEMENT_EVERY;
        }
        found(Check::Settlement, service.payments.can_settle().map_err(|failure| failure.detail().to_owned()));
        let pause = if service.health.failing().is_empty() { CALM } else { WORRIED };
        tokio::time::sleep(pause).await;
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

/// The newest block that the node knows.
struct Head {
    answered: Instant,
    /// Seconds between two blocks, rounded up.
    pace_seconds: Option<u64>,
}

impl Head {
    async fn look(&mut self, service: &Service) -> Result<(), String> {
        let chain = &service.payments.chain;
        let head = match chain.recent_block().await {
            Ok(head) => head,
            Err(_) if self.answered.elapsed() < SILENCE => return Ok(()),
            Err(why) => return Err(why.to_string()),
        };
        self.answered = Instant::now();
        let bound = match service.settings.config.head_seconds {
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
