#![allow(clippy::unwrap_used, clippy::panic)]
use alloy_primitives::{Address, Bytes};

use super::*;
use crate::{exact::fixtures, local::transaction::Call};

const PATIENCE: Duration = Duration::from_secs(8);

fn flight(nonce: u64) -> Flight {
    let mut input = vec![0; 4 + 6 * 32];
    input[4 + 5 * 32 - 2..][..2].copy_from_slice(&1_000_u16.to_be_bytes());
    let call = Call { chain_id: 1, to: Address::ZERO, input: Bytes::from(input), gas_limit: 1, nonce };
    let body = Body::new(call, Fees::Legacy { gas_price: 10 });
    Flight::new(body.clone().sign(&fixtures::key()).unwrap(), body)
}

fn seen(latest: u64, pending: u64) -> (Nonces, Instant) {
    let (mut nonces, now) = (Nonces::default(), Instant::now());
    nonces.observe(View { latest, pending }, now);
    (nonces, now)
}

/// Takes the next nonce and follows a transaction that uses it.
fn send(nonces: &mut Nonces, now: Instant) -> u64 {
    let nonce = nonces.reserve(now).unwrap();
    assert!(nonces.follow(nonce, flight(nonce), now));
    nonce
}

fn kinds(work: &[Work]) -> Vec<(&'static str, u64)> {
    let kind = |work: &Work| match work {
        Work::SendAgain(nonce, _) => ("again", *nonce),
        Work::Replace(nonce, _) => ("replace", *nonce),
        Work::Close(nonce, _) => ("close", *nonce),
        Work::Release(nonce) => ("release", *nonce),
    };
    work.iter().map(kind).collect()
}

#[test]
fn every_caller_gets_a_nonce_of_its_own_and_the_lowest_that_is_given_back() {
    let mut nonces = Nonces::default();
    let now = Instant::now();
    assert_eq!(nonces.reserve(now), None, "nobody knows what the chain has");
    nonces.observe(View { latest: 5, pending: 5 }, now);
    assert_eq!([(); 3].map(|()| nonces.reserve(now)), [Some(5), Some(6), Some(7)]);
    nonces.free(6, now);
    assert_eq!([(); 2].map(|()| nonces.reserve(now)), [Some(6), Some(8)]);
    nonces.taken(8, now);
    assert_eq!(nonces.reserve(now), Some(9), "another replica has it");
    assert_eq!(nonces.reserve(now + THEIRS_FOR), Some(8), "it is asked for again");
}

#[test]
fn no_more_than_so_many_are_open() {
    let (mut nonces, now) = seen(0, 0);
    for nonce in 0..MAX_IN_FLIGHT {
        assert_eq!(nonces.reserve(now), Some(nonce));
    }
    assert_eq!(nonces.reserve(now), None);
    nonces.observe(View { latest: 1, pending: 1 }, now);
    assert_eq!(nonces.reserve(now), Some(MAX_IN_FLIGHT));
}

#[test]
fn what_waits_for_too_long_is_replaced_and_what_the_node_forgot_is_sent_again() {
    let (mut nonces, now) = seen(3, 3);
    let (first, second) = (send(&mut nonces, now), send(&mut nonces, now));
    nonces.observe(View { latest: 3, pending: 4 }, now);
    assert_eq!(kinds(&nonces.work(PATIENCE, now)), [], "a moment");
    let later = now + SETTLE_IN;
    assert_eq!(kinds(&nonces.work(PATIENCE, later)), [("again", second)]);
    nonces.sent_again(second, later);
    assert_eq!(kinds(&nonces.work(PATIENCE, now + PATIENCE)), [("replace", first), ("replace", second)]);
    nonces.observe(View { latest: 5, pending: 5 }, later);
    assert_eq!(kinds(&nonces.work(PATIENCE, now + 2 * PATIENCE)), []);
}

#[test]
fn the_work_of_one_round_is_bounded() {
    let (mut nonces, now) = seen(0, 0);
    for _ in 0..MAX_IN_FLIGHT {
        send(&mut nonces, now);
    }
    assert_eq!(nonces.work(PATIENCE, now + PATIENCE).len(), MAX_WORK);
}

#[test]
fn a_nonce_given_back_is_closed_if_later_ones_wait_for_it_and_forgotten_otherwise() {
    let (mut nonces, now) = seen(0, 0);
    let first = nonces.reserve(now).unwrap();
    let second = send(&mut nonces, now);
    let third = nonces.reserve(now).unwrap();
    nonces.free(first, now);
    nonces.free(third, now);
    nonces.observe(View { latest: 0, pending: 0 }, now);
    assert_eq!(nonces.work(PATIENCE, now), [], "somebody may take it at once");
    let work = nonces.work(PATIENCE, now + GAP_PATIENCE);
    assert_eq!(kinds(&work), [("close", first), ("again", second), ("release", third)]);
}

