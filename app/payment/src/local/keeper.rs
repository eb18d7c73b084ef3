//! The nonce manager's background task: whatever the wallet has sent is followed until it is mined, and what is stuck is
//! replaced, whether anybody waits for it or not.

use std::sync::{PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::{
    fees::{Fees, Market},
    nonces::{Flight, Work},
    options::MAX_SETTLE_GAS,
    transaction::Body,
    wallet::{LEASE, Wallet},
};
use crate::{chain::RpcError, facilitator::SignedTransaction};

/// Shortest pause between two looks at the wallet's nonces.
const FIRST_POLL: Duration = Duration::from_millis(25);
/// Longest while something waits.
const LAST_POLL: Duration = Duration::from_millis(500);
/// The pause is this part of the time since the newest transaction was sent: so late is a look at most, whatever the
/// chain's block time.
const POLLS_PER_BLOCK: u32 = 25;
/// How long a block that was just seen is watched as closely as one that is waited for: it may go again.
const CONFIRMING: Duration = Duration::from_secs(10);
/// Pause while mined transactions are kept in case their blocks go again.
const WATCHING_POLL: Duration = Duration::from_secs(5);
/// Pause while nothing waits.
const IDLE_POLL: Duration = Duration::from_secs(60);
/// Pause after a node that did not answer.
const RETRY: Duration = Duration::from_secs(2);
/// Leases that one round gives back, count.
const RELEASED_PER_ROUND: usize = 32;
/// Gas of a transfer of nothing where the node does not tell.
const IDLE_GAS: u64 = 30_000;

/// Keeps the wallet's transactions going for as long as the wallet is there.
pub(super) async fn keep(wallet: Weak<Wallet>) {
    let mut renewed = Instant::now();
    loop {
        let Some(here) = wallet.upgrade() else { return };
        let answered = here.look(Duration::ZERO).await.is_ok();
        if answered {
            here.work().await;
        }
        if renewed.elapsed() >= LEASE / 3 {
            renewed = Instant::now();
            here.renew().await;
        }
        here.release().await;
        let pause = if answered { here.pause() } else { RETRY };
        tokio::select! {
            () = here.wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// What became of a transaction that was handed to the node once.
enum Handed {
    /// The node has it, or may have it.
    Perhaps,
    /// The node keeps another one with this nonce that pays as much.
    Outbid,
    /// The nonce is used.
    Used,
    /// The node does not have it.
    Not,
}

impl Wallet {
    fn pause(&self) -> Duration {
        let nonces = self.nonces();
        match nonces.waiting_since() {
            Some(since) => (since.elapsed() / POLLS_PER_BLOCK).clamp(FIRST_POLL, LAST_POLL),
            None if nonces.is_open() => LAST_POLL,
            None => match nonces.mined_since() {
                Some(since) if since.elapsed() < CONFIRMING => LAST_POLL,
                Some(_) => WATCHING_POLL,
                None => IDLE_POLL,
            },
        }
    }

    /// Keeps the leases of everything that is open.
    async fn renew(&self) {
        let held = self.nonces().held();
        for nonce in held {
            // A lease that is lost costs a transaction that is displaced, not money.
            if self.leases.lease(nonce, LEASE).await.is_err() {
                return;
            }
        }
    }

    async fn release(&self) {
        let done: Vec<u64> = {
            let mut forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
            let count = forgotten.len().min(RELEASED_PER_ROUND);
            forgotten.drain(..count).collect()
        };
        for nonce in done {
            self.leases.release(nonce).await;
        }
    }

    /// One round of what is due.
    async fn work(&self) {
        let work = self.nonces().work(self.options.replace_after, Instant::now());
        if work.is_empty() {
            return;
        }
        // Where gas costs more than it may, or nobody tells, what was signed is sent again as it is.
        let market = self.market().await.ok();
        for work in work {
            match work {
                Work::SendAgain(nonce, flight) => self.send_again(nonce, &flight).await,
                Work::Replace(nonce, flight) => self.replace(nonce, &flight, market).await,
                Work::Close(nonce, offered) => self.close(nonce, offered, market).await,
                Work::Release(nonce) => {
                    self.nonces().released(nonce);
                    self.leases.release(nonce).await;
                }
            }
        }
    }

    async fn hand(&self, transaction: &SignedTransaction) -> Handed {
        match self.rpc.send_raw(&transaction.raw).await {
            Ok(()) | Err(RpcError::AlreadyKnown | RpcError::Lost | RpcError::Malformed) => Handed::Perhaps,
            Err(RpcError::ReplacementUnderpriced) => Handed::Outbid,
            Err(RpcError::NonceTooLow) => Handed::Used,
            Err(_) => Handed::Not,
        }
    }

    async fn send_again(&self, nonce: u64, flight: &Flight) {
        let refused = matches!(self.rpc.send_raw(&flight.newest.raw).await, Err(RpcError::FeeTooLow));
        let mut nonces = self.nonces();
        nonces.sent_again(nonce, Instant::now());
        if refused {
            nonces.hurry(nonce, flight.newest.hash);
        }
    }

    /// Offers more for the same call, or for a transfer of nothing where the call has no effect any more.
    async fn replace(&self, nonce: u64, flight: &Flight, market: Option<Market>) {
        let next = match market {
            Some(market) if flight.may_be_replaced() => self.next_version(nonce, flight, market).await,
            _ => None,
        };
        let signed = next.and_then(|body| body.clone().sign(&self.key).map(|signed| (body, signed)));
        let Some((body, signed)) = signed else {
            // It may have been forgotten, and gas may cost less again.
            self.hand(&flight.newest).await;
            return self.nonces().replaced(nonce, flight.body.clone(), None, Instant::now());
        };
        match self.hand(&signed).await {
            Handed::Perhaps => self.nonces().replaced(nonce, body, Some(signed), Instant::now()),
            Handed::Outbid => self.nonces().replaced(nonce, body, None, Instant::now()),
            Handed::Used | Handed::Not => {
                self.hand(&flight.newest).await;
                self.nonces().replaced(nonce, flight.body.clone(), None, Instant::now());
            }
        }
    }

    async fn next_version(&self, nonce: u64, flight: &Flight, market: Market) -> Option<Body> {
        let cap = self.options.max_fee_per_gas;
        let offer = market.offer(cap).ok()?;
        if flight.matters(market.time) {
            return flight.body.raised(offer, cap);
        }
        let fees = flight.body.fees().raised(offer, cap)?;
        Some(Body::idle(self.chain_id, self.address, nonce, self.idle_gas().await, fees))
    }

    /// Uses a nonce that nobody uses, so that later ones are not held up.
    async fn close(&self, nonce: u64, offered: Option<Fees>, market: Option<Market>) {
        if !self.nonces().reserve_gap(nonce) {
            return;
        }
        match self.leases.lease(nonce, LEASE).await {
            Ok(true) => self.fill(nonce, offered, market).await,
            Ok(false) => self.nonces().taken(nonce, Instant::now()),
            Err(_) => self.nonces().free(nonce, Instant::now()),
        }
    }

    async fn fill(&self, nonce: u64, offered: Option<Fees>, market: Option<Market>) {
        let cap = self.options.max_fee_per_gas;
        let offer = market.and_then(|market| market.offer(cap).ok());
        let fees = match offered {
            Some(before) => offer.and_then(|offer| before.doubled().raised(offer, cap)),
            None => offer,
        };
        let gas = self.idle_gas().await;
        let made = fees.and_then(|fees| {
            let body = Body::idle(self.chain_id, self.address, nonce, gas, fees);
            Some((fees, body.clone().sign(&self.key)?, body))
        });
        let Some((fees, signed, body)) = made else { return self.nonces().free(nonce, Instant::now()) };
        match self.hand(&signed).await {
            Handed::Perhaps => _ = self.nonces().follow(nonce, Flight::new(signed, body), Instant::now()),
            Handed::Outbid => self.nonces().outbid(nonce, fees, Instant::now()),
            // The next look tells more.
            Handed::Used | Handed::Not => self.nonces().free(nonce, Instant::now()),
        }
    }

    async fn idle_gas(&self) -> u64 {
        let estimated = self.rpc.estimate_gas(self.address, self.address, &[]).await;
        estimated.map_or(IDLE_GAS, |gas| gas + gas / 4).min(MAX_SETTLE_GAS)
    }
}
