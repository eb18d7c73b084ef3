//! The table of the nonce manager: each account nonce of the wallet that is in use, and what is due for it.
//!
//! Pure: the time and what the node says are arguments. Guarantees that one nonce carries one call at a time, that at
//! most [`MAX_IN_FLIGHT`] nonces are open, and that one round asks for at most [`MAX_WORK`] transactions.

use std::collections::BTreeMap;
use std::time::Duration;

use alloy_primitives::{B256, U256};
use tokio::time::Instant;

use super::{fees::Fees, transaction::Body};
use crate::facilitator::SignedTransaction;

/// Account nonces that are open at a time, those of other replicas included, count. Nodes keep a few hundred
/// transactions of one account.
pub const MAX_IN_FLIGHT: u64 = 128;
/// Transactions that one round sends again, replaces or makes, count.
pub const MAX_WORK: usize = 8;
/// Versions of one transaction that are followed, count. From there on the newest is only sent again.
const MAX_VERSIONS: usize = 64;
/// Mined transactions that are kept, count.
const MAX_MINED: usize = 4_096;
/// How long a mined transaction is kept, to be sent again after a reorganization.
const KEEP_MINED: Duration = Duration::from_secs(60);
/// How long a gap may last before it is closed: the nonce may be in use this very moment.
const GAP_PATIENCE: Duration = Duration::from_secs(2);
/// How long a nonce that another replica has leased is left alone without asking again.
const THEIRS_FOR: Duration = Duration::from_secs(3);
/// How long the node gets to count a transaction that it took.
const SETTLE_IN: Duration = Duration::from_secs(1);

/// What the node says of the wallet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct View {
    /// Transactions in blocks: the next nonce that a block takes.
    pub latest: u64,
    /// The same with the unbroken run that waits in the pool.
    pub pending: u64,
}

/// One transaction in all its versions: at most one of them is ever mined.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Flight {
    /// Hashes of every version that may have reached a node, newest last. Never empty.
    pub hashes: Vec<B256>,
    /// The newest version.
    pub newest: SignedTransaction,
    /// The newest version, read; its fees are at least those of every version.
    pub body: Body,
    /// The call is not needed any more, whatever its time.
    obsolete: bool,
    /// When its newest version was made; none if it must be replaced at once.
    made: Option<Instant>,
    /// When it was last sent.
    touched: Option<Instant>,
    /// When its nonce was seen to be used.
    mined: Option<Instant>,
}

impl Flight {
    pub(super) fn new(transaction: SignedTransaction, body: Body) -> Self {
        let hashes = vec![transaction.hash];
        Self { hashes, newest: transaction, body, obsolete: false, made: None, touched: None, mined: None }
    }

    /// Whether the call may still have an effect at the block time `time`.
    pub(super) fn matters(&self, time: u64) -> bool {
        !self.obsolete && U256::from(time) < self.body.until()
    }

    /// Whether another version may be made.
    pub(super) fn may_be_replaced(&self) -> bool {
        self.hashes.len() < MAX_VERSIONS
    }
}

#[derive(Debug)]
enum Slot {
    /// Taken by a caller that has not sent anything yet.
    Reserved,
    /// Given back unused; leased all the same.
    Free(Instant),
    /// In use.
    Sent(Box<Flight>),
}

/// A nonce that nobody is known to use, although a later one is in use or waits.
#[derive(Clone, Copy, Debug)]
struct Gap {
    since: Instant,
    /// What was last offered to close it.
    offered: Option<Fees>,
}

/// What is due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Work {
    /// The node may have forgotten it.
    SendAgain(u64, Box<Flight>),
    /// It has waited for too long.
    Replace(u64, Box<Flight>),
    /// Nobody uses the nonce and later ones wait for it; the fees that were offered in vain before.
    Close(u64, Option<Fees>),
    /// The nonce is not needed, and nothing of ours waits behind it.
    Release(u64),
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    view: Option<(View, Instant)>,
    slots: BTreeMap<u64, Slot>,
    /// Nonces of others, and until when they are left alone.
    theirs: BTreeMap<u64, Instant>,
    gaps: BTreeMap<u64, Gap>,
}

impl Nonces {
    /// The view, if it is not older than `age`.
    pub(super) fn view(&self, age: Duration, now: Instant) -> Option<View> {
        self.view.filter(|(_, at)| now.saturating_duration_since(*at) <= age).map(|(view, _)| view)
    }

    /// Takes the lowest nonce that nobody is known to use, and that no transaction at the node has; none while all are in
    /// use, or before the first view. The caller must lease it.
    pub(super) fn reserve(&mut self, now: Instant) -> Option<u64> {
        let (View { latest, pending }, _) = self.view?;
        let open = |nonce: &u64| match self.slots.get(nonce) {
            Some(Slot::Reserved | Slot::Sent(_)) => false,
            Some(Slot::Free(_)) => true,
            None => *nonce >= pending && self.theirs.get(nonce).is_none_or(|until| *until <= now),
        };
        let nonce = (latest..latest.saturating_add(MAX_IN_FLIGHT)).find(open)?;
        self.theirs.remove(&nonce);
        self.gaps.remove(&nonce);
        self.slots.insert(nonce, Slot::Reserved);
        Some(nonce)
    }