#[test]
fn a_gap_of_somebody_else_is_closed_and_a_waiting_transaction_is_given_more_time() {
    let (mut nonces, now) = seen(0, 0);
    let lost = nonces.reserve(now).unwrap();
    let ours = send(&mut nonces, now);
    nonces.taken(lost, now);
    assert_eq!(kinds(&nonces.work(PATIENCE, now + SETTLE_IN)), [("again", ours)], "it is leased");
    let noticed = now + THEIRS_FOR;
    nonces.sent_again(ours, noticed);
    assert_eq!(nonces.work(PATIENCE, noticed), []);
    assert!(kinds(&nonces.work(PATIENCE, noticed + GAP_PATIENCE)).contains(&("close", lost)));
    nonces.observe(View { latest: 0, pending: 2 }, noticed);
    assert_eq!(nonces.work(PATIENCE, noticed + GAP_PATIENCE), [], "the node has one");
    assert_eq!(kinds(&nonces.work(PATIENCE, noticed + PATIENCE)), [("close", lost), ("replace", ours)]);
}

#[test]
fn what_an_earlier_life_left_in_the_pool_is_replaced_once_it_is_stuck() {
    let (mut nonces, now) = seen(4, 6);
    assert!(nonces.is_open());
    let new = nonces.reserve(now);
    assert_eq!(new, Some(6), "what waits is not taken away unseen");
    nonces.free(6, now);
    assert_eq!(nonces.work(PATIENCE, now), []);
    assert_eq!(kinds(&nonces.work(PATIENCE, now + PATIENCE)), [("close", 4), ("close", 5), ("release", 6)]);
    let fees = Fees::Legacy { gas_price: 10 };
    nonces.outbid(4, fees, now + PATIENCE);
    let again = nonces.work(PATIENCE, now + 2 * PATIENCE);
    assert_eq!(again.first(), Some(&Work::Close(4, Some(fees))));
}

#[test]
fn a_reorganization_brings_mined_transactions_back() {
    let (mut nonces, now) = seen(0, 0);
    let nonce = send(&mut nonces, now);
    assert!(nonces.observe(View { latest: 1, pending: 1 }, now).is_empty());
    assert_eq!((nonces.held(), nonces.waiting_since()), (Vec::new(), None));
    nonces.observe(View { latest: 0, pending: 0 }, now);
    assert_eq!(kinds(&nonces.work(PATIENCE, now)), [("again", nonce)]);
    assert_eq!(nonces.held(), [nonce]);
    nonces.observe(View { latest: 1, pending: 1 }, now);
    assert_eq!(nonces.observe(View { latest: 1, pending: 1 }, now + KEEP_MINED), [nonce], "for good");
}

#[test]
fn a_transaction_that_never_left_or_is_another_ones_leaves_its_nonce() {
    let (mut nonces, now) = seen(0, 0);
    let nonce = send(&mut nonces, now);
    let hash = flight(nonce).newest.hash;
    nonces.not_sent(nonce, hash, now);
    assert_eq!(nonces.reserve(now), Some(nonce));
    assert!(nonces.follow(nonce, flight(nonce), now));
    nonces.lost(nonce, hash, now);
    assert_eq!(nonces.versions(nonce, hash), None);
    assert_eq!(nonces.reserve(now), Some(nonce + 1));
}

#[test]
fn every_version_of_a_transaction_is_known_by_the_first() {
    let (mut nonces, now) = seen(0, 0);
    let nonce = send(&mut nonces, now);
    let first = flight(nonce).newest.hash;
    let next = SignedTransaction { hash: B256::repeat_byte(9), raw: Bytes::new() };
    nonces.replaced(nonce, flight(nonce).body, Some(next.clone()), now);
    assert_eq!(nonces.versions(nonce, first), Some(&[first, next.hash][..]));
    let other = Flight { newest: next, ..flight(nonce) };
    assert!(nonces.follow(nonce, other, now), "it is this one");
    let rival = Flight { newest: SignedTransaction { hash: B256::ZERO, raw: Bytes::new() }, ..flight(nonce) };
    assert!(!nonces.follow(nonce, rival, now), "the nonce carries one call");
}

#[test]
fn a_call_matters_until_its_authorization_ends_or_is_used() {
    let (mut nonces, now) = seen(0, 0);
    let nonce = send(&mut nonces, now);
    let sent = flight(nonce);
    assert!(sent.matters(999) && !sent.matters(1_000));
    nonces.obsolete(nonce, sent.newest.hash);
    let Some(Work::Replace(_, stuck)) = nonces.work(PATIENCE, now + PATIENCE).into_iter().next() else {
        panic!("it is not replaced")
    };
    assert!(!stuck.matters(0));
}