    /// Takes this nonce, which nobody is known to use; `false` if somebody took it meanwhile.
    pub(super) fn reserve_gap(&mut self, nonce: u64) -> bool {
        let open = matches!(self.slots.get(&nonce), None | Some(Slot::Free(_)));
        if open {
            self.slots.insert(nonce, Slot::Reserved);
        }
        open
    }

    /// Gives a reserved nonce back.
    pub(super) fn free(&mut self, nonce: u64, now: Instant) {
        if let Some(slot @ Slot::Reserved) = self.slots.get_mut(&nonce) {
            *slot = Slot::Free(now);
        }
    }

    /// Another process has the nonce.
    pub(super) fn taken(&mut self, nonce: u64, now: Instant) {
        if !matches!(self.slots.get(&nonce), Some(Slot::Sent(_))) {
            self.slots.remove(&nonce);
        }
        self.theirs.insert(nonce, now + THEIRS_FOR);
    }

    /// Follows a transaction from now on, unless its nonce carries another one. Tells whether it is followed.
    pub(super) fn follow(&mut self, nonce: u64, flight: Flight, now: Instant) -> bool {
        let passed = self.view.is_some_and(|(view, _)| nonce < view.latest);
        match self.slots.get(&nonce) {
            Some(Slot::Sent(known)) => return known.hashes.contains(&flight.newest.hash),
            Some(Slot::Reserved | Slot::Free(_)) | None if passed => return false,
            Some(Slot::Reserved | Slot::Free(_)) | None => {}
        }
        self.theirs.remove(&nonce);
        self.gaps.remove(&nonce);
        self.slots.insert(nonce, Slot::Sent(Box::new(Flight { made: Some(now), touched: Some(now), ..flight })));
        true
    }

    /// A transaction that was to be followed never arrived: its nonce is free again.
    pub(super) fn not_sent(&mut self, nonce: u64, hash: B256, now: Instant) {
        if self.has(nonce, hash) {
            self.slots.insert(nonce, Slot::Free(now));
        }
    }

    /// A transaction can never be mined, and its nonce is another's.
    pub(super) fn lost(&mut self, nonce: u64, hash: B256, now: Instant) {
        if self.has(nonce, hash) {
            self.slots.remove(&nonce);
            self.theirs.insert(nonce, now + THEIRS_FOR);
        }
    }

    /// The transaction is to be replaced in the next round.
    pub(super) fn hurry(&mut self, nonce: u64, hash: B256) {
        if let Some(flight) = self.flight_mut(nonce).filter(|flight| flight.hashes.contains(&hash)) {
            flight.made = None;
        }
    }

    /// The call of the nonce has no use any more: if it is stuck, something cheaper takes its place.
    pub(super) fn obsolete(&mut self, nonce: u64, hash: B256) {
        if let Some(flight) = self.flight_mut(nonce).filter(|flight| flight.hashes.contains(&hash)) {
            flight.obsolete = true;
        }
    }

    /// A new version: `signed` where the node took it or may have, none where it refused it for one that pays as much, so
    /// that the next one has to offer still more.
    pub(super) fn replaced(&mut self, nonce: u64, body: Body, signed: Option<SignedTransaction>, now: Instant) {
        let Some(flight) = self.flight_mut(nonce) else { return };
        flight.body = body;
        flight.made = Some(now);
        flight.touched = Some(now);
        if let Some(signed) = signed {
            flight.hashes.push(signed.hash);
            flight.newest = signed;
        }
    }

    /// It was sent once more.
    pub(super) fn sent_again(&mut self, nonce: u64, now: Instant) {
        if let Some(flight) = self.flight_mut(nonce) {
            flight.touched = Some(now);
        }
    }

    /// What was offered to close a gap was refused for another transaction.
    pub(super) fn outbid(&mut self, nonce: u64, offered: Fees, now: Instant) {
        self.slots.remove(&nonce);
        self.gaps.insert(nonce, Gap { since: now, offered: Some(offered) });
    }

    /// Every version of the transaction that `hash` is one of.
    pub(super) fn versions(&self, nonce: u64, hash: B256) -> Option<&[B256]> {
        match self.slots.get(&nonce) {
            Some(Slot::Sent(flight)) if flight.hashes.contains(&hash) => Some(&flight.hashes),
            _ => None,
        }
    }

    /// Takes note of what the node says. Answers the nonces whose transactions are mined for good.
    pub(super) fn observe(&mut self, view: View, now: Instant) -> Vec<u64> {
        let View { latest, .. } = view;
        self.view = Some((view, now));
        let mut forget = Vec::new();
        for (nonce, slot) in &mut self.slots {
            match slot {
                Slot::Sent(flight) if *nonce >= latest => {
                    // A reorganization took its block: the node may not have it any more.
                    if flight.mined.take().is_some() {
                        (flight.made, flight.touched) = (Some(now), None);
                    }
                }
                Slot::Sent(flight) => {
                    let since = *flight.mined.get_or_insert(now);
                    if now.saturating_duration_since(since) >= KEEP_MINED {
                        forget.push(*nonce);
                    }
                }
                Slot::Free(_) if *nonce < latest => forget.push(*nonce),
                Slot::Free(_) | Slot::Reserved => {}
            }
        }
        let passed: Vec<u64> = self.slots.range(..latest).map(|(nonce, _)| *nonce).collect();
        forget.extend(passed.iter().take(passed.len().saturating_sub(MAX_MINED)));
        forget.retain(|nonce| self.slots.remove(nonce).is_some());
        self.theirs = self.theirs.split_off(&latest);
        self.gaps = self.gaps.split_off(&latest);
        forget
    }

    /// What is due, the lowest nonces first. `patience`: how long a transaction waits before it is replaced.
    pub(super) fn work(&mut self, patience: Duration, now: Instant) -> Vec<Work> {
        let Some((View { latest, pending }, _)) = self.view else { return Vec::new() };
        let last = self.slots.iter().rev().find_map(|(nonce, slot)| matches!(slot, Slot::Sent(_)).then_some(*nonce));
        let behind = last.map_or(latest, |last| last.saturating_add(1)).max(pending);
        let end = behind.min(latest.saturating_add(MAX_IN_FLIGHT));
        let waited = |since: Instant| now.saturating_duration_since(since);
        let mut work = Vec::new();
        for nonce in latest..end {
            if work.len() >= MAX_WORK {
                return work;
            }
            match self.slots.get(&nonce) {
                Some(Slot::Sent(flight)) => {
                    if flight.made.is_none_or(|made| waited(made) >= patience) {
                        work.push(Work::Replace(nonce, flight.clone()));
                    } else if nonce >= pending && flight.touched.is_none_or(|sent| waited(sent) >= SETTLE_IN) {
                        work.push(Work::SendAgain(nonce, flight.clone()));
                    }
                }
                Some(Slot::Reserved) => {}
                Some(Slot::Free(since)) if waited(*since) < GAP_PATIENCE => {}
                Some(Slot::Free(_)) => work.push(Work::Close(nonce, None)),
                None => {
                    if self.theirs.get(&nonce).is_some_and(|until| *until > now) {
                        continue;
                    }
                    let gap = *self.gaps.entry(nonce).or_insert(Gap { since: now, offered: None });
                    // Where a transaction waits, it may be mined without help.
                    let due = if nonce < pending || gap.offered.is_some() { patience } else { GAP_PATIENCE };
                    if waited(gap.since) >= due.min(patience) {
                        work.push(Work::Close(nonce, gap.offered));
                    }
                }
            }
        }
        let idle = self.slots.range(end..).filter_map(|(nonce, slot)| match slot {
            Slot::Free(since) if waited(*since) >= GAP_PATIENCE => Some(Work::Release(*nonce)),
            _ => None,
        });
        work.extend(idle.take(MAX_WORK - work.len()));
        work
    }

    /// The nonce is not needed.
    pub(super) fn released(&mut self, nonce: u64) {
        if matches!(self.slots.get(&nonce), Some(Slot::Free(_))) {
            self.slots.remove(&nonce);
        }
    }

    /// Nonces whose leases must last.
    pub(super) fn held(&self) -> Vec<u64> {
        let open = |slot: &Slot| !matches!(slot, Slot::Sent(flight) if flight.mined.is_some());
        self.slots.iter().filter(|(_, slot)| open(slot)).map(|(nonce, _)| *nonce).collect()
    }

    /// When the newest transaction that is not mined was sent, if there is one.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        let waiting = |slot: &Slot| match slot {
            Slot::Sent(flight) if flight.mined.is_none() => Some(flight.touched.unwrap_or_else(Instant::now)),
            _ => None,
        };
        self.slots.values().filter_map(waiting).max()
    }

    /// When a transaction was last seen to be mined, of those that are kept.
    pub(super) fn mined_since(&self) -> Option<Instant> {
        let mined = |slot: &Slot| match slot {
            Slot::Sent(flight) => flight.mined,
            Slot::Reserved | Slot::Free(_) => None,
        };
        self.slots.values().filter_map(mined).max()
    }

    /// Whether anything is open that is not a transaction of ours: a nonce given back, or what others let wait.
    pub(super) fn is_open(&self) -> bool {
        let free = self.slots.values().any(|slot| matches!(slot, Slot::Free(_)));
        free || !self.gaps.is_empty() || self.view.is_some_and(|(view, _)| view.pending > view.latest)
    }

    fn has(&self, nonce: u64, hash: B256) -> bool {
        matches!(self.slots.get(&nonce), Some(Slot::Sent(flight)) if flight.newest.hash == hash)
    }

    fn flight_mut(&mut self, nonce: u64) -> Option<&mut Flight> {
        match self.slots.get_mut(&nonce)? {
            Slot::Sent(flight) => Some(flight),
            Slot::Reserved | Slot::Free(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
